"""Clients of a tracking server as processes of their own: plain HTTP over kept connections, prepared bodies."""

from __future__ import annotations

import http.client
import json
import multiprocessing
import queue
import socket
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

Call = Callable[["Connection", int, int], None]


class Connection:
    """One kept connection. While `is_quick` it acknowledges at once: no server is charged for the kernel's delay."""

    is_quick = True

    def __init__(self, url: str, token: str = "") -> None:
        parts = urlsplit(url)
        self.front = f"{parts.path.rstrip('/')}/api/2.0"
        self.headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        self.port = parts.port or 0
        self.http = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=900, blocksize=1 << 20)

    def send(self, method: str, path: str, body: bytes | None = None) -> bytes:
        self.http.request(method, self.front + path, body, self.headers)
        if self.is_quick:
            self.http.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        answer = self.http.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:300]!r}")
        return content

    def post(self, path: str, content: dict[str, Any]) -> Any:
        return json.loads(self.send("POST", path, json.dumps(content).encode()))

    def renew(self) -> None:
        self.http.close()


@dataclass(frozen=True)
class Speed:
    """`rate` is calls a second of all clients, `p50_ms` of one call; `failures` are calls that got no good answer."""

    rate: float
    p50_ms: float
    calls: int
    failures: int = 0


FAILED = (OSError, http.client.HTTPException, RuntimeError)
PATIENCE = 20


def first(connection: Connection, call: Call, number: int) -> None:
    """Do what a client does once; a server whose workers die under load is given time to start others."""
    for attempt in range(PATIENCE):
        try:
            call(connection, number, -1)
            return
        except FAILED:
            connection.renew()
            if attempt == PATIENCE - 1:
                raise
            time.sleep(1)


def worker(url: str, token: str, call: Call, number: int, start: Any, seconds: float, results: Any) -> None:
    connection, times, failures = Connection(url, token), [], 0
    try:
        first(connection, call, number)
    finally:
        start.wait()
    began = time.perf_counter()
    while (now := time.perf_counter()) - began < seconds:
        try:
            call(connection, number, len(times) + failures)
            times.append(time.perf_counter() - now)
        except FAILED:
            failures += 1
            connection.renew()
            time.sleep(0.1)
    results.put((time.perf_counter() - began, times, failures))


def run(url: str, token: str, call: Call, clients: int, seconds: float) -> Speed:
    """Let clients call as often as they can. Raises RuntimeError when one of them ends without a result."""
    context = multiprocessing.get_context("fork")
    start, results = context.Barrier(clients), context.Queue()
    workers = [
        context.Process(target=worker, args=(url, token, call, number, start, seconds, results), daemon=True)
        for number in range(clients)
    ]
    for one in workers:
        one.start()
    found: list[tuple[float, list[float], int]] = []
    while len(found) < clients:
        try:
            found.append(results.get(timeout=5))
        except queue.Empty:
            if all(one.exitcode is not None for one in workers) and results.empty():
                raise RuntimeError("a client ended without a result; see above") from None
    for one in workers:
        one.join()
    times = [each for _took, many, _failed in found for each in many]
    rate = sum(len(many) / took for took, many, _failed in found)
    failures = sum(failed for _took, _many, failed in found)
    return Speed(rate, statistics.median(times or [0]) * 1000, len(times), failures)
