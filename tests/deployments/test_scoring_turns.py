"""Merging: what waits is answered by one call, as if each had been asked by itself; nothing waits for company."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from deployments.scoring import gain, payload
from deployments.scoring.call import Call, divide, join, key_of
from deployments.scoring.http import ModelFailed, Refusal
from deployments.scoring.models import SklearnModel, is_by_row
from deployments.scoring.turns import Turns
from tests.deployments.scoring import AB, make_caller

PATIENCE_S = 20


class Held:
    """A model whose first call lasts until it is let go; it remembers how many rows each call had."""

    def __init__(self, answer=lambda table: table.sum(axis=1)):
        self.answer, self.calls = answer, []
        self.began, self.may_end = threading.Event(), threading.Event()

    def __call__(self, table, **named):
        self.calls.append(len(table))
        if len(self.calls) == 1:
            self.began.set()
            assert self.may_end.wait(PATIENCE_S)
        return self.answer(table, **named)


def call_of(function, rows, **named):
    table = numpy.array(rows, dtype="float64")
    return Call(function, table, named, key_of("predict", table, named))


def asked_together(turns, model, calls, checks=None):
    """Ask all while the first is being answered, the others in their order; give what each got, or its error."""
    checks = checks or [lambda: None] * len(calls)
    with ThreadPoolExecutor(len(calls)) as pool:
        asked = []
        for number, (call, check) in enumerate(zip(calls, checks, strict=True)):
            asked.append(pool.submit(turns.run, call, check))
            until(model.began.is_set if number == 0 else lambda number=number: len(turns._queue) == number)
        model.may_end.set()
        return [one.exception(PATIENCE_S) or one.result()[0] for one in asked]


def until(condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


cells = st.floats(-1e6, 1e6, allow_nan=False)
bodies = st.lists(st.lists(st.tuples(cells, cells), min_size=1, max_size=5), min_size=2, max_size=6)


@settings(max_examples=40, deadline=None)
@given(bodies=bodies, most_rows=st.integers(1, 12))
def test_merged_answers_are_those_of_one_by_one(bodies, most_rows):
    model = Held(lambda table: table @ numpy.array([2.0, -3.0]))
    said = asked_together(Turns(1, most_rows), model, [call_of(model, rows) for rows in bodies])
    for rows, answer in zip(bodies, said, strict=True):
        numpy.testing.assert_allclose(answer, numpy.array(rows) @ numpy.array([2.0, -3.0]), rtol=1e-9, atol=1e-6)
    assert sum(model.calls) == sum(map(len, bodies))
    assert all(rows <= max(most_rows, *map(len, bodies)) for rows in model.calls)


def test_what_waited_is_one_call_in_the_order_it_came():
    model = Held()
    said = asked_together(Turns(1, 100), model, [call_of(model, [[number, 1]] * (number + 1)) for number in range(5)])
    assert [list(answer) for answer in said] == [[number + 1.0] * (number + 1) for number in range(5)]
    assert model.calls == [1, 2 + 3 + 4 + 5]


def test_nothing_waits_while_a_lane_is_free():
    model, turns = Held(), Turns(2, 100)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(turns.run, call_of(model, [[1, 1]]))
        until(model.began.is_set)
        assert list(turns.run(call_of(model, [[2, 2]]))[0]) == [4.0]
        assert not first.done()
        model.may_end.set()
        assert list(first.result(PATIENCE_S)[0]) == [2.0]


def test_what_asks_for_something_else_is_not_merged_and_keeps_its_place():
    model = Held(lambda table, scale=1: table.sum(axis=1) * scale)
    calls = [call_of(model, [[1, 1]]), call_of(model, [[1, 2]]), call_of(model, [[1, 2]], scale=10)]
    calls += [call_of(model, [[1, 2, 3]]), call_of(model, [[2, 2]]), call_of(model, [[2, 2]], scale=10)]
    said = asked_together(Turns(1, 100), model, calls)
    assert [list(answer) for answer in said] == [[2.0], [3.0], [30.0], [6.0], [4.0], [40.0]]
    assert model.calls == [1, 2, 2, 1]


def test_a_poisoned_row_fails_its_own_request_only():
    def answer(table):
        if (table == 13).any():
            raise ValueError("thirteen")
        return table.sum(axis=1)

    model = Held(answer)
    calls = [call_of(model, [[number, 1]]) for number in (1, 2, 13, 4)]
    said = asked_together(Turns(1, 100), model, calls)
    assert [list(said[place]) for place in (0, 1, 3)] == [[2.0], [3.0], [5.0]]
    assert isinstance(said[2], ModelFailed)
    assert "thirteen" in str(said[2])


def test_an_answer_that_is_not_one_entry_a_row_is_asked_for_one_by_one_from_then_on():
    model = Held(lambda table: [float(table.sum())])
    said = asked_together(Turns(1, 100), model, [call_of(model, [[number, 1]]) for number in range(3)])
    assert said == [[1.0], [2.0], [3.0]]
    assert model.calls == [1, 2, 1, 1]


def test_who_waited_too_long_is_refused_and_not_counted_in():
    def too_late():
        raise Refusal(504, "too late")

    model = Held()
    calls = [call_of(model, [[number, 1]]) for number in range(4)]
    said = asked_together(Turns(1, 100), model, calls, [lambda: None, too_late, lambda: None, too_late])
    assert [type(said[place]) for place in (1, 3)] == [Refusal, Refusal]
    assert list(said[2]) == [3.0]
    assert sum(model.calls) == 2


def test_an_endpoint_may_switch_it_off():
    model = Held()
    turns = Turns(1, 100, merges=lambda: False)
    asked_together(turns, model, [call_of(model, [[number, 1]]) for number in range(4)])
    assert model.calls == [1, 1, 1, 1]


def test_a_lane_is_given_back_whatever_happens():
    turns = Turns(1, 100)

    def fails(table):
        raise KeyError("x")

    for _attempt in range(3):
        with pytest.raises(ModelFailed):
            turns.run(call_of(fails, [[1, 1]]))
        with pytest.raises(ZeroDivisionError), turns.lane():
            raise ZeroDivisionError
    assert list(turns.run(call_of(lambda table: table.sum(axis=1), [[1, 1]]))[0]) == [2.0]


def test_a_large_body_is_read_only_once_it_has_a_lane(tmp_path, monkeypatch):
    monkeypatch.setattr("deployments.scoring.application.LARGE_BODY", 10)
    seen = []
    monkeypatch.setattr(Turns, "run", lambda *_given: pytest.fail("it must not be merged"))
    whole = Turns.lane
    monkeypatch.setattr(Turns, "lane", lambda self, check: seen.append("lane") or whole(self, check))
    answer = make_caller(tmp_path)(body={"instances": [[1, 2], [3, 4]]})
    assert (answer.status, answer.json, seen) == (200, [3.0, 7.0], ["lane"])


# ---- What may be merged ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("estimator", "may"),
    [
        (make_pipeline(StandardScaler(), Ridge()), True),
        (make_pipeline(ColumnTransformer([("scale", StandardScaler(), ["a"])]), Ridge()), True),
        (make_pipeline(FunctionTransformer(lambda table: table - table.mean()), Ridge()), False),
        (object(), False),
    ],
)
def test_only_what_looks_at_each_row_by_itself_is_merged(estimator, may):
    assert is_by_row(estimator) is may


def test_a_forest_is_worth_merging_and_a_line_is_not():
    table = pandas.DataFrame(numpy.random.default_rng(0).normal(size=(60, 2)), columns=["a", "b"])
    forest = RandomForestClassifier(100, random_state=0).fit(table.to_numpy(), table["a"] > 0)
    assert gain.most_rows(SklearnModel(forest, AB).trial()) > 10
    assert gain.most_rows(SklearnModel(Ridge().fit(table.to_numpy(), table["a"]), AB).trial()) == 0


def test_a_model_that_answers_rows_otherwise_together_is_not_merged():
    def slow(table):
        time.sleep(0.002)
        return table.sum(axis=1) / len(table)

    assert gain.most_rows(call_of(slow, [[1, 1]])) == 0


def test_frames_are_joined_with_their_types_and_divided_again():
    one = pandas.DataFrame({"n": [1, 2], "word": ["a", None]})
    two = pandas.DataFrame({"n": [3], "word": ["b"]})
    calls = [Call(lambda table: table, table, {}, key_of("predict", table, {})) for table in (one, two)]
    assert calls[0].key == calls[1].key
    parts = divide(join(calls).run(), [2, 1])
    for part, table in zip(parts, (one, two), strict=True):
        pandas.testing.assert_frame_equal(part.reset_index(drop=True), table)
    other = pandas.DataFrame({"n": [1.5], "word": ["b"]})
    assert key_of("predict", other, {}) != calls[0].key


# ---- Numbers known without a look at each ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "known"),
    [
        ({"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2.5]]}}, True),
        ({"inputs": [[1, None]]}, True),
        ({"dataframe_split": {"data": [[1, 2]], "columns": ["a", "b"]}}, False),
        ({"inputs": [["1", "2"]]}, False),
        ({"inputs": [[True, 2]]}, False),
        ({"inputs": [[1, 2]], "params": {"x": 1}}, False),
    ],
)
def test_text_among_the_cells_is_never_overlooked(body, known):
    asked = payload.read("application/json", json.dumps(body).encode())
    assert asked.payload.is_numeric is known


@pytest.mark.parametrize("cell", ["inputs", "1", "nan", "1e5"])
def test_text_is_no_number(tmp_path, cell):
    assert make_caller(tmp_path)(body={"inputs": [[1, cell]]}).status == 400
    assert make_caller(tmp_path)(body={"inputs": [[cell, 1]]}).status == 400
