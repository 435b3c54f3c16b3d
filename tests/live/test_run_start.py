"""`script/run` from nothing to ready, and the sentences when it cannot."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.live import outside
from tests.live.running import RunningStudio, fetch, until


def said_by(running: RunningStudio) -> str:
    """Run to the end what is expected to refuse; return what it said."""
    running.launch()
    until(lambda: running.process.poll() is not None or "Ready" in running.output)
    assert running.process.poll() == 1, running.output
    return running.output


def test_it_becomes_ready_and_healthy(studio):
    answer = fetch(f"{studio.url}/health")
    assert (answer.status_code, answer.text) == (200, "OK")
    parts = fetch(f"{studio.url}/health", headers={"Accept": "application/json"}).json()["parts"]
    assert set(parts) == {"database", "broker", "gateway", "web", "control", "beat", "node"}
    assert set(parts.values()) == {"ready"}


def test_it_prints_what_a_client_needs(studio):
    assert f"export MLFLOW_TRACKING_URI={studio.url}" in studio.output
    assert f"export MLFLOW_TRACKING_TOKEN={studio.token}" in studio.output
    assert studio.env["STUDIO_URL"] == studio.env["MLFLOW_TRACKING_URI"] == studio.url
    embedded = [] if outside.are_given() else ["valkey/valkey.conf"]
    for private in ("client.env", "servers.json", "secret_key", *embedded):
        assert stat.S_IMODE((studio.home / private).stat().st_mode) == 0o600, private


def test_it_is_closed_to_strangers_from_the_start(studio):
    assert fetch(f"{studio.url}/", headers={"Accept": "text/html"}).headers["location"].startswith("/sign-in/")
    assert fetch(f"{studio.url}/account/", headers={"Accept": "application/json"}).status_code == 401


def test_the_sign_in_link_works_once(studio):
    link = studio.new_sign_in_link()
    with httpx.Client(timeout=60) as browser:
        assert browser.get(link).status_code == 302
        assert browser.get(f"{studio.url}/account/", headers={"Accept": "text/html"}).status_code == 200
    assert fetch(link, headers={"Accept": "text/html"}).status_code == 403


def test_a_link_does_not_get_into_a_log(studio):
    secret = studio.new_sign_in_link().rstrip("/").rsplit("/", 1)[1]
    fetch(f"{studio.url}/sign-in/{secret}/?token=hidden")
    logs = "".join(file.read_text(errors="replace") for file in (studio.home / "logs").iterdir())
    assert secret not in logs
    assert "hidden" not in logs


def test_a_second_start_on_the_same_home_says_so(studio, tmp_path):
    words = said_by(RunningStudio(studio.home, output_file=tmp_path / "out"))
    assert "already runs" in words
    assert words.count("\n") == 1


def test_a_taken_port_says_so(studio, another_studio):
    words = said_by(another_studio(port=studio.port))
    assert f"Port {studio.port}" in words
    assert "--port" in words


@pytest.mark.parametrize("options", [["--port", "99999"], ["--port", "x"], ["--host", "no.such.host.invalid"]])
def test_a_wrong_option_is_one_sentence(studio, options, tmp_path):
    command = [str(studio.root / "script/run"), "--home", str(tmp_path / "data"), *options]
    done = subprocess.run(command, capture_output=True, text=True, env=studio.environment(), check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("studio: ")
    assert done.stderr.count("\n") == 1


def test_servers_get_no_secret_of_the_studio(studio):
    for part in {"database", "broker", "gateway"} & set(studio.parts()):
        environ = Path(f"/proc/{studio.members(part)[0].pid}/environ").read_bytes()
        assert b"DATABASE_URL" not in environ and b"REDIS_URL" not in environ


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start it as someone else")
def test_an_ordinary_user_can_run_it(another_studio, tmp_path_factory):
    running = another_studio(prefix=("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", "HOME=/tmp"))
    if subprocess.run([*running.prefix, "test", "-x", os.sys.executable], check=False).returncode:
        pytest.skip("the interpreter of this environment lies where no other user can reach it")
    os.chown(running.home.parent, 65534, 65534)
    running.start()
    assert running.stop() == 0
    assert running.processes() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone needs another account for the database")
def test_a_home_closed_to_others_works_and_stays_closed(another_studio, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    running = another_studio(home=closed / "data").start()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert running.is_healthy()
    assert running.stop() == 0
    assert running.processes() == []
