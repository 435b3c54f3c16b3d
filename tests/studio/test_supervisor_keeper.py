"""A part is kept: ready when it says so, started again when it dies, called failed when that does not help."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from studio.supervisor import keeper as keeping
from studio.supervisor import processes
from studio.supervisor.keeper import Keeper, State
from studio.supervisor.parts import Part


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(keeping, "FIRST_DELAY_S", 0.01)
    monkeypatch.setattr(keeping, "FAILED_DELAY_S", 0.05)
    for name in ("run", "logs"):
        (tmp_path / name).mkdir()
    return tmp_path


def kept(home: Path, script: str, told: list[State], **options) -> Keeper:
    part = Part("part", ["/bin/sh", "-c", script], home, is_ready=lambda: True, **options)
    env = {"PATH": os.defpath, processes.INSTANCE_MARK: "test"}
    return Keeper(part, home, "test", env, lambda _, state: told.append(state))


async def until(check) -> None:
    async with asyncio.timeout(20):
        while not check():
            await asyncio.sleep(0.01)


def test_a_part_becomes_ready_and_stops_with_its_children(home):
    async def scenario() -> None:
        part = kept(home, "sleep 60 & sleep 60 & wait", told)
        part.start()
        await part.ready.wait()
        session = part.state.pid
        await until(lambda: len([p for p in processes.every() if p.session == session]) == 3)
        await part.stop()
        assert not [p for p in processes.every() if p.session == session and p.is_alive]

    told: list[State] = []
    asyncio.run(scenario())
    assert [state.state for state in told] == ["starting", "starting", "ready", "stopped"]


def test_a_killed_part_is_started_again_and_its_children_are_gone(home):
    async def scenario() -> None:
        part = kept(home, "sleep 60 & wait", told)
        part.start()
        await part.ready.wait()
        first = part.state.pid
        await until(lambda: len([p for p in processes.every() if p.session == first]) == 2)
        os.kill(first, signal.SIGKILL)
        await until(lambda: part.state.state == "ready" and part.state.pid != first)
        assert not [p for p in processes.every() if p.session == first and p.is_alive]
        assert part.state.restarts == 1
        await part.stop()

    told: list[State] = []
    asyncio.run(scenario())


def test_what_dies_five_times_has_failed_and_says_its_last_words(home):
    async def scenario() -> None:
        part = kept(home, "echo these are my last words; exit 1", told)
        part.start()
        await until(lambda: part.restarts > 7)
        await part.stop()

    told: list[State] = []
    asyncio.run(scenario())
    failed = [state for state in told if state.state == "failed"]
    assert failed[0].restarts == 5
    assert {state.reason for state in failed} == {"these are my last words"}
    assert "starting" not in [state.state for state in told[told.index(failed[0]) :]]


def test_what_cannot_be_started_is_tried_again(home):
    async def scenario() -> None:
        part = Keeper(
            Part("part", ["/no/such/program"], home, is_ready=lambda: False),
            home,
            "test",
            {},
            lambda _, s: told.append(s),
        )
        part.start()
        await until(lambda: part.restarts > 2)
        await part.stop()

    told: list[State] = []
    asyncio.run(scenario())
    assert "could not be started" in next(state.reason for state in told if state.reason)


def test_a_slow_part_is_not_killed(home):
    async def scenario() -> None:
        part = kept(home, "sleep 60", told)
        part.part = Part("part", part.part.command, home, is_ready=lambda: False)
        part.start()
        await until(lambda: part.state.pid)
        pid = part.state.pid
        await asyncio.sleep(1)
        assert (part.state.state, part.state.pid, part.restarts) == ("starting", pid, 0)
        await part.stop()

    told: list[State] = []
    asyncio.run(scenario())
