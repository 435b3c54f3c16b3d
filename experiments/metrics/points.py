"""Points as arrays: what the other files of this room hand to each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from tsdownsample import MinMaxDownsampler

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Points:
    """A series: three arrays of one length, `(n,)`."""

    steps: Integers
    times: Integers
    values: Floats

    def __len__(self) -> int:
        return len(self.steps)

    def take(self, chosen: Any) -> Points:
        return Points(self.steps[chosen], self.times[chosen], self.values[chosen])


NOTHING = Points(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64))


def joined(parts: Sequence[Points]) -> Points:
    if len(parts) < 2:
        return parts[0] if parts else NOTHING
    return Points(
        np.concatenate([part.steps for part in parts]),
        np.concatenate([part.times for part in parts]),
        np.concatenate([part.values for part in parts]),
    )


def without_repeats(points: Points) -> Points:
    """Sort by time, step and value, and drop a point that equals the one before it (NaN equals NaN here)."""
    if is_rising(points.times):  # nothing can repeat, and most series come like this
        return points
    points = points.take(np.lexsort((points.values, points.steps, points.times)))
    bits = points.values.view(np.int64)
    is_new = np.ones(len(points), dtype=bool)
    is_new[1:] = (np.diff(points.times) != 0) | (np.diff(points.steps) != 0) | (bits[1:] != bits[:-1])
    return points if is_new.all() else points.take(is_new)


def is_rising(numbers: Integers) -> bool:
    return bool((numbers[1:] > numbers[:-1]).all())


def by_step(points: Points) -> Points:
    return points if is_rising(points.steps) else points.take(np.lexsort((points.times, points.steps)))


def thinned(points: Points, most: int) -> Points:
    """Keep about `most` points, ordered by step: the extremes of equal stretches, the ends, some of the non-finite."""
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
