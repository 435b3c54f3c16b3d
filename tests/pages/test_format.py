"""Numbers, sizes and times as people read them."""

import math

import pytest

from lib import format as fmt


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.47512345, "0.4751"),
        (53.1849, "53.18"),
        (-0.0178, "−0.01780"),
        (1_234_567, "1,234,567"),
        (200.0, "200"),
        (0.00001234, "1.234e−5"),
        (math.nan, "NaN"),
        (-math.inf, "−∞"),
        (None, "—"),
    ],
)
def test_numbers_have_four_digits_and_a_real_minus(value, shown):
    assert fmt.number(value) == shown


@pytest.mark.parametrize(
    ("size", "shown"), [(0, "0 B"), (999, "999 B"), (6400, "6.4 kB"), (999_960, "1.0 MB"), (None, "—")]
)
def test_sizes_have_a_unit(size, shown):
    assert fmt.size(size) == shown


@pytest.mark.parametrize(
    ("ms", "shown"),
    [(18, "18 ms"), (8400, "8.4 s"), (59_990, "1 min"), (72_000, "1 min 12 s"), (7_500_000, "2 h 5 min"), (None, "—")],
)
def test_durations_have_units(ms, shown):
    assert fmt.duration(ms) == shown


def test_a_run_keeps_its_slot():
    # The same numbers as slotOf() in static/js/metric-chart.js gives: a run looks the same in tables and in charts.
    assert [fmt.slot(run) for run in ("", "a", "0d950589231844388e0fdaa64e06d7f8")] == [2, 1, 6]


def test_a_line_of_a_log_loses_its_pictographs():
    assert fmt.one_line("\U0001f3c3 View run\tat: http://x \u2714") == "View run at: http://x"
