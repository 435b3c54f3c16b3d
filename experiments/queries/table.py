"""A table of runs: only the columns that are shown, one page at a time, from where the last one ended."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core import signing
from django.db.models import Count, Max, Min, QuerySet
from django.utils.translation import gettext as _

from experiments import search
from experiments.columns import Column, usual
from experiments.models import MetricSeries, Run
from experiments.queries.views import View
from experiments.search.default import default_named
from experiments.search.runs import KEYED
from lib.errors import InvalidValue
from lib.search import OrderTerm, dialects, parse_filter, parse_order
from lib.search.ordering import read
from workspaces.access import Actor
from workspaces.models import Workspace

PAGE, MOST = 40, 300
USUAL_KEYS = 4
NEWEST_RUNS = 1000
MOST_KEYS = 1000
MOST_GROUPS = 200
SYSTEM = ("system/", "mlflow.")
SALT = "experiments.table"
INFINITY = float("inf")

Values = dict[Column, float | str]


@dataclass(frozen=True)
class Question:
    """What is asked of a table: everything here stands in the page's address."""

    text: str = ""
    order: str = ""
    view: View = View.SHOWN
    columns: tuple[Column, ...] = ()
    group: Column | None = None
    is_flat: bool = False

    @property
    def is_tree(self) -> bool:
        """Tell whether nested runs stand below their parents: groups tear them apart, so a grouped table is flat."""
        return not self.is_flat and self.group is None


@dataclass(frozen=True)
class Page:
    """Some rows of a table. `values` are by run, `after` goes on from here (empty at the end)."""

    runs: list[Run]
    columns: list[Column]
    values: dict[str, Values] = field(default_factory=dict)
    after: str = ""


def matching(
    actor: Actor, workspace: Workspace, experiment_ids: Sequence[int] | None, question: Question
) -> QuerySet[Run]:
    """Find the runs that match, in no order. Raises InvalidValue for a filter that cannot be read."""
    rows = Run.objects.visible_to(actor).filter(question.view.condition, workspace=workspace)
    if experiment_ids is not None:
        rows = rows.filter(experiment__in=list(experiment_ids))
    return search.apply(rows, default_named(workspace, parse_filter(question.text, dialects.RUNS)))


def page(rows: QuerySet[Run], question: Question, *, after: str = "", size: int = PAGE, wide: bool = False) -> Page:
    """Read one page of matching runs; `wide` tables also say which experiment each belongs to.

    Raises InvalidValue for an order that cannot be read, or a place that is not one of this order.
    """
    ordering = search.ordering(terms(question))
    found = ordering.apply(rows.select_related("experiment"))
    if after:
        found = ordering.after(found, place(after, len(ordering.keys)))
    size = min(max(size, 1), MOST)
    runs = read(found, 0, size + 1)
    more = len(runs) > size
    runs = runs[:size]
    columns = list(question.columns) or usual(*usual_keys(runs), shows_experiment=wide)
    rest = signing.dumps(ordering.place(runs[-1]), salt=SALT) if more else ""
    return Page(runs, columns, values(runs, shown(question, columns)), rest)


def shown(question: Question, columns: Sequence[Column]) -> list[Column]:
    """Give the columns whose values are needed: those of the table, and what it is grouped by."""
    return [*columns, *([question.group] if question.group and question.group not in columns else [])]


def terms(question: Question) -> list[OrderTerm]:
    """Give the order: groups first, so that each stands together."""
    given = parse_order([question.order] if question.order else [], dialects.RUNS)
    if question.group is None:
        return given
    first = OrderTerm(question.group.field)
    return [first, *(term for term in given if term.field != first.field)]


def place(after: str, size: int) -> tuple[Any, ...]:
    try:
        found = tuple(signing.loads(after, salt=SALT))
    except signing.BadSignature:
        found = ()
    if len(found) != size:
        raise InvalidValue(_("This page goes on from no place of this table. Begin at its first page."), field="after")
    return found


