"""The clock is light, and every tick that it sends has somebody to run it."""

import subprocess
import sys

from studio.celery import app as worker
from studio.clock import app as clock


def test_every_tick_is_a_task_that_the_worker_knows():
    worker.loader.import_default_modules()
    assert {entry["task"] for entry in clock.conf.beat_schedule.values()} <= set(worker.tasks)


def test_a_tick_not_run_in_time_is_dropped():
    for entry in clock.conf.beat_schedule.values():
        assert entry["options"]["expires"] == entry["schedule"]


def test_the_clock_loads_no_app_of_the_studio():
    code = "import studio.clock as c, sys; c.app.loader.import_default_modules(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"workspaces.models", "experiments.models", "mlflow", "numpy"} & set(loaded)
