"""A filter built of chips means what the typed one means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.errors import InvalidValue
from lib.search import And, parse_filter
from lib.search.chips import join, split
from lib.search.dialects import RUNS

CONDITIONS = st.sampled_from([
    "metrics.loss < 0.2", "params.model = 'a AND b'", "start_time BETWEEN -7d AND -1d", "tags.`x AND y` IS NOT NULL",
    "min(metrics.`val loss`) >= 1e-3", "status IN ('FAILED', 'KILLED')", "params.lr NOT BETWEEN 1 AND 2",
])  # fmt: skip
FILTERS = st.recursive(
    CONDITIONS,
    lambda part: st.one_of(
        st.lists(part, min_size=2, max_size=3).map(lambda parts: f"({' OR '.join(parts)})"),
        st.lists(part, min_size=2, max_size=3).map(lambda parts: f"({' and '.join(parts)})"),
        part.map(lambda one: f"NOT ({one})"),
    ),
    max_leaves=6,
)


def flat(node):
    parts = node.parts if isinstance(node, And) else (node,)
    return tuple(one for part in parts for one in (flat(part) if isinstance(part, And) else (part,)))


@given(st.lists(FILTERS, min_size=1, max_size=4), st.sampled_from([" AND ", " and ", "\n AND\t"]))
def test_joined_again_it_means_the_same(parts, between):
    text = between.join(parts)
    assert flat(parse_filter(join(split(text, RUNS), RUNS), RUNS)) == flat(parse_filter(text, RUNS))


def test_conditions_are_cut_at_the_outer_and():
    text = "metrics.a < 1 AND start_time BETWEEN -7d AND -1d and (status = 'FAILED' AND params.x = 'y')"
    assert split(text, RUNS) == [
        "metrics.a < 1", "start_time BETWEEN -7d AND -1d", "(status = 'FAILED' AND params.x = 'y')"
    ]  # fmt: skip


def test_an_or_is_one_chip_and_gets_brackets_when_another_comes():
    text = "status = 'FAILED' OR metrics.a > 1"
    assert split(text, RUNS) == [text]
    assert join([text, "params.x = 'y'"], RUNS) == f"({text}) AND params.x = 'y'"


def test_nothing_is_no_chip_and_nonsense_is_refused():
    assert split("  ", RUNS) == []
    assert join(["", " "], RUNS) == ""
    with pytest.raises(InvalidValue):
        split("metrics.", RUNS)
