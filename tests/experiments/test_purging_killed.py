"""Purges that are killed (-9) before and after each statement, commit and removal of files, over and over.

The processes are forked, so that a kill costs milliseconds and every step can be met many times.
"""

from __future__ import annotations

import os
import signal

import pytest
from django.db import connection, connections

from experiments import operations
from experiments.artifacts.disk import DiskStore
from experiments.models import Experiment, LoggedModel, Purge, Run
from experiments.purging import engine, rows
from tests.experiments import purge_world as world
from tests.experiments.test_compaction_killed import in_a_process
from workspaces.access import Actor

RUNS = 12


def purge_and_die(purge_id: int, step: int) -> None:
    """Work on a purge and die at the given step; what is done by then is a matter of chance no more."""
    at = 0

    def count() -> None:
        nonlocal at
        at += 1
        if at > step:
            os.kill(os.getpid(), signal.SIGKILL)

    def wrap(execute, sql, params, many, context):
        count()
        result = execute(sql, params, many, context)
        count()
        return result

    connection.connect()
    commit = connection.connection.__class__.commit
    delete = DiskStore.delete

    def committing() -> None:
        count()
        commit(connection.connection)
        count()

    def deleting(store, key) -> None:
        count()
        delete(store, key)
        count()

    connection._commit = committing
    DiskStore.delete = deleting
    with connection.execute_wrapper(wrap):
        engine.step(purge_id, 600)


@pytest.mark.django_db(transaction=True)
def test_a_purge_killed_anywhere_goes_on_and_counts_everything_once(workspace, monkeypatch):
    monkeypatch.setattr(rows, "BATCH", 5)
    experiment = Experiment.objects.create(workspace=workspace, name="killed")
    other = world.make_run(Experiment.objects.create(workspace=workspace, name="other"), "stays", sizes=(1, 2))
    for number in range(RUNS):
        run = world.make_run(experiment, f"r{number}", count=number + 1, sizes=(10, number))
        if number % 3 == 0:
            world.make_model(run, "m")
    kept = {path: size for path, size in world.files().items() if other.pk in path}
    gone = sum(world.files().values()) - sum(kept.values())
    operations.delete_experiment(Actor.system(), experiment)
    purge = operations.purge(Actor.system(), workspace, kind="experiment", names=[str(experiment.pk)])
    connections.close_all()
    kills = step = 0
    while not Purge.objects.get(pk=purge.pk).is_done:
        connections.close_all()
        killed = in_a_process(purge_and_die, purge.pk, step)
        killed.join(60)
        kills += killed.exitcode == -signal.SIGKILL
        # Each life gets a little further than where the one before stood still, so that every step is died at.
        step += 3
    assert kills > 20
    purge.refresh_from_db()
    assert purge.freed == purge.expected
    assert (purge.freed["runs"], purge.freed["logged_models"]) == (RUNS, 4)
    assert (purge.freed["points"], purge.freed["size_bytes"]) == (RUNS * (RUNS + 1) // 2, gone)
    assert world.files() == kept
    assert [run.pk for run in Run.objects.all()] == [other.pk]
    assert not LoggedModel.objects.exists()
    assert not any(world.orphans().values())
