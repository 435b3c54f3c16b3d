"""PostgreSQL's arrays as bytes: numpy reads them in place, with no Python object a number."""

from __future__ import annotations

from typing import Any

import numpy as np

from experiments.metrics.points import Points

# A binary array of one dimension: five 4-byte words (dimensions, has nulls, element type, length, lower bound), then
# for each element its length in bytes and the element, all big-endian.
HEADER_BYTES = 20
INTEGER = np.dtype([("length", ">i4"), ("item", ">i8")])
FLOAT = np.dtype([("length", ">i4"), ("item", ">f8")])


def read_arrays(steps: memoryview, times: memoryview, values: memoryview) -> Points:
    """Read what array_send gave of a block's three columns."""
    return Points(read(steps, INTEGER), read(times, INTEGER), read(values, FLOAT))


def read(content: memoryview, kind: np.dtype[Any]) -> Any:
    return np.frombuffer(content, dtype=kind, offset=HEADER_BYTES)["item"].astype(kind["item"].newbyteorder("="))
