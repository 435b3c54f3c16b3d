"""Keep-alive clients that cost little: one loop over many sockets, one prepared request, no parsing beyond its need."""

from __future__ import annotations

import selectors
import socket
import statistics
import time
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

    @property
    def is_good(self) -> bool:
        return self.got.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200"))


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
    parts = urlsplit(url)
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    asking = [opened(parts.hostname or "", parts.port or 80, head.encode() + body) for _number in range(clients)]
    took: list[float] = []
    failed = 0
    began = time.perf_counter()
    with selectors.DefaultSelector() as events:
        for client in asking:
            events.register(client.sock, selectors.EVENT_READ, client)
            client.ask()
        while (now := time.perf_counter()) < began + seconds or not took:
            if now > began + seconds + PATIENCE_S:
                raise TimeoutError(url)
            for client in asking:
                if client.unsent:
                    client.send()
            waits = 0.001 if any(client.unsent for client in asking) else 0.1
            for key, _mask in events.select(waits):
                client = key.data
                if client.has_answer():
                    took.append(time.perf_counter() - client.began)
                    failed += not client.is_good
                    client.ask()
    spent = time.perf_counter() - began
    for client in asking:
        client.sock.close()
    took.sort()
    return Load(
        len(took) / spent,
        statistics.median(took) * 1000,
        took[min(len(took) - 1, len(took) * 99 // 100)] * 1000,
        len(took),
        failed,
    )


def opened(host: str, port: int, request: bytes) -> Client:
    sock = socket.create_connection((host, port), timeout=PATIENCE_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setblocking(False)
    return Client(sock, request)
