"""Processes are told by number and start time; groups are killed whole, strangers never."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from studio.supervisor import processes, records

FAMILY = "import os, time; os.fork(); os.fork(); time.sleep(60)"


@pytest.fixture
def family():
    """A master in its own session with children."""
    env = {**os.environ, processes.INSTANCE_MARK: "ours", processes.PART_MARK: "web"}
    master = subprocess.Popen([sys.executable, "-c", FAMILY], start_new_session=True, env=env)
    deadline = time.monotonic() + 10
    while len(members_of(master.pid)) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    yield master
    processes.kill(members_of(master.pid))
    master.wait()


def members_of(session: int) -> list[processes.Process]:
    return [process for process in processes.every() if process.session == session and process.is_alive]


def test_a_process_is_told_by_its_start_time_too(family):
    identity = processes.identify(family.pid)
    assert identity.lives()
    assert not replace(identity, start_time=identity.start_time - 1).lives()
    assert not replace(identity, boot="another").lives()


def test_a_part_is_cleared_with_its_children(family, tmp_path):
    records.write(tmp_path, "web", "ours", family.pid)
    assert records.clear(tmp_path, "web", "ours")
    assert members_of(family.pid) == []
    assert not records.path(tmp_path, "web").exists()


def test_children_of_a_killed_master_are_cleared(family, tmp_path):
    records.write(tmp_path, "web", "ours", family.pid)
    family.kill()
    family.wait()
    assert len(members_of(family.pid)) == 3
    assert records.clear(tmp_path, "web", "ours")
    assert members_of(family.pid) == []


def test_a_stranger_with_a_used_number_is_not_killed(family, tmp_path):
    record = records.write(tmp_path, "web", "ours", family.pid)
    assert replace(record, start_time=record.start_time - 1).members() == []
    assert replace(record, boot="another").members() == []


def test_a_session_of_a_used_number_without_our_mark_is_not_killed(family, tmp_path):
    record = records.write(tmp_path, "web", "ours", family.pid)
    family.kill()
    family.wait()
    assert replace(record, instance="another").members() == []


def test_the_record_of_another_studio_is_left_alone(family, tmp_path):
    records.write(tmp_path, "web", "another", family.pid)
    assert records.clear(tmp_path, "web", "ours")
    assert len(members_of(family.pid)) == 4


def test_marked_processes_are_found_wherever_they_stand(family):
    assert {process.pid for process in members_of(family.pid)} == {p.pid for p in processes.marked("ours")}


def test_a_broken_record_is_no_record(tmp_path):
    for text in ("", "{", "[]", '{"pid": 1}'):
        (tmp_path / "web.json").write_text(text)
        assert records.read(tmp_path, "web") is None
