"""What belongs to a page of runs, written as JSON by the database in one statement.

4,500 rows as objects, and those as text again, cost three times as much; statements of their own for metrics, params
and tags a round trip each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from django.db import connection

from experiments import metrics
from lib.search.bounds import limited

PAIRS = """
    SELECT run_id,
           string_agg('{"key":' || to_json(key)::text || ',"value":' || to_json(value)::text || '}',
                      ',' ORDER BY key) AS items
      FROM %s
     WHERE run_id = ANY (%%(runs)s::text[])
     GROUP BY run_id
"""

# Most runs have neither datasets nor models: which have is asked on the way, what they are only if there are some.
LINKS = "SELECT DISTINCT run_id, '' AS items FROM %s WHERE run_id = ANY (%%(runs)s::text[])"

PARTS = {
    "metrics": metrics.LATEST_JSON,
    "params": PAIRS % "experiments_runparam",
    "tags": PAIRS % "experiments_runtag",
    "datasets": LINKS % "experiments_rundataset",
    "models": LINKS % "experiments_runmodel",
}
ONE = "SELECT '%s', run_id, items FROM (%s) AS part"
ALL = " UNION ALL ".join(ONE % named for named in PARTS.items())


def written(ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """Give, by part and run, the items of a JSON list; those of datasets and models are empty: they only are there."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    if ids:
        with limited(), connection.cursor() as cursor:
            cursor.execute(ALL, {"runs": "{" + ",".join(ids) + "}"})
            for part, run_id, items in cursor.fetchall():
                found[part][run_id] = items
    return found
