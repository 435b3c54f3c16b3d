"""Points come out: the latest of each series, all of one, or as many as a chart can show."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from experiments.metrics.arrays import read_arrays
from experiments.metrics.packing import PREVIEW_POINTS, unpack, unpack_previews
from experiments.metrics.points import Points, by_step, joined, thinned, without_repeats


@dataclass(frozen=True, slots=True)
class Latest:
    """The point with the greatest (step, time, value) of a series: not the one that was written last."""

    key: str
    value: float
    at_ms: int
    step: int


@dataclass(frozen=True, eq=False)
class Sample:
    """Points for a chart, ordered by step, and how many there are in the asked range altogether."""

    points: Points
    total: int


LATEST = """
    SELECT run_id, key, last_value, last_ms, last_step
      FROM experiments_metricseries
     WHERE run_id = ANY (%(runs)s)
       AND (%(keys)s::text[] IS NULL OR key = ANY (%(keys)s))
     ORDER BY run_id, key
"""

# A series' latest point as JSON, with odd numbers as MLflow writes them. Part of a statement that reads a whole page
# of runs (`queries.written`).
LATEST_JSON = """
    '{"key":' || to_json(key)::text
    || ',"value":' || CASE last_value
                           WHEN 'NaN'       THEN '"NaN"'
                           WHEN 'Infinity'  THEN '1.7976931348623157e308'
                           WHEN '-Infinity' THEN '-1.7976931348623157e308'
                           ELSE last_value::text
                      END
    || ',"timestamp":' || last_ms
    || ',"step":' || last_step || '}'
"""

# Blocks and chunks in one statement, so that a series that is packed meanwhile is seen before or after, never between.
# A chunk of which the preview is enough gives that instead of its columns.
PARTS = """
    WITH series AS (SELECT id FROM experiments_metricseries WHERE run_id = %(run)s AND key = %(key)s)
    SELECT false, cardinality(steps), array_send(steps), array_send(times), array_send(values), NULL::bytea, 0, 0, 0
      FROM experiments_metricblock
     WHERE series_id = (SELECT id FROM series)
 UNION ALL
    SELECT true, points,
           CASE WHEN whole THEN NULL ELSE steps   END,
           CASE WHEN whole THEN NULL ELSE times   END,
           CASE WHEN whole THEN NULL ELSE values  END,
           CASE WHEN whole THEN preview END,
           min_ms, min_step, id
      FROM (SELECT *,
                   %(previews)s AND min_step >= %(start)s AND max_step <= %(end)s AS whole
              FROM experiments_metricchunk
             WHERE series_id = (SELECT id FROM series)
               AND min_step <= %(end)s
               AND max_step >= %(start)s) AS chunk
     ORDER BY 1 DESC, 7, 8, 9
"""

CHUNKED = """
    SELECT coalesce(sum(chunk.points), 0), count(*)
      FROM experiments_metricchunk  AS chunk
      JOIN experiments_metricseries AS series ON series.id = chunk.series_id
     WHERE series.run_id = %(run)s
       AND series.key    = %(key)s
       AND chunk.min_step >= %(start)s
       AND chunk.max_step <= %(end)s
"""

FIRST, LAST = -(2**63), 2**63 - 1


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


@dataclass(frozen=True, eq=False)
class Found:
    """Parts of a series: blocks and chunks, and the previews that stand for `hidden` points of other chunks."""

    plain: list[Points]
    previews: list[bytes]
    hidden: int


def history(run_id: str, key: str) -> Points:
    """Give a whole series, without repeats, ordered by time, then step, then value."""
    return without_repeats(joined(parts(run_id, key).plain))


def parts(run_id: str, key: str, start: int = FIRST, end: int = LAST, *, previews: bool = False) -> Found:
    """Read all blocks of a series and its chunks that meet `[start, end]`, those within by their previews if wanted."""
    asked: dict[str, Any] = {"run": run_id, "key": key, "start": start, "end": end, "previews": previews}
    with connection.cursor() as cursor:
        cursor.execute(PARTS, asked)
        rows = cursor.fetchall()
    plain, seen, hidden = [], [], 0
    for is_chunk, count, steps, times, values, preview, *_order in rows:
        if preview is not None:
            seen.append(preview)
            hidden += count
        else:
            plain.append(unpack(steps, times, values) if is_chunk else read_arrays(steps, times, values))
    return Found(plain, seen, hidden)


def sampled(
    run_id: str, key: str, *, points: int = 1000, start_step: int | None = None, end_step: int | None = None
) -> Sample:
    """Give at most about `points` points of a series in `[start_step, end_step]`, with every minimum and maximum.

    The range is cut into equal stretches of steps and the least and greatest value of each are kept, with the first and
    last point and a NaN where a stretch has one: a spike is never sampled away. Where there are many times more points
    than are asked for, packed ones are seen by their previews, which keep the least and greatest of finer stretches.
    """
    start, end = (FIRST if start_step is None else start_step), (LAST if end_step is None else end_step)
    found = parts(run_id, key, start, end, previews=are_previews_enough(run_id, key, start, end, points))
    plain = without_repeats(joined([within(one, start, end) for one in found.plain]))
    all_points = by_step(joined([unpack_previews(found.previews), plain]))
    return Sample(thinned(all_points, points), found.hidden + len(plain))


def are_previews_enough(run_id: str, key: str, start: int, end: int, points: int) -> bool:
    """Say whether the previews inside the range hold at least twice what is asked for."""
    with connection.cursor() as cursor:
        cursor.execute(CHUNKED, {"run": run_id, "key": key, "start": start, "end": end})
        [(count, chunks)] = cursor.fetchall()
    return bool(chunks and count > PREVIEW_POINTS * chunks and PREVIEW_POINTS * chunks >= 2 * points)


def within(points: Points, start: int, end: int) -> Points:
    if start == FIRST and end == LAST:
        return points
    return points.take((points.steps >= start) & (points.steps <= end))
