"""Blocks are packed into chunks, behind the back of readers and writers.

A pass over one series reads its oldest blocks without a lock, packs them, and then, in one short transaction, deletes
exactly those blocks and inserts the chunks. Whoever reads does it in one statement and sees either; a pass that is
killed leaves the blocks as they were; of two passes over the same blocks the second finds them gone and gives up.

Writers meet a pass in two places: at the series' row, which it changes by itself in the end, and at the index entry of
a batch that is sent again while it is packed, for the length of that one transaction.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from django.db import connection, transaction

from experiments.metrics import packing
from experiments.metrics.arrays import read_arrays
from experiments.metrics.points import Points, joined, without_repeats

logger = logging.getLogger(__name__)

CHUNK_POINTS = 4096
# What one pass takes at most, so that its transaction is a matter of milliseconds.
PASS_POINTS = 16 * CHUNK_POINTS
PASS_BLOCKS = 2048
FIRST_BLOCKS = 64
AT_ONCE_S = 5.0
MOST_REWRITTEN = 8
ADVISORY_CLASS = 7302

# A series is due when it has a chunk's worth that is not packed (a block weighs 16 points of its own: many tiny ones
# are worth packing too); the rest of it when its run has ended.
DUE = """
    SELECT series.id
      FROM experiments_metricseries AS series
      JOIN experiments_run          AS run ON run.id = series.run_id
     WHERE series.loose >= 128
       AND (series.loose >= %(chunk)s OR run.status NOT IN ('RUNNING', 'SCHEDULED'))
     ORDER BY series.loose DESC
     LIMIT %(most)s
"""

BLOCKS = """
    SELECT id, array_send(steps), array_send(times), array_send(values)
      FROM experiments_metricblock
     WHERE series_id = %(series)s
       AND id > %(after)s
     ORDER BY id
     LIMIT %(most)s
"""

# Chunks that are merged (not full yet) or may hold a repeated point (their times meet those of the blocks).
CHUNKS = """
    SELECT id, steps, times, values
      FROM experiments_metricchunk
     WHERE series_id = %(series)s
       AND (points < %(chunk)s / 2 OR (min_ms <= %(max_ms)s AND max_ms >= %(min_ms)s))
     ORDER BY id DESC
     LIMIT %(most)s
"""

# The row is held against its deletion, before anything else, so that a pass and a deletion never wait for each other in
# a circle; writers do not notice. One pass a series at a time.
HOLD = """
    SELECT pg_try_advisory_xact_lock(%(class)s, hashint8(id))
      FROM experiments_metricseries
     WHERE id = %(series)s
       FOR KEY SHARE SKIP LOCKED
"""

DELETE_BLOCKS = "DELETE FROM experiments_metricblock WHERE id = ANY (%s)"
DELETE_CHUNKS = "DELETE FROM experiments_metricchunk WHERE id = ANY (%s)"

INSERT_CHUNK = """
    INSERT INTO experiments_metricchunk
                (series_id, points, min_step, max_step, min_ms, max_ms, steps, times, values, preview)
         VALUES (%s,        %s,     %s,       %s,       %s,     %s,     %s,    %s,    %s,     %s)
"""

# It is this row that writers wait for: so by itself, after the rest, and not waiting for the disk. It is a hint; one
# that was lost with its process is settled by a pass that finds nothing.
FORGET = """
    SET LOCAL synchronous_commit = off;
    UPDATE experiments_metricseries SET loose = greatest(0, loose - %s) WHERE id = %s
"""
SETTLE = "UPDATE experiments_metricseries SET loose = 0 WHERE id = %s AND loose > 0"


@dataclass(frozen=True)
class Taken:
    """What a pass puts in another's place."""

    blocks: list[int]
    chunks: list[int]
    weight: int
    points: Points


def due(most: int = 500) -> list[int]:
    """List series that are worth packing, the largest first."""
    with connection.cursor() as cursor:
        cursor.execute(DUE, {"chunk": CHUNK_POINTS, "most": most})
        return [pk for (pk,) in cursor.fetchall()]


