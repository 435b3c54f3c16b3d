"""Params and tags of a run in one statement each, however many they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import connection

from lib.postgres.prepared import Prepared

# Keys are sorted, so that two batches of one run take their locks in one order.
ADD = Prepared(
    "add_params",
    """
    WITH given AS (
        SELECT * FROM unnest(%(keys)s, %(values)s) AS given (key, value) ORDER BY key
    ),
    added AS (
        INSERT INTO experiments_runparam (run_id, key, value)
             SELECT %(run)s, key, value
               FROM given
        ON CONFLICT (run_id, key) DO NOTHING
          RETURNING key, value
    )
    SELECT key, value
      FROM added
 UNION ALL
    SELECT known.key, known.value
      FROM experiments_runparam AS known
      JOIN given USING (key)
     WHERE known.run_id = %(run)s
    """,
    {"run": "text", "keys": "text[]", "values": "text[]"},
)

KNOWN = "SELECT key, value FROM experiments_runparam WHERE run_id = %(run)s AND key = ANY (%(keys)s)"

SET = Prepared(
    "set_tags",
    """
    INSERT INTO experiments_runtag AS known (run_id, key, value)
         SELECT %(run)s, key, value
           FROM unnest(%(keys)s, %(values)s) AS given (key, value)
          ORDER BY key
    ON CONFLICT (run_id, key) DO UPDATE
            SET value = EXCLUDED.value
          WHERE known.value IS DISTINCT FROM EXCLUDED.value
    """,
    {"run": "text", "keys": "text[]", "values": "text[]"},
)


def add_params(run_id: str, given: Mapping[str, str]) -> list[tuple[str, str]]:
    """Add the params that are not there; give all of them as they are now."""
    asked: dict[str, Any] = {"run": run_id, "keys": list(given), "values": list(given.values())}
    with connection.cursor() as cursor:
        ADD.execute(cursor, asked)
        found: list[tuple[str, str]] = cursor.fetchall()
        if len(found) < len(given):  # one was added by somebody else while the statement ran, which it does not see
            cursor.execute(KNOWN, asked)
            found = cursor.fetchall()
    return found


def set_tags(run_id: str, given: Mapping[str, str]) -> None:
    with connection.cursor() as cursor:
        SET.execute(cursor, {"run": run_id, "keys": list(given), "values": list(given.values())})
