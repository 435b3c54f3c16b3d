"""What a series costs as it grows: writing, packing, the whole of it, and a sample, from 1,000 points to 10 millions.

    script/bench points [--most POINTS]

One series in batches of 1,000, without HTTP, in a scratch database; the first line is of a warm process. CPU of a
sample counts the database's too; memory is the most that writing the whole history as text took above what was held.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import _calls as calls
import search
from _peers import peak_mb
from search import asked, backend_s

SIZES = [1_000, 10_000, 100_000, 1_000_000, 10_000_000]
BATCH = 1000
START = 1_760_000_000_000
SAMPLE = 320


@dataclass(frozen=True)
class Spent:
    """Seconds of the clock, of this process and of the database's."""

    wall_s: float
    own_s: float
    database_s: float


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="script/bench points", description=__doc__)
    parser.add_argument("--most", type=int, default=SIZES[-1])
    most = parser.parse_args(arguments).most
    new_run = prepare()
    measure(new_run(), SIZES[0])
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors at the start\n")
    print("| points | write, CPU | pack, CPU | chunks | bytes a point | history, CPU | memory | sample, CPU | time |")
    print("|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for size in SIZES:
        if size <= most:
            print(measure(new_run(), size), flush=True)


def prepare() -> Callable[[], str]:
    """Make the tables; give what makes a run."""
    search.prepare()
    from experiments import operations
    from experiments.models import Experiment
    from workspaces import operations as workspaces
    from workspaces.access import Actor

    actor = Actor.system()
    group = workspaces.create_group(actor, name="bench", subscription_id="0" * 8)
    workspace = workspaces.create_workspace(actor, group, name="bench")
    experiment = Experiment.objects.create(workspace=workspace, name="points")
    return lambda: str(operations.create_run(actor, experiment, status="FINISHED").pk)


def measure(run: str, size: int) -> str:
    from experiments import metrics

    written = spent(lambda: write(run, size))
    packed = spent(pack)
    history, grown_mb = whole(run)
    samples = [spent(lambda: metrics.sampled(run, "loss", points=SAMPLE)) for _round in range(10)]
    chunks, content = weighed(run)
    cells = [
        f"{size:,}",
        f"{written.own_s + written.database_s:.2f} s",
        f"{packed.own_s + packed.database_s:.2f} s",
        f"{chunks:,}",
        f"{content / size:.1f}",
        f"{(history.own_s + history.database_s) * 1000:,.0f} ms",
        f"+ {grown_mb:.0f} MB",
        f"{statistics.median(one.own_s + one.database_s for one in samples) * 1000:.1f} ms",
        f"{statistics.median(one.wall_s for one in samples) * 1000:.1f} ms",
    ]
    return f"| {' | '.join(cells)} |"


def write(run: str, size: int) -> None:
    from experiments import metrics
    from experiments.metrics import Point

    for start in range(0, size, BATCH):
        steps = range(start, start + BATCH)
        metrics.append(run, [Point("loss", calls.RANDOM.random(), START + 1000 * step, step) for step in steps])


def pack() -> None:
    from experiments import metrics

    while metrics.compact_due():
        pass


def whole(run: str) -> tuple[Spent, float]:
    """Write a series as get-history does; give what that took, and how many MB it held at most."""
    from experiments import metrics
    from experiments.mlflow_api.metrics import slices

    def told() -> None:
        for _text in slices("loss", metrics.history(run, "loss"), ""):
            pass

    Path("/proc/self/clear_refs").write_text("5")
    held = peak_mb(os.getpid())
    return spent(told), peak_mb(os.getpid()) - held


def spent(work: Callable[[], Any]) -> Spent:
    wall, own, database = time.perf_counter(), time.process_time(), backend_s()
    work()
    return Spent(time.perf_counter() - wall, time.process_time() - own, backend_s() - database)


def weighed(run: str) -> tuple[int, int]:
    """Count the chunks of a run, and the bytes of their columns."""
    sizes = "sum(pg_column_size(steps) + pg_column_size(times) + pg_column_size(values) + pg_column_size(preview))"
    chunks = "experiments_metricchunk AS chunk JOIN experiments_metricseries AS series ON series.id = chunk.series_id"
    [(count, content)] = asked(f"SELECT count(*), coalesce({sizes}, 0) FROM {chunks} WHERE series.run_id = %s", run)  # noqa: S608
    return int(count), int(content)
