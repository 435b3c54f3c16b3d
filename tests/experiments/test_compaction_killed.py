"""Passes that are killed (-9) before and after each of their statements and commits, while points come in.

The processes are forked, so that a kill costs milliseconds and every step can be met many times.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time

import pytest
from django.db import connection, connections

from experiments import metrics
from experiments.metrics import Point, compaction
from experiments.models import Experiment, MetricChunk, MetricSeries, Run

BATCH = 100
STEPS = 17  # statements and commits of a pass, before and after each
KEPT = []  # what a forked process inherits and must not close

fork = multiprocessing.get_context("fork")


def in_a_process(work, *arguments):
    def begin():
        KEPT.append(connection.connection)
        connection.connection = None
        work(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)  # without any of the parent's clearing up

    process = fork.Process(target=begin)
    process.start()
    return process


def ingest(run, acknowledged, stop):
    while not stop.value:
        start = acknowledged.value
        points = [Point(key, float(step), step, step) for step in range(start, start + BATCH) for key in "ab"]
        metrics.append(run, points)
        acknowledged.value = start + BATCH
        time.sleep(0.01)


def pack_and_die(step):
    """Pack what is due, over and over, and die at the given step of a pass."""
    at = 0

    def count():
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

    def committing():
        count()
        commit(connection.connection)
        count()

    connection._commit = committing
    with connection.execute_wrapper(wrap):
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            for pk in MetricSeries.objects.filter(loose__gte=compaction.CHUNK_POINTS).values_list("pk", flat=True):
                at = 0
                compaction.compact(pk)


def stored(run):
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT coalesce((SELECT sum(points) FROM experiments_metricchunk WHERE series_id = series.id), 0) +
                      coalesce((SELECT sum(cardinality(steps)) FROM experiments_metricblock
                                 WHERE series_id = series.id), 0)
                 FROM experiments_metricseries AS series WHERE run_id = %s""",
            [run],
        )
        return [int(count) for (count,) in cursor.fetchall()]


@pytest.mark.django_db(transaction=True)
def test_a_pass_killed_anywhere_loses_nothing_and_doubles_nothing(workspace, monkeypatch):
    monkeypatch.setattr(compaction, "CHUNK_POINTS", 512)
    experiment = Experiment.objects.create(workspace=workspace, name="killed")
    run = Run.objects.create(workspace=workspace, experiment=experiment, name="r").pk
    acknowledged, stop = fork.Value("q", 0), fork.Value("b", 0)
    connections.close_all()
    ingester = in_a_process(ingest, run, acknowledged, stop)
    try:
        for _round in range(2):
            for step in range(STEPS):
                before = acknowledged.value
                killed = in_a_process(pack_and_die, step)
                killed.join(20)
                assert killed.exitcode == -signal.SIGKILL
                found = metrics.history(run, "a").steps.tolist()  # what was acknowledged is there, whole and once
                assert found == list(range(len(found)))
                assert len(found) >= before
    finally:
        stop.value = 1
        ingester.join(20)
    assert ingester.exitcode == -signal.SIGKILL
    total = acknowledged.value
    assert total > 2_000
    assert stored(run) == [total, total]
    while metrics.compact_due():
        pass
    assert MetricChunk.objects.exists()
    assert stored(run) == [total, total]
    for key in "ab":
        assert metrics.history(run, key).steps.tolist() == list(range(total))
