"""How many points there are, by what the blocks and chunks say of themselves."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

COUNT = """
    WITH series AS (
        SELECT id
          FROM experiments_metricseries
         WHERE run_id = ANY (%(runs)s)
           AND (%(keys)s::text[] IS NULL OR key = ANY (%(keys)s))
    )
    SELECT (SELECT count(*) FROM series),
           (SELECT coalesce(sum(points), 0)
              FROM experiments_metricchunk
             WHERE series_id IN (SELECT id FROM series)) +
           (SELECT coalesce(sum(cardinality(steps)), 0)
              FROM experiments_metricblock
             WHERE series_id IN (SELECT id FROM series))
"""


def count_points(run_ids: Sequence[str], keys: Sequence[str] | None = None) -> tuple[int, int]:
    """Count the series and the stored points of runs; one that was sent twice may count twice until it is packed."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"runs": list(run_ids), "keys": None if keys is None else list(keys)})
        [(series, points)] = cursor.fetchall()
    return int(series), int(points)
