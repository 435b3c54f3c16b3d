"""Points: what goes in comes out once, whatever is repeated."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experiments import metrics
from experiments.metrics import Point
from experiments.models import Experiment, MetricSeries, Run

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(workspace):
    experiment = Experiment.objects.create(workspace=workspace, name="points")
    return Run.objects.create(workspace=workspace, experiment=experiment, name="a run").pk


def rows(points):
    return list(zip(points.steps.tolist(), points.times.tolist(), points.values.tolist(), strict=True))


def test_a_batch_comes_back_in_order_of_time(run):
    metrics.append(run, [Point("a", 2.0, 20, 2), Point("b", 9.0, 5, 0), Point("a", 1.0, 10, 1)])
    assert rows(metrics.history(run, "a")) == [(1, 10, 1.0), (2, 20, 2.0)]
    assert rows(metrics.history(run, "b")) == [(0, 5, 9.0)]
    assert metrics.keys([run]) == ["a", "b"]
    assert len(metrics.history(run, "absent")) == 0


def test_a_repeated_batch_and_a_batch_that_overlaps_change_nothing(run):
    batch = [Point("a", float(step), step, step) for step in range(10)]
    metrics.append(run, batch)
    metrics.append(run, batch)
    metrics.append(run, [*batch[5:], Point("a", math.nan, 11, 11), Point("a", math.nan, 11, 11)])
    assert rows(metrics.history(run, "a"))[:10] == [(step, step, float(step)) for step in range(10)]
    assert len(metrics.history(run, "a")) == 11


def test_the_latest_is_the_greatest_and_not_the_last_written(run):
    metrics.append(run, [Point("a", 5.0, 100, 3)])
    metrics.append(run, [Point("a", 7.0, 900, 2), Point("a", 4.0, 100, 3)])
    assert metrics.latest([run])[run] == [metrics.Latest("a", 5.0, 100, 3)]
    metrics.append(run, [Point("a", -math.inf, 101, 3)])
    assert metrics.latest([run])[run][0].value == -math.inf


def test_points_go_with_their_run(run):
    metrics.append(run, [Point("a", 1.0, 1, 1)])
    Run.objects.get(pk=run).delete()
    assert metrics.keys([run]) == []


def test_a_spike_is_never_sampled_away_and_the_total_is_told(run):
    values = [0.0] * 50_000
    values[12_345], values[40_000] = 99.0, math.nan
    for start in range(0, 50_000, 5_000):
        batch = [Point("a", value, start + i, start + i) for i, value in enumerate(values[start : start + 5_000])]
        metrics.append(run, batch)
    sample = metrics.sampled(run, "a", points=100)
    assert sample.total == 50_000
    assert len(sample.points) <= 104
    assert 99.0 in sample.points.values
    assert np.isnan(sample.points.values).any()
    assert {0, 12_345, 40_000, 49_999} <= set(sample.points.steps.tolist())
    zoomed = metrics.sampled(run, "a", points=100, start_step=12_340, end_step=12_349)
    assert (zoomed.total, len(zoomed.points)) == (10, 10)


def test_many_points_at_one_step_are_sampled_too(run):
    metrics.append(run, [Point("a", float(i % 7), i, 0) for i in range(5_000)])
    sample = metrics.sampled(run, "a", points=50)
    assert sample.total == 5_000
    assert len(sample.points) <= 54


whole = st.integers(min_value=-(2**63), max_value=2**63 - 1)
point = st.builds(Point, st.sampled_from("ab"), st.floats(), st.integers(0, 2**63 - 1), whole)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(point, max_size=8), max_size=6))
def test_history_and_latest_agree_with_a_plain_set(run, batches):
    metrics.delete_run(run)
    for batch in batches:
        metrics.append(run, batch)
    for key in "ab":
        wanted = {bits(one) for batch in batches for one in batch if one.key == key}
        assert sorted(map(bits_of_row, rows(metrics.history(run, key)))) == sorted(wanted)
    newest = {one.key: one for one in metrics.latest([run]).get(run, [])}
    for key in {one.key for batch in batches for one in batch}:
        every = [one for batch in batches for one in batch if one.key == key]
        last = max(every, key=lambda one: metrics.write.rank((one.step, one.at_ms, one.value)))
        assert (newest[key].step, newest[key].at_ms) == (last.step, last.at_ms)
        assert newest[key].value == last.value or math.isnan(last.value)
        numbers = [one.value for one in every if one.value == one.value]
        series = MetricSeries.objects.get(run=run, key=key)
        assert (series.min_value, series.max_value) == (min(numbers, default=None), max(numbers, default=None))


def bits(one):
    return (one.step, one.at_ms, np.float64(one.value).tobytes() if one.value == one.value else b"nan")


def bits_of_row(row):
    step, at_ms, value = row
    return bits(Point("", value, at_ms, step))
