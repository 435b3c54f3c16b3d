"""Where the fields of runs are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import CharField, F, QuerySet, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce, Concat, Left

from experiments.artifacts import places
from experiments.models import MetricSeries, Run, RunDataset, RunParam, RunTag
from lib.clock import now_ms
from lib.search.narrowing import narrowed_condition
from lib.search.ordering import Ordering
from lib.search.sql import BEGINNING, WHOLE, Related, Table
from lib.search.tree import Field, Node, OrderTerm

ARTIFACT_URI = Concat(
    Value(places.SCHEME),
    Cast(Coalesce("files_under", "experiment_id"), CharField()),
    Value("/"),
    F("id"),
    Value("/artifacts"),
)

RUNS = Table(
    attributes={
        "run_id": F("id"),
        "run_name": F("name"),
        "status": F("status"),
        "user_id": F("user_name"),
        "artifact_uri": ARTIFACT_URI,
        "start_time": F("start_ms"),
        "end_time": F("end_ms"),
        "experiment_id": F("experiment_id"),
        "experiment_name": F("experiment__name"),
    },
    nullable={"end_time": WHOLE},
    related={
        "metric": Related(
            MetricSeries,
            "run",
            "metrics",
            {"last": F("last_value"), "min": F("min_value"), "max": F("max_value")},
        ),
        "param": Related(RunParam, "run", "params", indexed=Left("value", BEGINNING)),
        "tag": Related(RunTag, "run", "tags", indexed=Left("value", BEGINNING)),
        "dataset": Related(
            RunDataset,
            "run",
            "dataset_inputs",
            {"name": F("dataset__name"), "digest": F("dataset__digest"), "context": KT("tags__mlflow.data.context")},
            key_column="",
        ),
    },
    default_order=(
        OrderTerm(Field("attribute", "start_time"), is_descending=True),
        OrderTerm(Field("attribute", "run_id")),
    ),
)

# What is kept by key: `key` and a value.
KEYED: dict[str, Any] = {kind: RUNS.related[kind].model for kind in ("metric", "param", "tag")}


def apply(rows: QuerySet[Run], node: Node, *, at_ms: int | None = None) -> QuerySet[Run]:
    """Keep the runs that match; relative times count from `at_ms`, or from now. May ask the database on the way."""
    return rows.filter(narrowed_condition(RUNS, node, now_ms=now_ms() if at_ms is None else at_ms))


def order(rows: QuerySet[Run], terms: Sequence[OrderTerm]) -> QuerySet[Run]:
    """Order by the given keys, then newest first, then by id; without keys that is all."""
    return ordering(terms).apply(rows)


def ordering(terms: Sequence[OrderTerm]) -> Ordering:
    """Give the order itself, for keyset pages."""
    return Ordering(RUNS, terms)
