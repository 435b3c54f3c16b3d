"""Points go in."""

from __future__ import annotations

import hashlib
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from math import isnan
from typing import Any, NamedTuple

import orjson
from django.db import connection

from experiments.metrics.statements import APPEND, APPEND_ONE, BATCH_WEIGHT


class Point(NamedTuple):
    """One value of one metric; `value` may be NaN or infinite, `at_ms` is the client's clock."""

    key: str
    value: float
    at_ms: int
    step: int


def append(run_id: str, points: Sequence[Point]) -> None:
    """Store points of one run, in one statement. Whatever of it was stored before stays as it is."""
    with connection.cursor() as cursor:
        if len(points) == 1:
            APPEND_ONE.execute(cursor, {"run": run_id, **scalars(points[0])})
        elif points:
            cursor.execute(APPEND, {"run": run_id, **columns(by_key(points))})


def by_key(points: Iterable[Point]) -> dict[str, list[Point]]:
    found: dict[str, list[Point]] = defaultdict(list)
    for point in points:
        found[point.key].append(point)
    return found


def scalars(point: Point) -> dict[str, Any]:
    """Turn one point into the parameters of its statement."""
    key, value, at_ms, step = point
    number = None if isnan(value) else value
    digest = Columns.of([point]).digest()
    return {"key": key, "step": step, "ms": at_ms, "value": value, "number": number, "digest": digest}


@dataclass(frozen=True, slots=True)
class Columns:
    """A batch's points of one series in the order in which they came, by column."""

    steps: Sequence[int]
    times: Sequence[int]
    values: Sequence[float]

    @classmethod
    def of(cls, series: Sequence[Point]) -> Columns:
        _keys, values, times, steps = zip(*series, strict=True)
        return cls(steps, times, values)

    def numbers(self) -> Sequence[float]:
        """Give the values but for NaN, of which alone nothing is the least or greatest."""
        return [value for value in self.values if value == value] if any(map(isnan, self.values)) else self.values

    def last(self) -> tuple[int, int, float]:
        """Give the greatest (step, time, value), as *latest* asks; NaN is the greatest value."""
        rows = zip(self.steps, self.times, self.values, strict=True)
        return max(rows, key=rank) if any(map(isnan, self.values)) else max(rows)

    def digest(self) -> str:
        """Name the content, in the order in which it came, so that a repeated batch is known."""
        hashed = hashlib.blake2b(array("q", self.steps), digest_size=16)
        hashed.update(array("q", self.times))
        hashed.update(array("d", self.values))
        return hashed.hexdigest()


def columns(given: dict[str, list[Point]]) -> dict[str, Any]:
    """Turn series into the statement's parameters; slices count from 1 and hold both ends, as PostgreSQL's do."""
    parts = [Columns.of(series) for series in given.values()]
    lasts = [part.last() for part in parts]
    numbers = [part.numbers() for part in parts]
    ends = list(accumulate(len(part.values) for part in parts))
    return {
        "keys": list(given),
        "digests": [part.digest() for part in parts],
        "starts": literal([1, *(end + 1 for end in ends[:-1])]),
        "ends": literal(ends),
        "steps": literal([step for step, _ms, _value in lasts]),
        "times": literal([ms for _step, ms, _value in lasts]),
        "values": literal([value for _step, _ms, value in lasts]),
        "loose": literal([BATCH_WEIGHT + len(part.values) for part in parts]),
        "lows": [min(values, default=None) for values in numbers],
        "highs": [max(values, default=None) for values in numbers],
        "all_steps": literal(list(chain.from_iterable(part.steps for part in parts))),
        "all_times": literal(list(chain.from_iterable(part.times for part in parts))),
        "all_values": literal(list(chain.from_iterable(part.values for part in parts))),
    }


def rank(point: tuple[int, int, float]) -> tuple[int, int, bool, float]:
    step, ms, value = point
    return (step, ms, isnan(value), 0.0 if isnan(value) else value)


def literal(numbers: list[Any]) -> str:
    """Write an array as PostgreSQL reads it: one short text instead of one adapted object a number."""
    text = orjson.dumps(numbers).decode()
    if "null" in text:  # JSON has no word for what is not finite
        text = str(numbers)
    return f"{{{text[1:-1]}}}"


def delete_run(run_id: str) -> None:
    """Delete every point of a run."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM experiments_metricseries WHERE run_id = %s", [run_id])


def delete_series(run_id: str, key: str) -> None:
    """Delete every point of one metric of a run."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM experiments_metricseries WHERE run_id = %s AND key = %s", [run_id, key])
