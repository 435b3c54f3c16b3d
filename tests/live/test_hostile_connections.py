"""Bytes that no client sends: on raw connections to the gateway, with the web app behind it."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack, suppress

import httpx
import pytest

SECOND = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
JSON = b"Content-Type: application/json\r\n"
CREATE = b"POST /api/2.0/mlflow/runs/create HTTP/1.1\r\n"
UPLOAD = b"PUT /api/2.0/mlflow-artifacts/artifacts/0/x/artifacts/f HTTP/1.1\r\n"


class Raw:
    """A connection on which anything can be sent."""

    def __init__(self, studio, timeout_s: float = 30) -> None:
        self.about = f"Host: 127.0.0.1:{studio.port}\r\nAuthorization: Bearer {studio.token}\r\n".encode()
        self.socket = socket.create_connection(("127.0.0.1", studio.port), timeout=timeout_s)

    def send(self, *pieces: bytes) -> Raw:
        self.socket.sendall(b"".join(pieces))
        return self

    def answers(self) -> list[int]:
        """The status of each answer, until the other side closes or says nothing for two seconds."""
        self.socket.settimeout(2)
        got = b""
        try:
            while piece := self.socket.recv(65536):
                got += piece
        except (TimeoutError, ConnectionResetError):
            pass
        self.socket.close()
        return [int(part.split(b" ", 2)[1]) for part in got.split(b"HTTP/1.") if part[1:2] == b" "]


def cases() -> dict[str, list[bytes]]:
    length = b"Content-Length: %d\r\n" % len(SECOND)
    chunked = b"Transfer-Encoding: chunked\r\n"
    return {
        "length and chunks": [length, chunked, b"\r\n0\r\n\r\n", SECOND],
        "chunks and length": [chunked, b"Content-Length: 4\r\n", b"\r\n0\r\n\r\n", SECOND],
        "two lengths": [length, b"Content-Length: 0\r\n", b"\r\n", SECOND],
        "a negative length": [b"Content-Length: -1\r\n", b"\r\n", SECOND],
        "a length in hex": [b"Content-Length: 0x10\r\n", b"\r\n", SECOND],
        "a length with a sign": [b"Content-Length: +4\r\n", b"\r\n{}  "],
        "a list of lengths": [b"Content-Length: 2, 2\r\n", b"\r\n{}"],
        "odd chunking": [b"Transfer-Encoding: xchunked\r\n", b"\r\n0\r\n\r\n"],
        "chunked with a tab": [b"Transfer-Encoding:\tchunked, identity\r\n", b"\r\n0\r\n\r\n"],
        "chunked twice": [chunked, chunked, b"\r\n0\r\n\r\n"],
        "space before the colon": [b"Transfer-Encoding : chunked\r\n", b"\r\n0\r\n\r\n", SECOND],
        "a folded line": [b"X-A: b\r\n Transfer-Encoding: chunked\r\n", b"Content-Length: 0\r\n", b"\r\n"],
        "a bare line feed in a chunk": [chunked, b"\r\n2\n{}\r\n0\r\n\r\n", SECOND],
        "a chunk that is no number": [chunked, b"\r\nzz\r\n{}\r\n0\r\n\r\n"],
        "a huge chunk": [chunked, b"\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n"],
        "NUL in a header": [b"X-A: a\0b\r\n", b"Content-Length: 0\r\n\r\n"],
        "a carriage return alone": [b"X-A: a\rX-B: c\r\n", b"Content-Length: 0\r\n\r\n"],
        "huge headers": [b"X-A: " + b"a" * 200_000 + b"\r\n", b"\r\n"],
        "many headers": [b"".join(b"X-%d: a\r\n" % n for n in range(20_000)), b"\r\n"],
    }


@pytest.mark.parametrize("request_line", [CREATE, UPLOAD], ids=["buffered", "streamed"])
def test_no_second_request_hides_in_a_first(studio, request_line):
    for name, pieces in cases().items():
        raw = Raw(studio)
        with suppress(BrokenPipeError, ConnectionResetError):  # it was refused before all was sent
            raw.send(request_line, raw.about, JSON, *pieces)
        assert raw.answers() in ([400], [413], [431], [501]), name


PATHS = [
    b"/static/../servers.json", b"/static/%2e%2e/servers.json", b"/static/..%2fservers.json",
    b"/static/..%5cservers.json",
    b"/_files/../servers.json", b"//etc/passwd", b"/%00", b"/w/main/../../servers.json", b"/..;/servers.json", b"/\\..",
    b"*", b"evil", b"/api/2.0/mlflow-artifacts/artifacts/..%252f..%252fetc/passwd",
]  # fmt: skip


def test_no_address_leads_to_another_host_or_out_of_a_folder(studio):
    for path in PATHS:
        raw = Raw(studio)
        about = raw.about.replace(b"Host", b"X-Original-URL: /admin/\r\nX-Forwarded-Host: evil.example\r\nHost")
        [status] = raw.send(b"GET ", path, b" HTTP/1.1\r\n", about, b"Connection: close\r\n\r\n").answers()
        assert 300 <= status < 500, (path, status)
    for method in (b"TRACE", b"CONNECT", b"get", b"G\0T"):
        raw = Raw(studio)
        [status] = raw.send(method, b" /health HTTP/1.1\r\n", raw.about, b"Connection: close\r\n\r\n").answers()
        assert 400 <= status < 500, method


def test_slow_and_silent_clients_keep_nobody_waiting(studio):
    made = httpx.post(
        f"{studio.url}/api/2.0/mlflow/runs/create",
        json={"experiment_id": "0"},
        headers={"Authorization": f"Bearer {studio.token}"},
        timeout=30,
    ).json()["run"]["info"]
    upload = f"PUT /api/2.0/mlflow-artifacts/artifacts/0/{made['run_id']}/artifacts/f HTTP/1.1\r\n".encode()
    with ExitStack() as held:
        for number in range(200):  # half a request each, of every kind
            raw = Raw(studio)
            held.callback(raw.socket.close)
            if number % 2:
                raw.send(b"GET /health HTTP/1.1\r\nX-A: ")
            elif number % 4:
                raw.send(CREATE, raw.about, JSON, b"Content-Length: 1000\r\n\r\n{")
            elif number < 120:
                raw.send(upload, raw.about, b"Content-Length: 1000\r\n\r\n{")
        began = time.monotonic()
        for path in ("/health", "/api/2.0/mlflow/runs/get?run_id=" + made["run_id"]):
            assert studio.get(path, timeout=20).status_code == 200
        took = time.monotonic() - began
    assert took < 3, took
