"""What a sweep tries, and when it gives a try up."""

from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.sweeps.policies import Policy, make_policy, verdict
from jobs.sweeps.space import Space, make_space, read_lines, shown_lines, with_arguments
from lib.errors import InvalidValue


def drawn(*words: object, count: int = 200) -> list[float]:
    space = make_space([("x", list(words))])
    return [float(space.draw(1, number)[0][1]) for number in range(count)]


def test_each_expression_draws_what_it_says():
    assert all(2 <= value <= 3 for value in drawn("uniform", 2, 3))
    assert {value % 5 for value in drawn("quniform", 0, 100, 5)} == {0}
    assert all(math.exp(-6) <= value <= math.exp(-1) for value in drawn("loguniform", -6, -1))
    assert all(value == round(value) for value in drawn("qloguniform", 0, 5, 1))
    assert abs(sum(drawn("normal", 10, 1)) / 200 - 10) < 0.5
    assert all(value > 0 for value in drawn("lognormal", 0, 1))
    assert set(drawn("randint", 4)) == {0, 1, 2, 3}
    assert set(drawn("choice", 16, 32)) == {16, 32}


def test_a_counted_space_repeats_no_point_before_all_have_come():
    space = make_space([("a", ["choice", 1, 2, 3]), ("b", ["randint", 4])])
    assert space.size == 12
    points = [str(space.draw(3, number)) for number in range(12)]
    assert len(set(points)) == 12
    assert points != [str(space.point(number)) for number in range(12)]


@pytest.mark.parametrize(
    "line", ["x = lognormal(300, 300)", "x = qlognormal(300, 300, 0.5)", "x = quniform(0, 1e308, 1e-300)"]
)
def test_no_draw_is_too_large_to_be_drawn(line):
    space = make_space(read_lines(line))
    for number in range(50):
        assert float(dict(space.draw(7, number))["x"]) >= 0


def test_a_grid_walks_every_point_once():
    space = make_space([("a", ["choice", 1, 2]), ("b", ["choice", "x", "y"])])
    points = [[value for _name, value in space.point(place)] for place in range(4)]
    assert points == [["1", "x"], ["1", "y"], ["2", "x"], ["2", "y"]]


def test_another_parameter_leaves_the_draws_of_the_rest():
    one = make_space([("a", ["uniform", 0, 1])])
    two = make_space([("b", ["uniform", 0, 1]), ("a", ["uniform", 0, 1])])
    assert one.draw(5, 3)[0] == two.draw(5, 3)[1]


def test_lines_say_what_programs_say_and_come_back():
    space = make_space(read_lines("lr = loguniform(-6, -1)\n\n--batch=choice([16, 32])\nname=choice('a b', True)"))
    assert Space.from_json(space.as_json()) == space
    assert shown_lines(space.as_json()) == [
        ("lr", "loguniform(-6, -1)"),
        ("--batch", "choice(16, 32)"),
        ("name", "choice('a b', True)"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "lr",
        "lr = 3",
        "lr = open('x')",
        "= choice(1)",
        "lr = uniform(2, 1)",
        "lr = uniform(1)",
        "lr = randint(1.5)",
        "a b = choice(1)",
        "lr = choice()",
        "lr = quniform(0, 1, 0)",
        "lr = choice(x)",
        "lr = choice(1e999)",
        "lr = choice({1})",
        "lr = choice('\\0')",
        "lr = uniform(0, 1e999)",
        "lr = normal(0, 0)",
        "lr = loguniform(0, 5000)",
        "a=choice(1)\n--a=choice(2)",
    ],
)
def test_what_is_no_expression_is_refused(line):
    with pytest.raises(InvalidValue):
        make_space(read_lines(line))


@given(st.text(max_size=60))
def test_whatever_is_written_is_read_or_refused(text):
    with contextlib.suppress(InvalidValue):
        make_space(read_lines(text))


@pytest.mark.parametrize(
    ("command", "kept"),
    [
        ("t.py --lr 1 --n 2", "t.py --n 2"),
        ("t.py --lr=1 x", "t.py x"),
        ("t.py --lr -5 x", "t.py x"),
        ("t.py --lr --n 2", "t.py --n 2"),
        ("t.py --lr", "t.py"),
        ("t.py --lrs 1", "t.py --lrs 1"),
        ("t.py --lr 1 --lr 2", "t.py"),
    ],
)
def test_an_equal_argument_gives_way(command, kept):
    assert with_arguments(command.split(), [("lr", "0.1")]) == [*kept.split(), "--lr", "0.1"]


def says(policy: Policy, curve: list[float | None], *others: list[float | None], more: bool = False) -> bool:
    return bool(verdict(policy, curve, others, len(curve), is_more_better=more))


def test_a_bandit_allows_a_slack_from_the_best():
    factor = make_policy({"kind": "bandit", "slack_factor": 0.2})
    assert says(factor, [0.79], [1.0], more=True)
    assert not says(factor, [0.84], [1.0], more=True)
    assert says(factor, [1.21], [1.0])
    assert not says(factor, [1.19], [1.0])
    assert says(factor, [-1.3], [-1.0], more=True)
    assert not says(factor, [-1.1], [-1.0], more=True)
    amount = make_policy({"kind": "bandit", "slack_amount": 0.2})
    assert says(amount, [0.79], [1.0], more=True)
    assert not says(amount, [0.81], [1.0], more=True)
    assert not says(amount, [0.1], more=True)


def test_the_best_value_so_far_counts_and_one_that_is_never_finite_is_stopped():
    amount = make_policy({"kind": "bandit", "slack_amount": 0.2})
    assert not says(amount, [0.9, 0.1], [1.0, 1.0], more=True)
    assert says(amount, [None, None], [1.0, 1.0], more=True)
    assert not says(amount, [0.1, 0.1], [1.0], more=True)


def test_median_stopping_compares_with_the_median_of_averages():
    policy = make_policy({"kind": "median"})
    assert says(policy, [1.0, 1.0], [3.0, 3.0], [2.0, 2.0], more=True)
    assert not says(policy, [2.0, 2.0], [3.0, 3.0], [1.0, 1.0], more=True)


def test_truncation_cuts_the_last_part():
    policy = make_policy({"kind": "truncation", "truncation_percentage": 50})
    assert says(policy, [1.0], [2.0], [3.0], [4.0], more=True)
    assert says(policy, [2.0], [1.0], [3.0], [4.0], more=True)
    assert not says(policy, [3.0], [1.0], [2.0], [4.0], more=True)
    assert not says(policy, [1.0], [1.0], [1.0], [1.0], more=True)


def test_a_policy_looks_when_its_interval_has_come():
    policy = Policy("median", evaluation_interval=3, delay_evaluation=5)
    assert [policy.due(reports, 0) for reports in (3, 5, 6, 8, 9)] == [None, None, 6, 6, 9]
    assert policy.due(8, 6) is None
    assert Policy("none").due(9, 0) is None


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "bandit"},
        {"kind": "bandit", "slack_factor": 1, "slack_amount": 1},
        {"kind": "truncation"},
        {"kind": "x"},
        {"kind": "median", "evaluation_interval": 0},
        {"kind": "bandit", "slack_factor": -1},
        {"odd": 1},
    ],
)
def test_a_policy_that_cannot_be_is_refused(values):
    with pytest.raises(InvalidValue):
        make_policy(values)
