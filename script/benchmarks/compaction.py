"""Compaction under ingest: how long writers wait for it, of which PostgreSQL itself keeps the record.

    script/bench compaction [--seconds S] [--writers N] [--backlog POINTS]

Writers log batches of 10 series × 100 points and, every tenth time, the same batch again; meanwhile all that is due is
packed, a backlog of single points first. The database (fsync on) writes down each wait for a lock that takes more than
a millisecond. Asked for: none above 50 ms.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import search

MOST_MS = 50
# What a writer waits for: another transaction that changed or deleted its row. Not the lengthening of a file.
WAITED = re.compile(r"acquired \w+ on (?:transaction|tuple) .* after ([0-9.]+) ms")
CAREFUL = (
    "ALTER SYSTEM SET fsync = on",
    "ALTER SYSTEM SET full_page_writes = on",
    "ALTER SYSTEM SET synchronous_commit = on",
    "ALTER SYSTEM SET log_lock_waits = on",
    "ALTER SYSTEM SET deadlock_timeout = '1ms'",
    "SELECT pg_reload_conf()",
)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="script/bench compaction", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--backlog", type=int, default=40_000)
    options = parser.parse_args(arguments)
    runs = prepare(options.writers, options.backlog)
    load = os.getloadavg()[0]
    alone = writing(runs, options.seconds / 2)
    calm = waits()
    beside = writing(runs, options.seconds, packing)
    report(load, alone, beside, sorted(waits()[len(calm) :]))


def prepare(writers: int, backlog: int) -> list[str]:
    """Give a run for each writer; the first has a long series of single points that nobody packed yet."""
    search.prepare()
    from django.db import connection

    from experiments import metrics, operations
    from experiments.metrics import Point
    from experiments.models import Experiment
    from workspaces import operations as workspaces
    from workspaces.access import Actor

    with connection.cursor() as cursor:
        for statement in CAREFUL:
            cursor.execute(statement)
    group = workspaces.create_group(Actor.system(), name="bench", subscription_id="0" * 8)
    workspace = workspaces.create_workspace(Actor.system(), group, name="bench")
    experiment = Experiment.objects.create(workspace=workspace, name="compaction")
    runs = [operations.create_run(Actor.system(), experiment).pk for _writer in range(writers)]
    for step in range(backlog):
        metrics.append(runs[0], [Point("m0", 0.5, step, step)])
    connection.close()  # what is forked must not share it
    return runs


def writing(runs: list[str], seconds: float, beside: Callable[[Any], None] | None = None) -> list[float]:
    """Let all write for so long, and something else beside them; give the milliseconds of each call."""
    context = multiprocessing.get_context("fork")
    ends, found = context.Event(), context.Queue()
    writers = [context.Process(target=write, args=(run, ends, found)) for run in runs]
    others = [context.Process(target=beside, args=(ends,))] if beside else []
    for one in [*writers, *others]:
        one.start()
    time.sleep(seconds)
    ends.set()
    times = [each for _writer in writers for each in found.get()]
    for one in [*writers, *others]:
        one.join()
    return times


def write(run: str, ends: Any, found: Any) -> None:
    from experiments import metrics
    from experiments.metrics import Point

    times: list[float] = []
    batch: list[Point] = []
    while not ends.is_set():
        if not batch or len(times) % 10:
            start = (time.time_ns() // 1000) * 100
            batch = [Point(f"m{key}", step / 7, start, start + step) for key in range(10) for step in range(100)]
        began = time.perf_counter()
        metrics.append(run, batch)
        times.append((time.perf_counter() - began) * 1000)
    found.put(times)


def packing(ends: Any) -> None:
    from experiments import metrics

    while not ends.is_set():
        metrics.compact_due()


def waits() -> list[float]:
    """Read from the server's record how long each wait for a lock took, in milliseconds."""
    from django.db import connection

    log = Path(connection.settings_dict["HOST"]) / "log"
    return [float(found) for found in WAITED.findall(log.read_text(errors="replace"))]


def report(load: float, alone: list[float], beside: list[float], waited: list[float]) -> None:
    longest = waited[-1] if waited else 0.0
    print(f"load {load:.1f} on {os.cpu_count()} processors at the start\n")
    print("| | calls | p50, ms | p99, ms | longest, ms |\n|---|--:|--:|--:|--:|")
    for name, times in (("writers alone", alone), ("beside compaction", beside)):
        cuts = statistics.quantiles(times, n=100)
        print(f"| {name} | {len(times):,} | {cuts[49]:.1f} | {cuts[98]:.1f} | {max(times):.1f} |")
    print(f"\n| row | asked | seen | holds |\n|---|---|---|---|\n| waits for a lock | ≤ {MOST_MS} ms | ", end="")
    print(f"{len(waited)} above 1 ms, longest {longest:.1f} ms | {'yes' if longest <= MOST_MS else '**no**'} |")
