"""Keep-alive clients that cost little: one loop over many sockets, one prepared request, no parsing beyond its need."""

from __future__ import annotations

import selectors
import socket
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

PATIENCE_S = 60.0


@dataclass
class Client:
    """One connection with at most one request on its way."""

    sock: socket.socket
    request: bytes
    began: float = 0.0
    unsent: memoryview = field(default_factory=lambda: memoryview(b""))
    got: bytearray = field(default_factory=bytearray)
    whole: int = 0
    took: list[float] = field(default_factory=list)
    failed: int = 0

    def ask(self) -> None:
        self.began, self.unsent, self.whole = time.perf_counter(), memoryview(self.request), 0
        self.got.clear()
        self.send()

    def send(self) -> None:
        try:
            self.unsent = self.unsent[self.sock.send(self.unsent) :]
        except BlockingIOError:
            return

    def has_answer(self) -> bool:
        """Read what came; say whether the answer is whole. Raises ConnectionError for a server that hung up."""
        piece = self.sock.recv(262_144)
        if not piece:
            raise ConnectionError("the server closed the connection")
        self.got += piece
        if not self.whole:
            end = self.got.find(b"\r\n\r\n")
            if end < 0:
                return False
            self.whole = end + 4 + length_of(bytes(self.got[:end]))
        return len(self.got) >= self.whole

    def note(self) -> None:
        """Write down how long the answer took, and whether it was a 200."""
        self.took.append(time.perf_counter() - self.began)
        self.failed += not self.got.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200"))


def length_of(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    raise RuntimeError("the answer does not say how long it is")


@dataclass(frozen=True)
class Load:
    """What the clients saw: answers a second, their median and 99th percentile in ms, how many were no 200."""

    per_second: float
    p50_ms: float
    p99_ms: float
    done: int
    failed: int


def load(url: str, body: bytes, clients: int, seconds: float) -> Load:
    """Ask with so many clients for so long; each asks again as soon as it has its answer."""
    [found] = loads([url], body, clients, seconds)
    return found


def loads(urls: Sequence[str], body: bytes, clients: int, seconds: float) -> list[Load]:
    """Ask several servers in the same seconds, each with so many clients."""
    asking = [[asker(url, body) for _number in range(clients)] for url in urls]
    everyone = [client for group in asking for client in group]
    began = time.perf_counter()
    with selectors.DefaultSelector() as events:
        for client in everyone:
            events.register(client.sock, selectors.EVENT_READ, client)
            client.ask()
        while (now := time.perf_counter()) < began + seconds or not all(has_any(group) for group in asking):
            if now > began + seconds + PATIENCE_S:
                raise TimeoutError(", ".join(urls))
            for client in everyone:
                if client.unsent:
                    client.send()
            waits = 0.001 if any(client.unsent for client in everyone) else 0.1
            for key, _mask in events.select(waits):
                if key.data.has_answer():
                    key.data.note()
                    key.data.ask()
    spent = time.perf_counter() - began
    for client in everyone:
        client.sock.close()
    return [seen(group, spent) for group in asking]


def has_any(group: Sequence[Client]) -> bool:
    return any(client.took for client in group)


def seen(group: Sequence[Client], spent: float) -> Load:
    took = sorted(one for client in group for one in client.took)
    return Load(
        len(took) / spent,
        statistics.median(took) * 1000,
        took[min(len(took) - 1, len(took) * 99 // 100)] * 1000,
        len(took),
        sum(client.failed for client in group),
    )


def asker(url: str, body: bytes) -> Client:
    parts = urlsplit(url)
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return opened(parts.hostname or "", parts.port or 80, head.encode() + body)


def opened(host: str, port: int, request: bytes) -> Client:
    sock = socket.create_connection((host, port), timeout=PATIENCE_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setblocking(False)
    return Client(sock, request)
