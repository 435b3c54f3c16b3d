"""A small world of experiments, runs, models, versions and files, and a plain Python account of what a purge leaves."""

from __future__ import annotations

import io
from pathlib import Path

from django.conf import settings
from django.db import connection

from experiments import metrics, operations
from experiments.metrics import Point
from experiments.models import Experiment, LoggedModel, Purge, Run
from experiments.purging import engine
from registry import operations as registry
from workspaces.access import Actor

SYSTEM = Actor.system()
TABLES = (
    "experiments_metricblock", "experiments_metricchunk", "experiments_metricseries", "experiments_runparam",
    "experiments_runtag", "experiments_loggedmodelmetric", "experiments_runmodel", "experiments_rundataset",
)  # fmt: skip


def points(run: Run, count: int, key: str = "loss") -> None:
    metrics.append(run.pk, [Point(key, float(step), 1_700_000_000_000 + step, step) for step in range(count)])


def put(owner: Run | LoggedModel, path: str, size: int) -> None:
    operations.put_artifact(SYSTEM, owner, path=path, source=io.BytesIO(b"x" * size), size_bytes=size)


def make_run(experiment: Experiment, name: str, *, count: int = 10, sizes: tuple[int, ...] = ()) -> Run:
    run = operations.create_run(SYSTEM, experiment, name=name)
    operations.log_batch(SYSTEM, run, metrics=[], params=[("a", "1")])
    points(run, count)
    for number, size in enumerate(sizes):
        put(run, f"files/{number % 2}/{number}.bin", size)
    return run


def make_model(run: Run, name: str, *, sizes: tuple[int, ...] = (5,)) -> LoggedModel:
    model = operations.create_logged_model(SYSTEM, run.experiment, name=name, source_run_id=run.pk)
    operations.log_outputs(SYSTEM, run, models=[(model.pk, 0)])
    for number, size in enumerate(sizes):
        put(model, f"{number}.bin", size)
    return model


def make_version(model: LoggedModel, name: str):
    registered = registry.register_model(SYSTEM, model.workspace, name=name)
    return registry.create_version(SYSTEM, registered, source=f"models:/{model.pk}")


def files() -> dict[str, int]:
    """Give every file of the store and its size."""
    root = Path(settings.ARTIFACTS_DIR)
    return {str(one.relative_to(root)): one.stat().st_size for one in root.rglob("*") if one.is_file()}


def rows() -> dict[str, int]:
    with connection.cursor() as cursor:
        found = {}
        for table in TABLES:
            cursor.execute(f"SELECT count(*) FROM {table}")
            [(found[table],)] = cursor.fetchall()
    return found


def orphans() -> dict[str, int]:
    """Count rows that belong to nothing: blocks and chunks without a series, series without a run."""
    with connection.cursor() as cursor:
        found = {}
        for table, column, other in (
            ("experiments_metricblock", "series_id", "experiments_metricseries"),
            ("experiments_metricchunk", "series_id", "experiments_metricseries"),
            ("experiments_metricseries", "run_id", "experiments_run"),
        ):
            cursor.execute(f"SELECT count(*) FROM {table} WHERE {column} NOT IN (SELECT id FROM {other})")
            [(found[table],)] = cursor.fetchall()
    return found


def carry_out(purge: Purge) -> Purge:
    """Work on a purge as the worker does, to its end."""
    assert engine.step(purge.pk, 600)
    purge.refresh_from_db()
    return purge
