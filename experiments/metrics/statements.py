"""How points are written: of many series at once, and of one."""

from __future__ import annotations

from lib.postgres.prepared import Prepared

# How many points a row of points costs a reader: what is packed first is what saves most.
BATCH_WEIGHT = 16

# What a series is after a batch. PostgreSQL counts NaN as the greatest number.
NEWER = (
    "(EXCLUDED.last_step, EXCLUDED.last_ms, EXCLUDED.last_value) > (known.last_step, known.last_ms, known.last_value)"
)
MERGE = f"""
        ON CONFLICT (run_id, key) DO UPDATE
                SET last_step  = CASE WHEN {NEWER} THEN EXCLUDED.last_step  ELSE known.last_step  END,
                    last_ms    = CASE WHEN {NEWER} THEN EXCLUDED.last_ms    ELSE known.last_ms    END,
                    last_value = CASE WHEN {NEWER} THEN EXCLUDED.last_value ELSE known.last_value END,
                    min_value  = least(known.min_value, EXCLUDED.min_value),
                    max_value  = greatest(known.max_value, EXCLUDED.max_value),
                    loose      = known.loose + EXCLUDED.loose
"""  # noqa: S608  own text only

# All series of a batch travel as three flat arrays, of which each series takes a slice. The upsert takes its row locks
# in the order of keys, so that two batches of one run never wait for each other.
APPEND = f"""
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
        {MERGE}
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
"""  # noqa: S608  own text only

# A single point, which is what most calls bring: planned anew each time, that would be a third of its cost.
APPEND_ONE = Prepared(
    "append_one",
    f"""
    WITH series AS (
        INSERT INTO experiments_metricseries AS known
                    (run_id, key, last_step, last_ms, last_value, min_value, max_value, loose)
             VALUES (%(run)s, %(key)s, %(step)s, %(ms)s, %(value)s, %(number)s, %(number)s, {BATCH_WEIGHT + 1})
        {MERGE}
          RETURNING id
    )
    INSERT INTO experiments_metricblock (series_id, digest, steps, times, values)
         SELECT id, %(digest)s, ARRAY[%(step)s], ARRAY[%(ms)s], ARRAY[%(value)s]
           FROM series
    ON CONFLICT (series_id, digest) DO NOTHING
    """,  # noqa: S608  own text only
    {
        "run": "text",
        "key": "text",
        "step": "bigint",
        "ms": "bigint",
        "value": "float8",
        "number": "float8",
        "digest": "uuid",
    },
)
