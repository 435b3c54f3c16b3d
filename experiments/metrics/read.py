"""Points come out: the latest of each series, all of one, or as many as a chart can show."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection
from tsdownsample import MinMaxDownsampler

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Latest:
    """The point with the greatest (step, time, value) of a series: not the one that was written last."""

    key: str
    value: float
    at_ms: int
    step: int


@dataclass(frozen=True, eq=False)
class Points:
    """A series: three arrays of one length, `(n,)`, without repeats, ordered by time, then step, then value."""

    steps: Integers
    times: Integers
    values: Floats

    def __len__(self) -> int:
        return len(self.steps)

    def take(self, chosen: Any) -> Points:
        return Points(self.steps[chosen], self.times[chosen], self.values[chosen])


@dataclass(frozen=True, eq=False)
class Sample:
    """Points for a chart, ordered by step, and how many there are in the asked range altogether."""

    points: Points
    total: int


NOTHING = Points(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64))

LATEST = """
    SELECT run_id, key, last_value, last_ms, last_step
      FROM experiments_metricseries
     WHERE run_id = ANY (%(runs)s)
       AND (%(keys)s::text[] IS NULL OR key = ANY (%(keys)s))
     ORDER BY run_id, key
"""

# array_send gives an array's own bytes, which numpy reads in place: no Python object a number.
HISTORY = """
    SELECT array_send(block.steps), array_send(block.times), array_send(block.values)
      FROM experiments_metricblock  AS block
      JOIN experiments_metricseries AS series ON series.id = block.series_id
     WHERE series.run_id = %(run)s
       AND series.key    = %(key)s
"""

# PostgreSQL's binary array of one dimension: five 4-byte words (dimensions, has nulls, element type, length, lower
# bound), then for each element its length in bytes and the element, all big-endian.
HEADER_BYTES = 20
INTEGER = np.dtype([("length", ">i4"), ("item", ">i8")])
FLOAT = np.dtype([("length", ">i4"), ("item", ">f8")])


def latest(run_ids: Sequence[str], keys: Sequence[str] | None = None) -> dict[str, list[Latest]]:
    """Give each run's latest points, by key; runs without metrics are absent."""
    found: dict[str, list[Latest]] = defaultdict(list)
    if not run_ids:
        return found
    with connection.cursor() as cursor:
        cursor.execute(LATEST, {"runs": list(run_ids), "keys": None if keys is None else list(keys)})
        for run_id, key, value, at_ms, step in cursor.fetchall():
            found[run_id].append(Latest(key, value, at_ms, step))
    return found


def keys(run_ids: Sequence[str]) -> list[str]:
    """List the metrics that any of the runs has."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT key FROM experiments_metricseries WHERE run_id = ANY (%s) ORDER BY key", [list(run_ids)]
        )
        return [key for (key,) in cursor.fetchall()]


def history(run_id: str, key: str) -> Points:
    """Give a whole series."""
    with connection.cursor() as cursor:
        cursor.execute(HISTORY, {"run": run_id, "key": key})
        blocks = cursor.fetchall()
    if not blocks:
        return NOTHING
    steps, times, values = zip(*blocks, strict=True)
    return without_repeats(Points(join(steps, INTEGER), join(times, INTEGER), join(values, FLOAT)))


def join(blocks: Sequence[memoryview], kind: np.dtype[Any]) -> Any:
    """Read the binary arrays and put them together in this machine's byte order."""
    parts = [np.frombuffer(block, dtype=kind, offset=HEADER_BYTES)["item"] for block in blocks]
    return np.concatenate(parts).astype(kind["item"].newbyteorder("="))


def without_repeats(points: Points) -> Points:
    """Sort by time, step and value, and drop a point that equals the one before it (NaN equals NaN here)."""
    points = points.take(np.lexsort((points.values, points.steps, points.times)))
    bits = points.values.view(np.int64)
    is_new = np.ones(len(points), dtype=bool)
    is_new[1:] = (np.diff(points.times) != 0) | (np.diff(points.steps) != 0) | (bits[1:] != bits[:-1])
    return points if is_new.all() else points.take(is_new)


def sampled(
    run_id: str, key: str, *, points: int = 1000, start_step: int | None = None, end_step: int | None = None
) -> Sample:
    """Give at most about `points` points of a series in `[start_step, end_step]`, with every minimum and maximum.

    The range is cut into equal stretches of steps and the least and greatest value of each are kept, with the first and
    last point and a NaN where a stretch has one: a spike is never sampled away.
    """
    found = history(run_id, key)
    if start_step is not None:
        found = found.take(found.steps >= start_step)
    if end_step is not None:
        found = found.take(found.steps <= end_step)
    found = found.take(np.lexsort((found.times, found.steps)))
    return Sample(thinned(found, points), len(found))


def thinned(points: Points, most: int) -> Points:
    if len(points) <= max(most, 4):
        return points
    finite = np.flatnonzero(np.isfinite(points.values))
    others = np.flatnonzero(~np.isfinite(points.values))
    wanted = max(most - min(len(others), most // 4), 4) // 2 * 2
    if len(finite) > wanted:
        x = np.arange(len(finite)) if points.steps[0] == points.steps[-1] else points.steps[finite]
        finite = finite[MinMaxDownsampler().downsample(x, points.values[finite], n_out=wanted)]  # type: ignore[no-untyped-call]
    if len(others) > most // 4:
        others = others[np.linspace(0, len(others) - 1, max(most // 4, 1)).astype(np.int64)]
    ends = np.array([0, len(points) - 1])
    return points.take(np.unique(np.concatenate([finite, others, ends])))
