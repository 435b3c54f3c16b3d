"""nginx takes our configuration, refuses a broken route without closing the door, and reloads."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import httpx
import pytest

from studio import gateway
from studio.gateway import server
from studio.supervisor import records
from studio.supervisor.home import free_port

ROUTE = 'location = /endpoints/main/{name}/score {{ default_type text/plain; return 200 "{answer}"; }}\n'


@pytest.fixture
def home(tmp_path) -> Path:
    """A home with a space whose gateway is written."""
    home = tmp_path / "a home"
    for name in ("gateway", "logs", "run", "static", "artifacts"):
        (home / name).mkdir(parents=True)
    port = free_port(0)
    listening = gateway.Listening("127.0.0.1", port, "http://studio.example", home / "run/web.sock")
    gateway.write(home, listening, server.version())
    (home / "gateway/address").write_text(f"http://127.0.0.1:{port}")
    return home


@pytest.fixture
def running(home):
    """The gateway of that home."""
    process = subprocess.Popen(server.command(home), cwd=home / "gateway", stderr=subprocess.DEVNULL)
    records.write(home / "run", "gateway", "ours", process.pid)
    url = server.address(home)
    deadline = time.monotonic() + 10
    while not server.serving(url) and time.monotonic() < deadline:
        time.sleep(0.02)
    yield url
    process.terminate()
    process.wait(10)


def route(home: Path, name: str, text: str) -> None:
    (home / f"gateway/routes/{name}.location.conf").write_text(text)


@pytest.mark.parametrize("version", [(1, 22, 1), (1, 31, 3)])
def test_nginx_takes_the_configuration(home, version):
    listening = gateway.Listening("::1", 18198, "https://studio.example", home / "run/web.sock")
    gateway.write(home, listening, version)
    assert server.check(home) == ""


def test_a_new_route_is_served_when_reload_returns(home, running):
    for answer in ("one", "two", "three"):
        route(home, "e", ROUTE.format(name="e", answer=answer))
        gateway.reload(home)
        assert httpx.get(f"{running}/endpoints/main/e/score").text == answer


def test_a_broken_route_is_refused_and_the_old_ones_stay(home, running):
    route(home, "good", ROUTE.format(name="good", answer="yes"))
    gateway.reload(home)
    route(home, "bad", "no nginx at all;")
    with pytest.raises(gateway.GatewayError, match=r"bad\.location\.conf"):
        gateway.reload(home)
    assert httpx.get(f"{running}/endpoints/main/good/score").text == "yes"
    assert gateway.set_broken_routes_aside(home) == ["bad.location.conf"]
    gateway.reload(home)


def test_what_is_no_endpoint_is_answered_without_the_web(home, running):
    answer = httpx.get(f"{running}/endpoints/main/none/score")
    assert answer.status_code == 404
    assert answer.json()["error_code"] == "RESOURCE_DOES_NOT_EXIST"


def test_without_the_web_people_and_programs_are_told_to_come_back(home, running):
    page = httpx.get(f"{running}/w/main/", headers={"Accept": "text/html"})
    program = httpx.post(f"{running}/api/2.0/mlflow/runs/create", json={})
    assert page.status_code == program.status_code == 503
    assert page.headers["Retry-After"] == program.headers["Retry-After"]
    assert "<h1>" in page.text
    assert program.json()["error_code"] == "TEMPORARILY_UNAVAILABLE"


def test_what_is_internal_cannot_be_asked_for(home, running):
    (home / "artifacts/secret").write_text("secret")
    assert httpx.get(f"{running}/_files/secret").status_code == 404
    assert httpx.get(f"{running}/_pages/unavailable.json").status_code == 404
    (home / "servers.json").write_text("{}")
    for path in ("/static/../servers.json", "/static/%2e%2e/servers.json", "/static../servers.json"):
        assert httpx.get(f"{running}{path}").status_code != 200


def test_hashed_files_may_be_kept_for_ever_and_others_not(home, running):
    for name in ("base.0123456789ab.css", "base.css"):
        (home / "static" / name).write_text("a{}")
    assert "immutable" in httpx.get(f"{running}/static/base.0123456789ab.css").headers["Cache-Control"]
    assert "immutable" not in httpx.get(f"{running}/static/base.css").headers["Cache-Control"]


def test_the_server_does_not_name_its_version(home, running):
    assert httpx.get(f"{running}/_gateway").headers["Server"] == "nginx"


def test_a_large_access_log_is_rotated(home, running, monkeypatch):
    monkeypatch.setattr(server, "ACCESS_LOG_BYTES", 10)
    log = home / "logs/access.log"
    httpx.get(f"{running}/static/none")
    httpx.get(f"{running}/endpoints/x")
    deadline = time.monotonic() + 5
    while not log.stat().st_size and time.monotonic() < deadline:
        time.sleep(0.1)
    server.rotate_access_log(home)
    assert (home / "logs/access.log.1").stat().st_size > 10
