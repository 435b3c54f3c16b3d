"""Find out whether merging requests pays for a model, and up to how many rows.

A call costs `a` for being made and `b` for each row. Merged, k requests of n rows have their answers after a + k·b·n;
one after the other, after (k + 1)/2 · (a + b·n) on average. So merging is the sooner where b·n is below a; and a batch
of a/b rows in all takes twice as long as a single row.
"""

from __future__ import annotations

import time
from typing import Any

from .call import Call, divide, join

# Below this a call is over before a waiting thread has been woken.
WORTH_S = 0.001
TOO_SLOW_S = 0.5
TRIED_ROWS = 32
LEAST_ROWS, MOST_ROWS = 4, 1024


def most_rows(call: Call) -> int:
    """Give how many rows a merged call may have; 0 where merging is not worth it, or changes what the model says."""
    if call.key is None or not call.rows:
        return 0
    one = join([first_row(call)])
    one_s = duration_s(one)
    if not WORTH_S <= one_s <= TOO_SLOW_S:
        return 0
    many = join([first_row(call)] * TRIED_ROWS)
    if not says_the_same(one, many):
        return 0
    a_row_s = max(duration_s(many) - one_s, 0.0) / (TRIED_ROWS - 1)
    found = min(MOST_ROWS, int(one_s / a_row_s)) if a_row_s else MOST_ROWS
    return found if found >= LEAST_ROWS else 0


def first_row(call: Call) -> Call:
    rows = getattr(call.table, "iloc", call.table)
    return Call(call.function, rows[:1], call.named, call.key)


def duration_s(call: Call) -> float:
    """Give the best of three: a busy machine makes a call longer, nothing makes it shorter."""
    taken = []
    for _attempt in range(3):
        began = time.perf_counter()
        call.run()
        taken.append(time.perf_counter() - began)
    return min(taken)


def says_the_same(one: Call, many: Call) -> bool:
    """Say whether each row of many equal ones is answered as it is alone."""
    import numpy

    alone, parts = one.run(), divide(many.run(), [1] * many.rows)
    return parts is not None and all(_is_close(numpy, alone, part) for part in parts)


def _is_close(numpy: Any, left: Any, right: Any) -> bool:
    left, right = (value.toarray() if hasattr(value, "toarray") else numpy.asarray(value) for value in (left, right))
    if left.shape != right.shape:
        return False
    if left.dtype.kind in "fc" and right.dtype.kind in "fc":
        return bool(numpy.allclose(left, right, rtol=1e-5, atol=1e-8, equal_nan=True))
    return bool((left == right).all())
