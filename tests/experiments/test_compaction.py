"""Packing: what is read is the same before, meanwhile and after, and a killed pass leaves no trace."""

import math

import numpy as np
import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments import metrics
from experiments.metrics import Point, compaction, packing
from experiments.metrics.points import Points
from experiments.models import Experiment, MetricBlock, MetricChunk, MetricSeries, Run

INTEGERS = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(allow_nan=True, allow_infinity=True)


@pytest.fixture
def run(workspace):
    experiment = Experiment.objects.create(workspace=workspace, name="points")
    return Run.objects.create(workspace=workspace, experiment=experiment, name="a run").pk


def rows(points):
    return list(zip(points.steps.tolist(), points.times.tolist(), points.values.tolist(), strict=True))


def log(run, first, count, size=1000, key="a"):
    for start in range(first, first + count, size):
        steps = range(start, min(start + size, first + count))
        metrics.append(run, [Point(key, math.sin(step), 1000 + step, step) for step in steps])


def series_of(run):
    return MetricSeries.objects.get(run=run, key="a")


@given(st.lists(st.tuples(INTEGERS, INTEGERS, FLOATS), min_size=1, max_size=50))
@settings(deadline=None)
def test_what_is_packed_comes_out_as_it_was(given_rows):
    steps, times, values = zip(*given_rows, strict=True)
    points = Points(np.array(steps, np.int64), np.array(times, np.int64), np.array(values, np.float64))
    packed = packing.pack(points)
    found = packing.unpack(packed.steps, packed.times, packed.values)
    assert found.steps.tolist() == list(steps)
    assert found.times.tolist() == list(times)
    assert found.values.tobytes() == points.values.tobytes()
    seen = packing.unpack_previews([packed.preview])
    assert len(seen) <= packed.points
    twice = packing.unpack_previews([packed.preview, packing.pack(seen.take(slice(0, 1))).preview, packed.preview])
    assert twice.steps.tolist() == [*seen.steps, seen.steps[0], *seen.steps]
    assert twice.times.tolist() == [*seen.times, seen.times[0], *seen.times]
    assert twice.values.tobytes() == np.array([*seen.values, seen.values[0], *seen.values]).tobytes()


@pytest.mark.django_db
def test_a_series_is_packed_when_it_has_enough_and_reads_the_same(run):
    log(run, 0, 3_000)
    assert compaction.due() == []
    log(run, 3_000, 7_000)
    before = rows(metrics.history(run, "a"))
    assert metrics.compact_due() == 10
    assert (MetricBlock.objects.count(), MetricChunk.objects.count()) == (0, 2)
    assert rows(metrics.history(run, "a")) == before
    assert series_of(run).loose == 0
    assert metrics.compact_due() == 0
    log(run, 9_500, 1_000)  # half of it was there before
    assert rows(metrics.history(run, "a"))[:10_000] == before
    assert len(metrics.history(run, "a")) == 10_500


@pytest.mark.django_db
def test_points_sent_again_after_packing_are_dropped_when_packed_again(run):
    log(run, 0, 5_000)
    metrics.compact_due()
    log(run, 0, 5_000)
    assert metrics.compact_due() == 5
    assert sum(MetricChunk.objects.values_list("points", flat=True)) == 5_000
    assert len(metrics.history(run, "a")) == 5_000


@pytest.mark.django_db
def test_single_points_become_full_chunks_in_time(run):
    for step in range(1_000):
        metrics.append(run, [Point("a", float(step), step, step)])
        if step % 100 == 0:
            metrics.compact_due()
    metrics.compact_due()
    assert MetricChunk.objects.count() == 1
    assert MetricBlock.objects.count() < 256
    assert [step for step, _time, _value in rows(metrics.history(run, "a"))] == list(range(1_000))


@pytest.mark.django_db
def test_the_rest_of_a_run_is_packed_when_it_has_ended(run):
    for step in range(20):
        metrics.append(run, [Point("a", float(step), step, step)])
    assert metrics.compact_due() == 0
    Run.objects.update(status="FINISHED")
    assert metrics.compact_due() == 20
    assert len(metrics.history(run, "a")) == 20


@pytest.mark.django_db
def test_a_pass_that_comes_second_gives_up(run):
    log(run, 0, 5_000)
    pk = series_of(run).pk
    first, second = compaction.take(pk), compaction.take(pk)
    packed = [packing.pack(piece) for piece in compaction.pieces(first.points)]
    assert compaction.replace(pk, first, packed)
    assert not compaction.replace(pk, second, packed)
    assert len(metrics.history(run, "a")) == 5_000
    assert sum(MetricChunk.objects.values_list("points", flat=True)) == 5_000


@pytest.mark.django_db
def test_a_deleted_run_leaves_no_points(run):
    log(run, 0, 5_000)
    metrics.compact_due()
    log(run, 5_000, 100)
    Run.objects.get(pk=run).delete()
    assert (MetricBlock.objects.count(), MetricChunk.objects.count(), MetricSeries.objects.count()) == (0, 0, 0)


@pytest.mark.django_db
def test_a_wide_range_is_seen_by_previews_and_a_narrow_one_exactly(run):
    values = np.zeros(300_000)
    values[123_456], values[7], values[299_998] = 99.0, -5.0, math.nan
    for start in range(0, 300_000, 1_000):
        batch = [Point("a", float(values[i]), i, i) for i in range(start, start + 1_000)]
        metrics.append(run, batch)
    while metrics.compact_due():
        pass
    with connection.execute_wrapper(no_columns(connection)):
        sample = metrics.sampled(run, "a", points=320)
    assert sample.total == 300_000
    assert len(sample.points) <= 330
    assert {0, 7, 123_456, 299_998, 299_999} <= set(sample.points.steps.tolist())
    assert sample.points.steps.tolist() == sorted(sample.points.steps.tolist())
    zoomed = metrics.sampled(run, "a", points=50, start_step=123_450, end_step=123_459)
    assert (zoomed.total, len(zoomed.points)) == (10, 10)
    part = metrics.sampled(run, "a", points=320, start_step=1_111, end_step=288_888)
    assert part.total == 288_888 - 1_111 + 1
    assert {1_111, 123_456, 288_888} <= set(part.points.steps.tolist())


def no_columns(connection):
    """Fail when more bytes are asked for than previews have: the statement must not read all columns."""

    def wrap(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        if "array_send" in sql:
            assert params["previews"]
        return result

    return wrap
