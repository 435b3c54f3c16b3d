"""The data folder: made once, private where it must be, one studio at a time."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from dataclasses import asdict

import pytest

from studio.supervisor import home as homes
from studio.supervisor import options
from studio.supervisor.problems import CannotStart


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch):
    monkeypatch.delenv("STUDIO_RUNTIME_HOME", raising=False)


def test_secrets_are_made_once_and_are_private(tmp_path):
    first = homes.load_secrets(tmp_path / "servers.json")
    assert homes.load_secrets(tmp_path / "servers.json") == first
    assert stat.S_IMODE((tmp_path / "servers.json").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "written",
    [
        {"seed": "s", "database_password": "d", "database_owner_password": "o", "broker_port": 7},
        {"seed": "s", "database_password": "d", "node_broker_password": "", "broker_port": None},
        {"seed": "s", "later": "kept", "broker_password": None},
    ],
    ids=["without some", "with empty ones", "with one more"],
)
def test_the_secrets_of_another_version_are_completed_and_kept(tmp_path, written):
    file = tmp_path / "servers.json"
    file.write_text(json.dumps(written))
    loaded = homes.load_secrets(file)
    assert all(asdict(loaded).values())
    kept = json.loads(file.read_text())
    assert kept == {**written, **asdict(loaded)}
    assert {name: kept[name] for name, value in written.items() if value} == {k: v for k, v in written.items() if v}
    assert homes.load_secrets(file) == loaded


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_a_broken_file_of_secrets_is_not_made_anew(tmp_path, text):
    (tmp_path / "servers.json").write_text(text)
    with pytest.raises(CannotStart, match="put back"):
        homes.load_secrets(tmp_path / "servers.json")
    assert (tmp_path / "servers.json").read_text() == text


def test_a_copied_home_is_another_studio(tmp_path):
    known = homes.load_secrets(tmp_path / "servers.json")
    assert homes.instance_of(tmp_path / "a", known) != homes.instance_of(tmp_path / "b", known)


def test_one_studio_has_a_home(tmp_path):
    with homes.Lock(tmp_path):
        script = f"from pathlib import Path; from studio.supervisor.home import Lock; Lock(Path({str(tmp_path)!r}))"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        assert f"already runs on {tmp_path} (process {os.getpid()})" in done.stderr
    homes.Lock(tmp_path).file.close()


def test_a_long_path_gets_a_short_folder_for_sockets(tmp_path):
    near = tmp_path / ("long" * 30)
    far = homes.socket_folder(near, "0123")
    try:
        assert len(str(far)) <= homes.LONGEST_SOCKET_FOLDER
        assert stat.S_IMODE(far.stat().st_mode) == 0o700
        far.chmod(0o755)
        with pytest.raises(CannotStart, match="belongs to someone else"):
            homes.socket_folder(near, "0123")
    finally:
        far.rmdir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a runtime home elsewhere")
def test_what_a_deleted_home_left_is_set_aside(tmp_path, monkeypatch):
    monkeypatch.setattr(homes, "SYSTEM_RUNTIME", tmp_path / "system")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    runtime = homes.runtime_folder(closed, "first")
    assert runtime.parent == tmp_path / "system"
    (runtime / "postgres").mkdir()
    assert homes.runtime_folder(closed, "first") == runtime
    assert (runtime / "postgres").exists()
    assert homes.runtime_folder(closed, "second") == runtime
    assert not (runtime / "postgres").exists()
    assert [folder for folder in runtime.parent.iterdir() if ".old-" in folder.name]


def test_options_fall_back_to_the_environment_and_to_what_works(tmp_path):
    chosen = options.parse([], {"STUDIO_PORT": "18199", "STUDIO_HOME": str(tmp_path)})
    assert (chosen.host, chosen.port, chosen.home) == ("127.0.0.1", 18199, tmp_path.resolve())
    assert options.parse(["--port", "18198"], {"STUDIO_PORT": "18199"}).port == 18198
    assert options.parse([], {}).home == options.ROOT / "data"
    assert options.parse(["--host", "::1"], {}).internal_url == "http://[::1]:8642"
    assert options.parse(["--host", "0.0.0.0"], {}).internal_url == "http://127.0.0.1:8642"
    assert options.parse([], {"STUDIO_URL": "https://studio.example/"}).url == "https://studio.example"


@pytest.mark.parametrize("port", ["0", "65536", "-1", "x", "٣"])
def test_a_wrong_port_is_refused(port):
    with pytest.raises(CannotStart, match="1 to 65535"):
        options.parse([f"--port={port}"], {})
