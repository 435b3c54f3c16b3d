"""What a stop does to the work that parts have started, and what the next start says of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from compute import launcher
from compute.launcher import ProcessSpec
from compute.node.loop import Loop
from compute.node.settings import NodeSettings
from studio.supervisor import home as homes
from studio.supervisor import leftovers

RUN = "0" * 32


class Asked:
    """A studio that says which attempt the node holds, and keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[dict] = []

    def get(self, path: str, **query: object) -> dict:
        return {"jobs": [{"run_id": RUN, "attempt": 1}]}

    def post(self, path: str, body: dict) -> dict:
        self.told.append(body)
        return {}


@pytest.fixture
def home(tmp_path: Path, monkeypatch) -> homes.Home:
    monkeypatch.delenv("STUDIO_RUNTIME_HOME", raising=False)
    monkeypatch.setattr(homes, "runtime_folder", lambda path, seed: path)
    return homes.furnish(tmp_path)


@pytest.fixture
def runner(home: homes.Home):
    folder = home.runtime / f"jobs/{RUN}-1"
    folder.mkdir()
    sleeping = (sys.executable, "-c", "import time; time.sleep(600)")
    launcher.start(ProcessSpec(name="runner", folder=folder, argv=sleeping, env={}, cwd=folder, log=folder / "log"))
    yield folder
    launcher.stop(folder, grace_s=0)


def told_by_the_node(home: homes.Home) -> dict:
    loop = Loop(NodeSettings("http://studio.invalid", "token", "node", home.runtime, 1, ""))
    loop.client = Asked()
    loop.look_after()
    return loop.client.told[-1]


def test_a_job_that_a_stop_ended_says_so(home, runner):
    leftovers.stop_work(home)
    assert launcher.observe(runner).state == "exited"
    assert told_by_the_node(home)["error"] == "The studio was stopped while the job ran."


def test_a_job_that_had_lost_its_runner_before_says_that(home, runner):
    launcher.stop(runner, grace_s=0)
    leftovers.stop_work(home)
    assert told_by_the_node(home)["error"] == "The job's runner was killed."
