"""Points go in."""

from __future__ import annotations

import hashlib
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from django.db import connection


class Point(NamedTuple):
    """One value of one metric; `value` may be NaN or infinite, `at_ms` is the client's clock."""

    key: str
    value: float
    at_ms: int
    step: int


# All series of a batch travel as three flat arrays, of which each series takes a slice. The upsert takes its row locks
# in the order of keys, so that two batches of one run never wait for each other. PostgreSQL counts NaN as the greatest
# number.
APPEND = """
    WITH given AS (
        SELECT *
          FROM unnest(%(keys)s::text[],    %(digests)s::uuid[],  %(starts)s::int[],   %(ends)s::int[],
                      %(steps)s::bigint[], %(times)s::bigint[],  %(values)s::float8[],
                      %(lows)s::float8[],  %(highs)s::float8[],  %(loose)s::int[])
            AS given     (key,             digest,               first,               last,
                          last_step,       last_ms,              last_value,
                          min_value,       max_value,            loose)
         ORDER BY key
    ),
    series AS (
        INSERT INTO experiments_metricseries AS known
                    (run_id,     key, last_step, last_ms, last_value, min_value, max_value, loose)
             SELECT  %(run)s,    key, last_step, last_ms, last_value, min_value, max_value, loose
               FROM given
        ON CONFLICT (run_id, key) DO UPDATE
                SET (last_step, last_ms, last_value) =
                    (SELECT newest.step, newest.ms, newest.value
                       FROM (VALUES (known.last_step,    known.last_ms,    known.last_value),
                                    (EXCLUDED.last_step, EXCLUDED.last_ms, EXCLUDED.last_value)) AS newest (step, ms,
                                    value)
                      ORDER BY 1 DESC, 2 DESC, 3 DESC
                      LIMIT 1),
                    min_value = least(known.min_value, EXCLUDED.min_value),
                    max_value = greatest(known.max_value, EXCLUDED.max_value),
                    loose     = known.loose + EXCLUDED.loose
          RETURNING id, key
    )
    INSERT INTO experiments_metricblock (series_id, digest, steps, times, values)
         SELECT series.id,
                given.digest,
                (%(all_steps)s::bigint[])[given.first:given.last],
                (%(all_times)s::bigint[])[given.first:given.last],
                (%(all_values)s::float8[])[given.first:given.last]
           FROM given
           JOIN series USING (key)
    ON CONFLICT (series_id, digest) DO NOTHING
"""


def append(run_id: str, points: Iterable[Point]) -> None:
    """Store points of one run, in one statement. Whatever of it was stored before stays as it is."""
    by_key: dict[str, list[Point]] = defaultdict(list)
    for point in points:
        by_key[point.key].append(point)
    if not by_key:
        return
    with connection.cursor() as cursor:
        cursor.execute(APPEND, {"run": run_id, **columns(by_key)})


def columns(by_key: dict[str, list[Point]]) -> dict[str, Any]:
    """Turn series into the statement's parameters; slices count from 1 and hold both ends, as PostgreSQL's do."""
    flat = [point for series in by_key.values() for point in series]
    lasts = [max(series, key=rank) for series in by_key.values()]
    numbers = [[point.value for point in series if point.value == point.value] for series in by_key.values()]
    ends: list[int] = []
    for series in by_key.values():
        ends.append((ends[-1] if ends else 0) + len(series))
    return {
        "keys": list(by_key),
        "digests": [digest(series) for series in by_key.values()],
        "starts": [1, *(end + 1 for end in ends[:-1])],
        "ends": ends,
        "steps": [last.step for last in lasts],
        "times": [last.at_ms for last in lasts],
        "values": literal([last.value for last in lasts]),
        "loose": [16 + len(series) for series in by_key.values()],
        "lows": [min(values, default=None) for values in numbers],
        "highs": [max(values, default=None) for values in numbers],
        "all_steps": literal([point.step for point in flat]),
        "all_times": literal([point.at_ms for point in flat]),
        "all_values": literal([point.value for point in flat]),
    }


def rank(point: Point) -> tuple[int, int, bool, float]:
    """Order points as *latest* asks: by step, then time, then value, of which NaN is the greatest."""
    is_nan = point.value != point.value
    return (point.step, point.at_ms, is_nan, 0.0 if is_nan else point.value)


def digest(series: Sequence[Point]) -> str:
    """Name the content of a block, in the order in which it came, so that a repeated batch is known."""
    hashed = hashlib.blake2b(digest_size=16)
    hashed.update(array("q", [point.step for point in series]).tobytes())
    hashed.update(array("q", [point.at_ms for point in series]).tobytes())
    hashed.update(array("d", [point.value for point in series]).tobytes())
    return hashed.hexdigest()


def literal(numbers: Sequence[float]) -> str:
    """Write an array as PostgreSQL reads it: one short text instead of one adapted object a number."""
    return "{" + ",".join(map(repr, numbers)) + "}"


def delete_run(run_id: str) -> None:
    """Delete every point of a run."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM experiments_metricseries WHERE run_id = %s", [run_id])


def delete_series(run_id: str, key: str) -> None:
    """Delete every point of one metric of a run."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM experiments_metricseries WHERE run_id = %s AND key = %s", [run_id, key])
