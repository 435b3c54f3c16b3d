"""Nested runs: which stand on their own in a table, which below which, and how many.

A run stands below its parent where both match; where the parent does not (or lies elsewhere), it stands on its own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, QuerySet
from django.db.models.functions import Left

from experiments import search
from experiments.models import PARENT_TAG, Run, RunTag
from experiments.queries import table
from lib.search.sql import BEGINNING

MOST_CHILDREN = 200
DEEPEST = 8


@dataclass(frozen=True)
class Placed:
    """A run at its place in a table. `children` match too; `more` of them are not laid out below it.

    `parent` is a run that it is nested in and does not stand below.
    """

    run: Run
    depth: int = 0
    children: int = 0
    is_open: bool = False
    more: int = 0
    parent: Run | None = None


def parents() -> QuerySet[RunTag]:
    return RunTag.objects.filter(key=PARENT_TAG)


def outermost(rows: QuerySet[Run]) -> QuerySet[Run]:
    """Keep the matching runs that stand below no other of them."""
    return rows.exclude(
        Exists(
            parents().filter(run=OuterRef("pk"), value__in=rows.order_by().values("pk")).exclude(value=OuterRef("pk"))
        )
    )


def below(rows: QuerySet[Run], parent_id: str) -> QuerySet[Run]:
    """Keep the matching runs that are nested directly in one."""
    return rows.filter(pk__in=tags_naming([parent_id]).values("run"))


def children(run: Run) -> QuerySet[Run]:
    """Find the runs outside the bin that are nested directly in one, first begun first."""
    same = Run.objects.filter(workspace=run.workspace_id, deleted_ms=None)
    return below(same, run.pk).exclude(pk=run.pk).order_by("start_ms", "pk")


def tags_naming(ids: Sequence[str]) -> QuerySet[RunTag]:
    """Find the tags that name these runs as parents, by the index on the beginnings of values."""
    return parents().alias(beginning=Left("value", BEGINNING)).filter(beginning__in=ids, value__in=ids)


def child_counts(rows: QuerySet[Run], runs: Sequence[Run]) -> dict[str, int]:
    """Count the matching runs that are nested directly in each of these."""
    found = tags_naming([run.pk for run in runs]).filter(run__in=rows.order_by().values("pk"))
    return dict(found.values_list("value").annotate(runs=Count("run")))


def absent_parents(runs: Sequence[Run]) -> dict[str, Run]:
    """Give the parents of runs that stand on their own, by the runs' ids."""
    named = dict(parents().filter(run__in=[run.pk for run in runs]).values_list("run_id", "value"))
    same = {run.workspace_id for run in runs}
    known = Run.objects.filter(pk__in=[value[:32] for value in named.values()], workspace__in=same).in_bulk()
    return {run_id: known[value] for run_id, value in named.items() if value in known}


def placed(
    rows: QuerySet[Run], question: table.Question, runs: Sequence[Run], opened: Collection[str], depth: int = 0
) -> list[Placed]:
    """Lay runs out with what is opened below them, in the question's order at every depth."""
    counts = child_counts(rows, runs)
    above = {} if depth else absent_parents(runs)
    found = []
    for run in runs:
        children = counts.get(run.pk, 0)
        is_open = run.pk in opened and children > 0 and depth < DEEPEST
        nested = branch(rows, question, run.pk) if is_open else []
        more = children - len(nested) if is_open else 0
        found.append(Placed(run, depth, children, is_open, more, above.get(run.pk)))
        if nested:
            # What is open stands in the address: a run that is its own ancestor is opened once.
            found += placed(rows, question, nested, [one for one in opened if one != run.pk], depth + 1)
    return found


def branch(rows: QuerySet[Run], question: table.Question, parent_id: str) -> list[Run]:
    """Read the runs nested directly in one, as many as are shown below it."""
    ordering = search.ordering(table.terms(question))
    return list(ordering.apply(below(rows, parent_id)).select_related("experiment")[:MOST_CHILDREN])
