"""What pages show of runs: the newest, one run, several beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from experiments.metrics import Latest
from experiments.models import LoggedModel, Run
from experiments.queries.runs import RunDetails, run_details
from workspaces.access import Actor
from workspaces.models import Workspace

SYSTEM_TAGS = "mlflow."


def recent_runs(actor: Actor, workspace: Workspace, *, only_running: bool = False) -> QuerySet[Run]:
    """List the workspace's newest runs outside the bin; slice it."""
    rows = Run.objects.visible_to(actor).filter(workspace=workspace, deleted_ms=None).select_related("experiment")
    if only_running:
        rows = rows.filter(status__in=("RUNNING", "SCHEDULED"))
    return rows.order_by("-start_ms", "pk")


@dataclass(frozen=True)
class RunOverview:
    """All that a run's page says. `tags` are the user's own, `system_tags` those that begin with “mlflow.”."""

    details: RunDetails
    tags: dict[str, str]
    system_tags: dict[str, str]
    models: list[LoggedModel]
    parent: Run | None
    children: list[Run]

    @property
    def run(self) -> Run:
        return self.details.run


def run_overview(actor: Actor, run: Run) -> RunOverview:
    """Collect what a run's page shows, in a few queries."""
    [details] = run_details([run])
    same = Run.objects.visible_to(actor).filter(workspace_id=run.workspace_id)
    children = same.filter(tags__key="mlflow.parentRunId", tags__value=run.pk, deleted_ms=None).order_by(
        "start_ms", "pk"
    )
    return RunOverview(
        details=details,
        tags={key: value for key, value in details.tags.items() if not key.startswith(SYSTEM_TAGS)},
        system_tags={key: value for key, value in details.tags.items() if key.startswith(SYSTEM_TAGS)},
        models=list(LoggedModel.objects.filter(source_run=run, deleted_ms=None).order_by("created_ms", "pk")),
        parent=same.filter(pk=details.tags.get("mlflow.parentRunId", "")[:32]).first(),
        children=list(children[:100]),
    )


@dataclass(frozen=True)
class ComparisonRow:
    """One key and its value in each compared run, in their order; None where the run lacks it."""

    key: str
    values: list[str | Latest | None]
    differs: bool


@dataclass(frozen=True)
class Comparison:
    runs: list[Run]
    params: list[ComparisonRow]
    metrics: list[ComparisonRow]
    tags: list[ComparisonRow]


def compare(actor: Actor, workspace: Workspace, run_ids: Sequence[str]) -> Comparison:
    """Put runs beside each other, in the order of the ids; those that the actor may not see are left out."""
    found = {run.pk: run for run in recent_runs(actor, workspace).filter(pk__in=run_ids)}
    details = run_details([found[pk] for pk in dict.fromkeys(run_ids) if pk in found])
    return Comparison(
        runs=[one.run for one in details],
        params=compared([one.params for one in details]),
        metrics=compared([one.metrics for one in details]),
        tags=compared(
            [{key: value for key, value in one.tags.items() if not key.startswith(SYSTEM_TAGS)} for one in details]
        ),
    )


def compared(columns: Sequence[dict[str, str] | dict[str, Latest]]) -> list[ComparisonRow]:
    rows = []
    for key in sorted({key for column in columns for key in column}):
        values: list[str | Latest | None] = [column.get(key) for column in columns]
        shown = {one.value if isinstance(one, Latest) else one for one in values}
        rows.append(ComparisonRow(key, values, len(shown) > 1))
    return rows
