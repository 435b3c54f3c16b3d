"""What is shown to a mirror, through a real nginx: all of it arrives, and nobody waits."""

from __future__ import annotations

import http.client
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from deployments.routes import Mirror, Replica, Route, Routes
from tests.deployments.test_routes import nginx
from tests.live.running import free_port, until

PAUSE_S = 3.0
BODY = b'{"data": [' + b"1, " * 150_000 + b"1]}"  # beyond nginx's buffers in memory

pytestmark = pytest.mark.skipif(nginx() is None, reason="no nginx on this machine")


class Model(ThreadingHTTPServer):
    """Answers after a pause, and keeps what it was asked."""

    daemon_threads = True

    def __init__(self, pause_s: float) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.pause_s, self.asked = pause_s, []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def replica(self) -> Replica:
        return Replica(f"127.0.0.1:{self.server_port}")


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, self.headers["Authorization"], body))
        time.sleep(self.server.pause_s)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, *_words: object) -> None:
        pass


@pytest.fixture
def models() -> Iterator[tuple[Model, Model]]:
    made = Model(0.0), Model(PAUSE_S)
    yield made
    for one in made:
        one.shutdown()
        one.server_close()


@pytest.fixture
def gateway(tmp_path, models) -> Iterator[int]:
    """An nginx that shows a slow model all that a fast one is asked; gives its port."""
    port, (fast, slow) = free_port(), models
    made = Routes(tmp_path, lambda _home: None)
    (tmp_path / "run").mkdir()
    mirror = Mirror((slow.replica,), 100, made.mirror_socket(7))
    made.put(Route(7, "main", "diabetes", (fast.replica,), mirror=mirror))
    user = "user root; " if os.geteuid() == 0 else ""
    (tmp_path / "nginx.conf").write_text(
        f"{user}daemon off; worker_processes 1; events {{}} pid nginx.pid; http {{ access_log off;\n"
        "map $http_x_request_id $studio_request_id { default $request_id; }\n"
        f"include gateway/routes/*.upstream.conf; server {{ listen 127.0.0.1:{port};\n"
        "include gateway/routes/*.location.conf; } }\n"
    )
    command = [nginx(), "-p", f"{tmp_path}/", "-c", str(tmp_path / "nginx.conf"), "-e", str(tmp_path / "errors")]
    (tmp_path / "logs").mkdir()
    process = subprocess.Popen(command, cwd=tmp_path)
    until(made.mirror_socket(7).exists, 20)
    yield port
    process.terminate()
    process.wait(20)
    assert "crit" not in (tmp_path / "errors").read_text()


def test_a_callers_next_request_does_not_wait_for_the_mirror(gateway, models):
    caller = http.client.HTTPConnection("127.0.0.1", gateway, timeout=20)
    caller.connect()
    connection, began = caller.sock, time.monotonic()
    for _time in range(3):
        caller.request("POST", "/endpoints/main/diabetes/score", BODY, {"Authorization": "Bearer key"})
        answer = caller.getresponse()
        assert (answer.status, answer.read()) == (200, b"[]")
    took = time.monotonic() - began
    assert caller.sock is connection  # one connection, kept
    assert took < PAUSE_S, f"{took:.1f} s for three requests"
    fast, slow = models
    until(lambda: len(slow.asked) == 3, 20)
    assert slow.asked == fast.asked == [("/score", "Bearer key", BODY)] * 3


def test_other_addresses_are_not_shown(gateway, models):
    caller = http.client.HTTPConnection("127.0.0.1", gateway, timeout=20)
    caller.request("POST", "/endpoints/main/diabetes/invocations", b"{}")
    assert caller.getresponse().status == 200
    assert models[1].asked == []
