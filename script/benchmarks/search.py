"""Search over runs: first pages, filters, orders and far pages, on a generated experiment in a scratch database.

    script/bench search [RUNS [ROUNDS]]     10000 runs (20 metrics, 20 params, 5 tags each) and 5 rounds unless told

Prints for each query the time of its first call, the median of the others, the least CPU of this process and of the
database's for one call (without parallel workers, so that it is all of it), and the rows of the page; with --explain
its plan too.
"""

from __future__ import annotations

import importlib
import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGE = 100

# Every fiftieth run has a rare tag; metrics m0…m19 spread evenly over [0, 1); params p0…p19 have 1 to 10000 values.
FILL = """
    INSERT INTO experiments_run (id, workspace_id, experiment_id, name, status, user_name, is_submitted,
                                 start_ms, end_ms, created_ms, heard_ms)
    SELECT md5(n::text), %(workspace)s, %(experiment)s, 'run ' || n,
           (ARRAY['FINISHED', 'FAILED', 'RUNNING'])[n %% 3 + 1],
           'user ' || n %% 10, false, 1700000000000 + n * 1000, 1700000000000 + n * 1000 + 500, 0, 0
      FROM generate_series(1, %(runs)s) AS n;

    INSERT INTO experiments_metricseries (run_id, key, last_step, last_ms, last_value, min_value, max_value)
    SELECT md5(n::text), 'm' || k, 100, 0, v, v - 0.1, v + 0.1
      FROM generate_series(1, %(runs)s) AS n, generate_series(0, 19) AS k,
           LATERAL (SELECT (hashint8(n * 100 + k)::bigint & 1048575) / 1048576.0 AS v) AS value;

    INSERT INTO experiments_runparam (run_id, key, value)
    SELECT md5(n::text), 'p' || k, ((n * 7919 + k) %% (k * k * 27 + 1))::text
      FROM generate_series(1, %(runs)s) AS n, generate_series(0, 19) AS k;

    INSERT INTO experiments_runtag (run_id, key, value)
    SELECT md5(n::text), 't' || k, 'value ' || (n %% 50)
      FROM generate_series(1, %(runs)s) AS n, generate_series(0, 3) AS k;

    INSERT INTO experiments_runtag (run_id, key, value)
    SELECT md5(n::text), CASE WHEN n %% 50 = 0 THEN 'rare' ELSE 'common' END, 'yes'
      FROM generate_series(1, %(runs)s) AS n;
"""

QUERIES: list[tuple[str, str, list[str], int]] = [
    ("first page", "", [], 0),
    ("page 50 by offset", "", [], 49),
    ("metric, half match", "metrics.m3 > 0.5", [], 0),
    ("metric, 1 in 1000 match", "metrics.m3 < 0.001", [], 0),
    ("metric, none match", "metrics.m3 > 2", [], 0),
    ("two metrics, 1 in 100", "metrics.m3 < 0.1 AND metrics.m4 < 0.1", [], 0),
    ("metric and param", "metrics.m3 > 0.5 AND params.p5 = '3'", [], 0),
    ("param, 1 in 10000", "params.p19 = '77'", [], 0),
    ("param ILIKE, 1 in 1000", "params.p19 ILIKE '%777'", [], 0),
    ("param as number", "params.p19 < 5", [], 0),
    ("tag, rare", "tags.rare = 'yes'", [], 0),
    ("tag missing", "tags.common IS NULL", [], 0),
    ("either of two", "metrics.m3 > 0.999 OR params.p19 = '5'", [], 0),
    ("neither", "NOT (metrics.m3 > 0.001 OR tags.rare = 'yes')", [], 0),
    ("minimum", "min(metrics.m3) < -0.09", [], 0),
    ("status and time", "status = 'FAILED' AND start_time > 2023-11-14", [], 0),
    ("order by metric", "", ["metrics.m3 DESC"], 0),
    ("order by metric, page 50", "", ["metrics.m3 DESC"], 49),
    ("order by param", "", ["params.p19"], 0),
    ("filter, order by metric", "metrics.m4 > 0.5", ["metrics.m3"], 0),
    ("20 comparisons", " AND ".join(f"metrics.m{k} > 0.01" for k in range(20)), [], 0),
    ("200 comparisons, all OR", " OR ".join(f"metrics.m{k % 20} > {2 + k}" for k in range(200)), [], 0),
]


def main(arguments: list[str]) -> None:
    numbers = [int(one) for one in arguments if one.isdigit()]
    runs, rounds = (numbers + [10_000, 5][len(numbers) :])[:2]
    prepare()
    started = time.perf_counter()
    experiment = fill(runs)
    print(f"{runs} runs written in {time.perf_counter() - started:.0f} s; medians of {rounds} rounds")
    print(f"{'':28}{'first ms':>10}{'ms':>8}{'CPU ms':>8}{'database':>9}{'rows':>6}")
    for name, text, order, page in QUERIES:
        measure(experiment, name, text, order, page, rounds, explains="--explain" in arguments)


def prepare() -> None:
    """Start a private PostgreSQL, which ends with this process, and make the tables in it."""
    sys.path.insert(0, str(ROOT))
    importlib.import_module("tests.services")
    os.environ["DJANGO_SETTINGS_MODULE"] = "studio.settings"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def fill(runs: int) -> int:
    from django.db import connection

    from experiments.models import Experiment
    from workspaces import operations
    from workspaces.access import Actor

    group = operations.create_group(Actor.system(), name="bench", subscription_id="0" * 8)
    workspace = operations.create_workspace(Actor.system(), group, name="bench")
    experiment = Experiment.objects.create(workspace=workspace, name="search")
    with connection.cursor() as cursor:
        cursor.execute(FILL, {"workspace": workspace.pk, "experiment": experiment.pk, "runs": runs})
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("SET max_parallel_workers_per_gather = 0")
    return experiment.pk


def measure(experiment: int, name: str, text: str, order: list[str], page: int, rounds: int, *, explains: bool) -> None:
    from experiments import search
    from experiments.models import Run
    from lib.search import dialects, parse_filter, parse_order
    from lib.search.ordering import read

    times, own, database, found = [], [], [], []
    for _round in range(rounds + 1):
        started, worked, used = time.perf_counter(), time.process_time(), backend_s()
        rows = Run.objects.filter(experiment=experiment, deleted_ms=None)
        rows = search.order(search.apply(rows, parse_filter(text, dialects.RUNS)), parse_order(order, dialects.RUNS))
        found = read(rows, page * PAGE, (page + 1) * PAGE)
        times.append((time.perf_counter() - started) * 1000)
        own.append((time.process_time() - worked) * 1000)
        database.append((backend_s() - used) * 1000)
    first, *rest = times
    spent = f"{min(own[1:]):8.1f}{min(database[1:]):9.1f}"
    print(f"{name:28}{first:10.1f}{statistics.median(rest):8.1f}{spent}{len(found):6}", flush=True)
    if explains:
        print(rows[page * PAGE : (page + 1) * PAGE].explain(analyze=True, buffers=True))


def backend_s() -> float:
    """Give the seconds of CPU that this connection's process of the database has used."""
    [(pid,)] = asked("SELECT pg_backend_pid()")
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def asked(statement: str, *values: object) -> Iterator[tuple[Any, ...]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return iter(cursor.fetchall())


if __name__ == "__main__":
    main(sys.argv[1:])
