"""What nodes do on their machine: reading files that others write, hosting, the requirements of one that joins."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from compute import launcher
from compute.launcher import ProcessSpec
from compute.node import stages
from compute.node.beneath import files_beneath, open_beneath
from compute.node.client import pieces
from compute.node.host import Host
from compute.node.settings import read_settings
from lib.env import BadSetting

ROOT = Path(__file__).resolve().parent.parent.parent


def test_no_link_leads_out_of_a_folder(tmp_path):
    (tmp_path / "secret").write_text("s")
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    (root / "a/own").write_text("own")
    (root / "link").symlink_to(tmp_path / "secret")
    (root / "folder").symlink_to(tmp_path)
    os.mkfifo(root / "pipe")
    assert [found.path for found in files_beneath(root)] == ["a/own"]
    assert open_beneath(root, "a/own").read() == b"own"
    for path in ("link", "folder/secret", "pipe", "a"):
        with pytest.raises(OSError):
            open_beneath(root, path)
    assert list(files_beneath(root / "folder")) == []


def test_files_left_outside_outputs_are_told(tmp_path):
    for name in ("train.py", "data.csv"):
        (tmp_path / name).write_text(name)
    before = stages.code_as_it_was(tmp_path)
    (tmp_path / "data.csv").write_text("changed, and longer")
    for name in ("outputs/kept", "logs/kept", "model.joblib", "deep/x.txt", "__pycache__/train.pyc"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("12345")
    left = stages.left_behind(tmp_path, before)
    assert left == {"count": 3, "size_bytes": 29, "paths": ["data.csv", "deep/x.txt", "model.joblib"]}
    assert stages.left_behind(tmp_path, stages.code_as_it_was(tmp_path)) is None


def test_a_file_is_sent_as_long_as_was_said(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    with (tmp_path / "x").open("rb") as file:
        assert b"".join(pieces(file, 2)) == b"ab"
    with (tmp_path / "x").open("rb") as file:
        assert b"".join(pieces(file, 5)) == b"abc\0\0"


def test_a_machine_that_joins_has_the_studios_own_versions():
    def pins(path: str) -> set[str]:
        lines = (line.partition("#")[0].strip() for line in (ROOT / path).read_text().splitlines())
        return {line for line in lines if line}

    assert pins("compute/node/requirements.txt") <= pins("requirements.txt")


def test_settings_tell_hosts_guests_and_members_apart(tmp_path):
    given = {
        "STUDIO_INTERNAL_URL": "http://x/",
        "STUDIO_NODE_TOKEN": "t",
        "STUDIO_RUNTIME_HOME": str(tmp_path),
    }
    assert read_settings(given).hosts
    assert not read_settings({**given, "STUDIO_NODE_JOBS": str(tmp_path / "n/jobs")}).hosts
    assert not read_settings({**given, "STUDIO_NODE_CLUSTER": "c"}).hosts
    with pytest.raises(BadSetting):
        read_settings({})


class Rows:
    """A studio that wants certain nodes."""

    def __init__(self, *rows: dict) -> None:
        self.rows = list(rows)
        self.dismissed: list[str] = []

    def get(self, path: str) -> dict:
        return {"nodes": self.rows}

    def post(self, path: str, body: dict) -> dict:
        if path.endswith("/dismiss"):
            self.dismissed.append(path)
        return {"token": "t"}


def test_the_host_starts_what_is_wanted_once_and_ends_the_rest(tmp_path, monkeypatch):
    given = {"STUDIO_INTERNAL_URL": "http://x", "STUDIO_NODE_TOKEN": "t", "STUDIO_RUNTIME_HOME": str(tmp_path)}
    host = Host(read_settings(given))
    running: set[Path] = set()
    monkeypatch.setattr("compute.launcher.start", lambda spec: running.add(spec.folder))
    monkeypatch.setattr("compute.launcher.stop", lambda folder, grace_s: running.discard(folder))
    monkeypatch.setattr(
        "compute.launcher.observe",
        lambda folder: type("Seen", (), {"state": "running" if folder in running else "absent"}),
    )
    row = {"id": 7, "name": "c-1", "wanted": "work", "slots": 1}
    host.client = Rows(row)
    host.look()
    host.look()
    assert running == {tmp_path / "nodes/c-1.7"}
    row["wanted"] = "leave"
    host.look()
    assert running, "it ends by itself when its work is done"
    running.clear()
    host.look()
    assert host.client.dismissed == ["/api/v1/node/hosted/7/dismiss"]
    assert not (tmp_path / "nodes/c-1.7").exists()


def test_what_a_hosted_node_started_outlives_it(tmp_path):
    """A runner is started by the launcher, from a program that is itself below the launcher."""
    inner = tmp_path / "inner"
    code = (
        "from pathlib import Path\nfrom compute import launcher\nfrom compute.launcher import ProcessSpec\n"
        f"folder = Path({str(inner)!r})\n"
        "launcher.start(ProcessSpec(name='inner', folder=folder, argv=('/bin/sleep', '600'), env={}, cwd=folder, "
        "log=folder / 'log'))\nimport time\ntime.sleep(600)\n"
    )
    outer = tmp_path / "outer"
    launcher.start(
        ProcessSpec(
            name="outer",
            folder=outer,
            argv=(sys.executable, "-c", code),
            env={"PYTHONPATH": str(ROOT)},
            cwd=ROOT,
            log=outer / "log",
            leaves_children=True,
        )
    )
    try:
        until(lambda: launcher.observe(inner).state == "running")
        os.kill(launcher.observe(outer).pid, signal.SIGKILL)
        until(lambda: launcher.observe(outer).state == "exited")
        assert launcher.observe(inner).state == "running"
        launcher.stop(outer)
        assert launcher.observe(inner).state == "running"
    finally:
        launcher.stop(outer, grace_s=0)
        launcher.stop(inner, grace_s=0)


def until(is_so) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)
