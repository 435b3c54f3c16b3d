"""Columns of points into bytes and back.

Whole numbers are kept as differences, since steps and times mostly rise evenly; then the first bytes of all numbers
come before the second ones, which makes equal bytes neighbours, and zlib does the rest.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.metrics.points import Floats, Integers, Points, by_step, thinned

LEVEL = 1
PREVIEW_POINTS = 64
BYTES_A_NUMBER = 8


@dataclass(frozen=True)
class Packed:
    """A chunk's row but for its series. `preview` holds points as three plain columns, ordered by step."""

    points: int
    min_step: int
    max_step: int
    min_ms: int
    max_ms: int
    steps: bytes
    times: bytes
    values: bytes
    preview: bytes


def pack(points: Points) -> Packed:
    """Pack at least one point; they keep their order."""
    preview = thinned(by_step(points), PREVIEW_POINTS)
    return Packed(
        points=len(points),
        min_step=int(points.steps.min()),
        max_step=int(points.steps.max()),
        min_ms=int(points.times.min()),
        max_ms=int(points.times.max()),
        steps=squeeze(differences(points.steps)),
        times=squeeze(differences(points.times)),
        values=squeeze(points.values),
        preview=np.stack([preview.steps, preview.times, preview.values.view(np.int64)]).astype("<i8").tobytes(),
    )


def unpack(steps: bytes, times: bytes, values: bytes) -> Points:
    return Points(
        np.cumsum(expand(steps, np.dtype(np.int64))),
        np.cumsum(expand(times, np.dtype(np.int64))),
        expand(values, np.dtype(np.float64)),
    )


def unpack_previews(contents: Sequence[bytes]) -> Points:
    """Read previews one behind the other, all at once: each is short, and they are hundreds."""
    numbers = np.frombuffer(b"".join(contents), "<i8").astype(np.int64)
    sizes = np.array([len(content) // (3 * BYTES_A_NUMBER) for content in contents], dtype=np.int64)
    ends = np.cumsum(sizes)
    # Where each point's step stands: of each earlier preview one column is counted, and two more lie before it.
    at = np.arange(ends[-1] if len(ends) else 0) + np.repeat(2 * (ends - sizes), sizes)
    width = np.repeat(sizes, sizes)
    return Points(numbers[at], numbers[at + width], numbers[at + 2 * width].view(np.float64))


def differences(numbers: Integers) -> Integers:
    """Give the first number and how far each is from the one before; beyond 64 bits it wraps, and back again."""
    return np.diff(numbers, prepend=np.int64(0))


def squeeze(numbers: Integers | Floats) -> bytes:
    little = numbers.astype(numbers.dtype.newbyteorder("<"), copy=False)
    return zlib.compress(little.view(np.uint8).reshape(-1, BYTES_A_NUMBER).T.tobytes(), LEVEL)


def expand(content: bytes, kind: np.dtype[Any]) -> Any:
    plain = np.frombuffer(zlib.decompress(content), np.uint8).reshape(BYTES_A_NUMBER, -1)
    return np.ascontiguousarray(plain.T).view(kind.newbyteorder("<")).reshape(-1).astype(kind, copy=False)
