"""Charts and comparisons: server CPU and bytes of what their pages ask, in a scratch database.

    script/bench charts [RUNS [POINTS]]     10 runs of 100000 points unless told

CPU is that of the request in the web process and in its database backend, median of 5; bytes are before compression.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from search import prepare

ROUNDS = 5
PARAMS, COMPARED = 500, 100


def main(arguments: list[str]) -> None:
    numbers = [int(one) for one in arguments if one.isdigit()]
    runs, points = (numbers + [10, 100_000][len(numbers) :])[:2]
    prepare()
    from experiments import metrics

    browser, workspace, experiment = begin()
    ids = [write(workspace, experiment, points) for _run in range(runs)]
    print(f"{'':52}{'CPU ms':>8}{'kB':>8}")
    ask = urlencode([*(("run", one) for one in ids), ("key", "loss"), ("points", max(100, 10_000 // max(10, runs)))])
    address = f"/w/bench/api/v1/metrics?{ask}"
    zoomed = f"{address}&start_step={points // 2}&end_step={points // 2 + points // 10}"
    show(browser, f"chart, {runs} x {points} points as written", address)
    while metrics.compact_due():
        pass
    show(browser, f"chart, {runs} x {points} points packed", address)
    show(browser, f"the same, zoomed to a tenth of {points}", zoomed)
    show(browser, f"charts tab of {runs} runs", f"/w/bench/runs/compare/?{runs_query(ids)}&tab=charts")
    compared = fill(workspace, experiment)
    address = f"/w/bench/runs/compare/?{runs_query(compared)}"
    show(browser, f"differences, {COMPARED} runs x {PARAMS} params, a page", address)
    show(browser, "the same, equal rows too", f"{address}&all=1")


def begin() -> tuple[Any, Any, Any]:
    from django.conf import settings
    from django.test import Client
    from django.test.utils import setup_test_environment

    from experiments.models import Experiment
    from workspaces import operations
    from workspaces.access import Actor
    from workspaces.models import Membership, Role, User

    setup_test_environment()
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    group = operations.create_group(Actor.system(), name="bench", subscription_id="0" * 8)
    workspace = operations.create_workspace(Actor.system(), group, name="bench")
    user = User.objects.create_user(username="bench", default_workspace=workspace)
    Membership.objects.create(user=user, workspace=workspace, role=Role.OWNER)
    browser = Client(headers={"Accept": "text/html, application/json"})
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return browser, workspace, Experiment.objects.create(workspace=workspace, name="bench")


def write(workspace: Any, experiment: Any, points: int) -> str:
    """Log a noisy curve in batches of 1000, as a client does."""
    import numpy as np

    from experiments import metrics
    from experiments.metrics import Point
    from experiments.models import Run

    run = Run.objects.create(workspace=workspace, experiment=experiment, name="a run", status="FINISHED")
    values = np.exp(-np.arange(points) / points * 5) + np.random.default_rng(1).normal(0, 0.05, points)
    for start in range(0, points, 1000):
        part = values[start : start + 1000].tolist()
        metrics.append(run.pk, [Point("loss", value, 1000 * step, step) for step, value in enumerate(part, start)])
    return str(run.pk)


def fill(workspace: Any, experiment: Any) -> list[str]:
    """Make runs with many params, of which every second one differs."""
    from experiments.models import Run, RunParam

    runs = [
        Run(workspace=workspace, experiment=experiment, name=f"run {n}", status="FINISHED") for n in range(COMPARED)
    ]
    Run.objects.bulk_create(runs)
    rows = [
        RunParam(run=run, key=f"param_{k:03}", value=str(n if k % 2 else k))
        for n, run in enumerate(runs)
        for k in range(PARAMS)
    ]
    RunParam.objects.bulk_create(rows, batch_size=5000)
    return [run.pk for run in runs]


def runs_query(ids: Sequence[str]) -> str:
    return urlencode([("run", one) for one in ids])


def show(browser: Any, name: str, address: str) -> None:
    size, spent = 0, []
    for _round in range(ROUNDS):
        before = cpu_s()
        answer = browser.get(address, headers={"Accept": "application/json"} if "/api/" in address else {})
        spent.append((cpu_s() - before) * 1000)
        if answer.status_code != 200:
            raise RuntimeError(f"{address[:80]}: {answer.status_code}")
        size = len(answer.content)
    print(f"{name:52}{statistics.median(spent):8.0f}{size / 1000:8.0f}")


def cpu_s() -> float:
    """Give the CPU of this process and of its backend of the database."""
    import psutil
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [(pid,)] = cursor.fetchall()
    times = psutil.Process(pid).cpu_times()
    return time.process_time() + float(times.user + times.system)


if __name__ == "__main__":
    main(sys.argv[1:])