def compact(series_id: int) -> int:
    """Make one pass over a series; give how many blocks it packed."""
    taken = take(series_id)
    if taken is None:
        return 0
    chunks = [packing.pack(piece) for piece in pieces(taken.points)]
    return len(taken.blocks) if replace(series_id, taken, chunks) else 0


def take(series_id: int) -> Taken | None:
    """Read what will be packed. Nothing is locked: `replace` looks whether it is all still there."""
    with connection.cursor() as cursor:
        blocks = oldest(series_id)
        if not blocks:
            cursor.execute(SETTLE, [series_id])
            return None
        points = joined([points for _pk, points in blocks])
        bounds = {"min_ms": int(points.times.min()), "max_ms": int(points.times.max())}
        cursor.execute(CHUNKS, {"series": series_id, "chunk": CHUNK_POINTS, "most": MOST_REWRITTEN, **bounds})
        chunks = [(pk, packing.unpack(*columns)) for pk, *columns in cursor.fetchall()]
    return Taken(
        blocks=[pk for pk, _points in blocks],
        chunks=[pk for pk, _points in chunks],
        weight=sum(16 + len(one) for _pk, one in blocks),
        points=without_repeats(joined([*(one for _pk, one in reversed(chunks)), points])),
    )


def oldest(series_id: int) -> list[tuple[int, Points]]:
    """Read the oldest blocks of a series, as many as one pass takes: more and more at a time, since some are large."""
    found: list[tuple[int, Points]] = []
    asked = {"series": series_id, "after": 0, "most": FIRST_BLOCKS}
    count = 0
    with connection.cursor() as cursor:
        while len(found) < PASS_BLOCKS:
            cursor.execute(BLOCKS, asked)
            rows = cursor.fetchall()
            for pk, *columns in rows:
                points = read_arrays(*columns)
                count += len(points)
                if count > PASS_POINTS and found:
                    return found
                found.append((pk, points))
            if len(rows) < asked["most"]:
                return found
            asked = {**asked, "after": found[-1][0], "most": len(found)}
    return found


def pieces(points: Points) -> Iterator[Points]:
    """Cut into chunks of about equal size, from CHUNK_POINTS to twice as many; fewer points are one chunk."""
    count = max(1, len(points) // CHUNK_POINTS)
    for chosen in np.array_split(np.arange(len(points)), count):
        yield points.take(slice(int(chosen[0]), int(chosen[-1]) + 1))


def replace(series_id: int, taken: Taken, chunks: Sequence[packing.Packed]) -> bool:
    """Put the chunks in the place of what was taken, all at once; False when another pass was there first."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(HOLD, {"class": ADVISORY_CLASS, "series": series_id})
        if cursor.fetchone() != (True,):
            return False
        for statement, ids in ((DELETE_BLOCKS, taken.blocks), (DELETE_CHUNKS, taken.chunks)):
            cursor.execute(statement, [ids])
            if cursor.rowcount != len(ids):
                transaction.set_rollback(True)
                return False
        for one in chunks:
            insert(series_id, one)
    with connection.cursor() as cursor:
        cursor.execute(FORGET, [taken.weight, series_id])
    return True


def insert(series_id: int, one: packing.Packed) -> None:
    extent = (one.points, one.min_step, one.max_step, one.min_ms, one.max_ms)
    with connection.cursor() as cursor:
        cursor.execute(INSERT_CHUNK, [series_id, *extent, one.steps, one.times, one.values, one.preview])


def compact_due(most: int = 500, *, seconds: float = AT_ONCE_S) -> int:
    """Pack what is due, pass after pass for so long at most; give how many blocks went."""
    count, ends = 0, time.monotonic() + seconds
    while packed := sum(compact(series_id) for series_id in due(most)):
        count += packed
        if time.monotonic() > ends:
            break
    if count:
        logger.info("packed points blocks=%s", count)
    return count
