"""The studio's API as nodes and runners call it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import httpx

TIMEOUT_S = 15.0

logger = logging.getLogger(__name__)


class StudioAway(Exception):
    """The studio did not answer, or not sensibly: try again later."""


class Refused(Exception):
    """The studio answered no; `status` is HTTP's."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class StudioClient:
    """One connection, kept; every call raises StudioAway or Refused and nothing else."""

    def __init__(self, url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        # The environment's proxies are not for us: the studio is on this machine or named by its own address.
        self.http = httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_S, trust_env=False)

    def get(self, path: str, **query: str) -> dict[str, Any]:
        return self._json(self._send("GET", path, params=query))

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._json(self._send("POST", path, json=body))

    def append(self, path: str, data: bytes, **query: int) -> int:
        """Send a piece of a log; give how many bytes the studio has."""
        return int(self._json(self._send("POST", path, params=query, content=data))["size"])

    def download(self, path: str, target: Path) -> None:
        """Fetch a file, from the store where it lies when the studio names an address there and it answers."""
        try:
            with self.http.stream("GET", path) as answer:
                if answer.status_code != httpx.codes.TEMPORARY_REDIRECT:
                    save(answer, target)
                    return
                elsewhere = answer.headers["Location"]
            if not fetched_from(elsewhere, target):
                with self.http.stream("GET", path, params={"through": "studio"}) as answer:
                    save(answer, target)
        except httpx.HTTPError as error:
            raise StudioAway(str(error)) from error

    def upload(self, path: str, file: BinaryIO) -> None:
        """Send a file as large as it is now; what is added to it meanwhile is left."""
        size = os.fstat(file.fileno()).st_size
        self._send("PUT", path, content=pieces(file, size), headers={"Content-Length": str(size)})

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            answer = self.http.request(method, path, **request)
        except httpx.HTTPError as error:
            raise StudioAway(f"{type(error).__name__}: {error}") from error
        if answer.is_success:
            return answer
        raise _problem(answer)

    @staticmethod
    def _json(answer: httpx.Response) -> dict[str, Any]:
        try:
            return dict(answer.json())
        except ValueError as error:
            raise StudioAway("the answer is not JSON") from error


def save(answer: httpx.Response, target: Path) -> None:
    """Write a body to a file. Raises Refused or StudioAway for an answer that is no file."""
    if answer.status_code != httpx.codes.OK:
        answer.read()
        raise _problem(answer)
    with target.open("wb") as file:
        for piece in answer.iter_bytes():
            file.write(piece)


def fetched_from(url: str, target: Path) -> bool:
    """Fetch from a store by its signed address, without the studio's token; say whether that went well."""
    try:
        with httpx.stream("GET", url, timeout=TIMEOUT_S, trust_env=False) as answer:
            save(answer, target)
    except (httpx.HTTPError, Refused, StudioAway) as error:
        logger.info("a store did not answer, so its file comes through the studio: %s", type(error).__name__)
        return False
    return True


def pieces(file: BinaryIO, size: int) -> Iterator[bytes]:
    """Give exactly so many bytes of a file; one that became shorter is filled with zeroes, as its length was said."""
    while size > 0:
        piece = file.read(min(size, 1024 * 1024)) or bytes(min(size, 1024 * 1024))
        size -= len(piece)
        yield piece


def _problem(answer: httpx.Response) -> Exception:
    # 404 and 5xx may be the gateway's while no web worker is behind it: only the studio's own JSON is a no.
    try:
        words = answer.json()
        message = str(words["message"])
    except (ValueError, KeyError, TypeError):
        return StudioAway(f"status {answer.status_code}")
    if answer.status_code >= 500 or answer.status_code in (401, 429):
        return StudioAway(f"status {answer.status_code}: {message}")
    return Refused(answer.status_code, message)
