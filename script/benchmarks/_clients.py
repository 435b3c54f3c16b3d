"""Clients of a tracking server as processes of their own: plain HTTP over kept connections, prepared bodies."""

from __future__ import annotations

import http.client
import json
import multiprocessing
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


@dataclass(frozen=True)
class Speed:
    """`rate` is calls a second of all clients, `p50_ms` of one call."""

    rate: float
    p50_ms: float
    calls: int


def worker(url: str, token: str, call: Call, number: int, start: Any, seconds: float, results: Any) -> None:
    connection = Connection(url, token)
    call(connection, number, -1)  # what a client does once
    start.wait()
    times, began = [], time.perf_counter()
    while (now := time.perf_counter()) - began < seconds:
        call(connection, number, len(times))
        times.append(time.perf_counter() - now)
    results.put((time.perf_counter() - began, times))


def run(url: str, token: str, call: Call, clients: int, seconds: float) -> Speed:
    """Let clients call as often as they can."""
    context = multiprocessing.get_context("fork")
    start, results = context.Barrier(clients), context.Queue()
    workers = [
        context.Process(target=worker, args=(url, token, call, number, start, seconds, results), daemon=True)
        for number in range(clients)
    ]
    for one in workers:
        one.start()
    found = [results.get(timeout=seconds + 900) for _one in workers]
    for one in workers:
        one.join()
    times = [each for _took, many in found for each in many]
    return Speed(sum(len(many) / took for took, many in found), statistics.median(times or [0]) * 1000, len(times))