def values(runs: Sequence[Run], columns: Sequence[Column]) -> dict[str, Values]:
    """Read what the columns show of the runs, in a query a kind."""
    ids = [run.pk for run in runs]
    found: dict[str, Values] = defaultdict(dict)
    for column in columns:
        if column.kind == "attribute":
            for run in runs:
                found[run.pk][column] = attribute(run, column.key)
    for kind in ("param", "tag"):
        keys = {column.key: column for column in columns if column.kind == kind}
        rows = KEYED[kind].objects.filter(run__in=ids, key__in=keys) if keys else ()
        for row in rows:
            found[row.run_id][keys[row.key]] = row.value
    by_key: dict[str, list[Column]] = defaultdict(list)
    for column in columns:
        if column.kind == "metric":
            by_key[column.key].append(column)
    for series in MetricSeries.objects.filter(run__in=ids, key__in=by_key) if by_key else ():
        for column in by_key[series.key]:
            value = getattr(series, f"{column.of}_value")
            if value is not None:
                found[series.run_id][column] = value
    return found


def attribute(run: Run, key: str) -> Any:
    shown = {"run_id": run.pk, "status": run.status, "user_id": run.user_name, "start_time": run.start_ms}
    return run.experiment.name if key == "experiment_name" else shown.get(key, run.end_ms)


def usual_keys(runs: Sequence[Run]) -> tuple[list[str], list[str]]:
    """Give the metrics and params that most of the runs have."""
    ids = [run.pk for run in runs]
    return keys_of("metric", ids)[:USUAL_KEYS], keys_of("param", ids)[:USUAL_KEYS]


def keys_of(kind: str, ids: Sequence[str]) -> list[str]:
    """List the keys that the runs have, those that most of them have first; the systems' own are left out."""
    rows = KEYED[kind].objects.filter(run__in=ids).values("key").annotate(runs=Count("key"))
    found = [row["key"] for row in rows.order_by("-runs", "key")[:MOST_KEYS]]
    return [key for key in found if not key.startswith(SYSTEM)]


def known_columns(rows: QuerySet[Run]) -> list[Column]:
    """List what the newest of the runs have logged."""
    ids = list(rows.order_by("-start_ms").values_list("pk", flat=True)[:NEWEST_RUNS])
    kinds: tuple[Any, ...] = ("metric", "param", "tag")
    return [Column(kind, key) for kind in kinds for key in sorted(keys_of(kind, ids))]


def extremes(rows: QuerySet[Run], columns: Sequence[Column]) -> dict[Column, tuple[float, float]]:
    """Give the lowest and the highest value of each metric's column over all matching runs."""
    metrics = [column for column in columns if column.kind == "metric"]
    found = {}
    for of in dict.fromkeys(column.of for column in metrics):
        name = f"{of}_value"
        keys = {column.key: column for column in metrics if column.of == of}
        # NaN stands above everything in PostgreSQL: below infinity are numbers only.
        series = MetricSeries.objects.filter(run__in=rows.values("pk"), key__in=keys, **{f"{name}__lt": INFINITY})
        for row in series.values("key").annotate(least=Min(name), most=Max(name), runs=Count("key")):
            if row["runs"] > 1:
                found[keys[row["key"]]] = (row["least"], row["most"])
    return found


def group_sizes(rows: QuerySet[Run], group: Column) -> dict[str | None, int]:
    """Count the matching runs of each group; None is of those that lack what they are grouped by."""
    if group.kind == "attribute":
        path = {"status": "status", "user_id": "user_name", "experiment_name": "experiment__name"}[group.key]
        counted = rows.order_by().values_list(path).annotate(runs=Count("pk"))
        return dict(counted.order_by("-runs")[:MOST_GROUPS])
    model = KEYED[group.kind]
    counted = model.objects.filter(run__in=rows.order_by().values("pk"), key=group.key).values_list("value")
    found: Counter[str | None] = Counter(dict(counted.annotate(runs=Count("run")).order_by("-runs")[:MOST_GROUPS]))
    found[None] = rows.count() - sum(found.values())
    return found
