"""The gateway's routes to endpoints: nginx text, written whole, taken only when nginx accepts it.

    <home>/gateway/routes/endpoint-<id>.upstream.conf     the ready replicas
    <home>/gateway/routes/endpoint-<id>.location.conf     the scoring address

A request goes from nginx straight to a replica; the studio's web processes have no part in it.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

BODY_BYTES = 100 * 1024 * 1024


@dataclass(frozen=True)
class Replica:
    """Where a ready replica listens (`unix:/path` or `host:port`), and its share among the others."""

    url: str
    weight: int = 1


@dataclass(frozen=True)
class Route:
    """An endpoint as the gateway sees it; without replicas it answers 503 until there are some."""

    endpoint_id: int
    workspace: str
    name: str
    replicas: tuple[Replica, ...]
    timeout_s: float = 60.0
    body_bytes: int = BODY_BYTES

    @property
    def prefix(self) -> str:
        return f"/endpoints/{self.workspace}/{self.name}"


def upstream(route: Route) -> str:
    """Write the group of replicas; an endpoint without any has no group, as nginx refuses an empty one."""
    if not route.replicas:
        return ""
    servers = "\n".join(
        f'    server "{replica.url}" weight={replica.weight} max_fails=2 fail_timeout=5s;' for replica in route.replicas
    )
    return f"upstream endpoint-{route.endpoint_id} {{\n{servers}\n    keepalive 32;\n    keepalive_timeout 60s;\n}}\n"


def location(route: Route) -> str:
    """Write the address: to the replicas, or 503 while there are none."""
    return (_serving if route.replicas else _waiting)(route)


def _serving(route: Route) -> str:
    key = f"endpoint-{route.endpoint_id}"
    return f"""\
location ^~ "{route.prefix}/" {{
    proxy_pass http://{key}/;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
    proxy_set_header X-Request-ID $studio_request_id;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Prefix "{route.prefix}";
    # A scoring request changes nothing, so one that a dying replica did not answer is sent to another.
    proxy_next_upstream error timeout non_idempotent;
    proxy_next_upstream_tries 3;
    proxy_next_upstream_timeout {route.timeout_s:g}s;
    proxy_connect_timeout 2s;
    proxy_read_timeout {route.timeout_s:g}s;
    proxy_send_timeout {route.timeout_s:g}s;
    client_max_body_size {route.body_bytes};
    client_body_buffer_size 256k;
    gzip off;
    error_page 502 503 = @{key}-away;
    error_page 504 = @{key}-late;
    error_page 413 = @{key}-large;
}}
location @{key}-away {{ {_refusal(503, "TEMPORARILY_UNAVAILABLE", "No replica of this endpoint is ready.")} }}
location @{key}-late {{ {_refusal(504, "DEADLINE_EXCEEDED", "The model did not answer in time.")} }}
location @{key}-large {{ {_refusal(413, "REQUEST_LIMIT_EXCEEDED", "The body is too large.")} }}
"""


def _waiting(route: Route) -> str:
    refusal = _refusal(503, "TEMPORARILY_UNAVAILABLE", "No replica of this endpoint is ready.")
    return f'location ^~ "{route.prefix}/" {{ {refusal} }}\n'


def _refusal(status: int, code: str, message: str) -> str:
    body = f'{{"error_code":"{code}","message":"{message}"}}'
    retry = " add_header Retry-After 2 always;" if status == 503 else ""
    safe = "add_header X-Content-Type-Options nosniff always;"
    return f"default_type application/json;{retry} {safe} return {status} '{body}';"


@dataclass(frozen=True)
class Routes:
    """The route files of one gateway. `reload` makes nginx take them, and raises when it will not."""

    home: Path
    reload: Callable[[Path], Any]

    @property
    def folder(self) -> Path:
        return self.home / "gateway" / "routes"

    def put(self, route: Route) -> bool:
        """Bring the files to the route; say whether anything changed. A refused route leaves the old one."""
        files = self._files(route.endpoint_id)
        return self._change(dict(zip(files, (upstream(route), location(route)), strict=True)))

    def remove(self, endpoint_id: int) -> bool:
        """Take an endpoint off the gateway; its address is then unknown."""
        return self._change(dict.fromkeys(self._files(endpoint_id), ""))

    def known(self) -> set[int]:
        """List the endpoints that have a route."""
        if not self.folder.is_dir():
            return set()
        numbers = (path.name.removeprefix("endpoint-").split(".")[0] for path in self.folder.glob("endpoint-*.conf"))
        return {int(number) for number in numbers if number.isdigit()}

    def _files(self, endpoint_id: int) -> tuple[Path, Path]:
        key = f"endpoint-{endpoint_id}"
        return self.folder / f"{key}.upstream.conf", self.folder / f"{key}.location.conf"

    def _change(self, wanted: dict[Path, str]) -> bool:
        # The gateway reads all routes at once: two writers must not reload each other's half.
        with self._locked():
            before = {path: _text(path) for path in wanted}
            if before == wanted:
                return False
            _write_all(wanted)
            try:
                self.reload(self.home)
            except Exception:
                _write_all(before)
                raise
        logger.info("routes changed files=%s", ",".join(path.name for path in wanted))
        return True

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        import fcntl

        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def _write_all(texts: dict[Path, str]) -> None:
    for path, text in texts.items():
        if not text:
            path.unlink(missing_ok=True)
            continue
        draft = path.with_suffix(".draft")
        with draft.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
