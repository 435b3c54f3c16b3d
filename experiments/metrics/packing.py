"""Columns of points into bytes and back.

Whole numbers are kept as differences, since steps and times mostly rise evenly; then the first bytes of all numbers
come before the second ones, which makes equal bytes neighbours, and zlib does the rest.
"""

from __future__ import annotations

import zlib
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


def unpack_preview(content: bytes) -> Points:
    steps, times, bits = np.frombuffer(content, "<i8").astype(np.int64).reshape(3, -1)
    return Points(steps, times, bits.view(np.float64))


def differences(numbers: Integers) -> Integers:
    """Give the first number and how far each is from the one before; beyond 64 bits it wraps, and back again."""
    return np.diff(numbers, prepend=np.int64(0))


def squeeze(numbers: Integers | Floats) -> bytes:
    little = numbers.astype(numbers.dtype.newbyteorder("<"), copy=False)
    return zlib.compress(little.view(np.uint8).reshape(-1, BYTES_A_NUMBER).T.tobytes(), LEVEL)


def expand(content: bytes, kind: np.dtype[Any]) -> Any:
    plain = np.frombuffer(zlib.decompress(content), np.uint8).reshape(BYTES_A_NUMBER, -1)
    return np.ascontiguousarray(plain.T).view(kind.newbyteorder("<")).reshape(-1).astype(kind, copy=False)
