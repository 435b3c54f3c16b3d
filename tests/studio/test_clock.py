"""The clock is light, and every tick that it sends has somebody to run it."""

import logging
import subprocess
import sys

import pytest

from studio import clock as times
from studio.celery import app as worker
from studio.clock import app as clock


def test_every_tick_is_a_task_that_the_worker_knows():
    worker.loader.import_default_modules()
    sent = {entry["task"] for entry in clock.conf.beat_schedule.values()}
    assert sent | {name for names in times.LOOKS.values() for name in names} <= set(worker.tasks)


def test_a_tick_not_run_in_time_is_dropped():
    for entry in clock.conf.beat_schedule.values():
        assert entry["options"]["expires"] == entry["schedule"]


def test_looks_of_one_rhythm_are_one_message():
    looks = [entry for entry in clock.conf.beat_schedule.values() if entry["task"] == "studio.tasks.look"]
    assert {entry["schedule"]: list(entry["args"][0]) for entry in looks} == times.LOOKS


@pytest.mark.parametrize("fails", [True, False])
def test_a_look_that_fails_is_logged_and_keeps_none_from_the_next(caplog, fails):
    looked, names = [], [f"tests.first.{fails}", f"tests.second.{fails}"]

    @worker.task(name=names[0])
    def first():
        looked.append("first")
        if fails:
            raise KeyError("of the first")

    @worker.task(name=names[1])
    def second():
        looked.append("second")

    with caplog.at_level(logging.ERROR):
        worker.tasks["studio.tasks.look"](names)
    assert looked == ["first", "second"]
    assert ("of the first" in caplog.text) is fails
    for name in names:
        worker.tasks.pop(name)


def test_the_clock_loads_no_app_of_the_studio():
    code = "import studio.clock as c, sys; c.app.loader.import_default_modules(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"workspaces.models", "experiments.models", "mlflow", "numpy"} & set(loaded)
