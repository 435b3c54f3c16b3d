"""What belongs to a page of runs, written as JSON by the database in one statement.

4,500 rows as objects, and those as text again, cost three times as much; statements of their own for metrics, params
and tags a round trip each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from experiments import metrics
from lib.search.bounds import limited

PAIR = """'{"key":' || to_json(key)::text || ',"value":' || to_json(value)::text || '}'"""

# Most runs have neither datasets nor models: which have is asked on the way, what they are only if there are some.
# An index gives a run's rows in the order of their keys; at the usual price of a disk with heads they would all be
# fetched by their places first, and sorted.
STATEMENT = f"""
    SET LOCAL random_page_cost = 1.1;
    SELECT run.id,
           (SELECT string_agg({metrics.LATEST_JSON}, ',' ORDER BY key)
              FROM experiments_metricseries AS series WHERE series.run_id = run.id),
           (SELECT string_agg({PAIR}, ',' ORDER BY key)
              FROM experiments_runparam AS param WHERE param.run_id = run.id),
           (SELECT string_agg({PAIR}, ',' ORDER BY key)
              FROM experiments_runtag AS tag WHERE tag.run_id = run.id),
           EXISTS (SELECT FROM experiments_rundataset AS used WHERE used.run_id = run.id),
           EXISTS (SELECT FROM experiments_runmodel AS link WHERE link.run_id = run.id)
      FROM unnest(%(runs)s::text[]) AS run (id)
"""  # noqa: S608  what stands in it is written in this house


@dataclass(frozen=True, slots=True)
class Written:
    """What belongs to a run: the items of JSON lists (None without any), and whether there are datasets and models."""

    run_id: str
    metrics: str | None
    params: str | None
    tags: str | None
    has_datasets: bool
    has_models: bool


def written(ids: Sequence[str]) -> list[Written]:
    """Give what belongs to the runs, in no order."""
    if not ids:
        return []
    with limited(), connection.cursor() as cursor:
        cursor.execute(STATEMENT, {"runs": "{" + ",".join(ids) + "}"})
        return [Written(*row) for row in cursor.fetchall()]
