"""What pages show of runs: the newest, and one run."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

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
