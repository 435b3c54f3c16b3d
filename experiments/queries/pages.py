"""What pages show of runs: the newest, and what one says of itself beside what it logged."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from experiments.models import PARENT_TAG, Run, RunTag
from experiments.queries.runs import by_run
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
    """`tags` are the user's own, `system_tags` those that begin with “mlflow.”; `parent` is what the run is part of."""

    tags: dict[str, str]
    system_tags: dict[str, str]
    parent: Run | None


def run_overview(actor: Actor, run: Run) -> RunOverview:
    """Collect what a run's page shows of its tags."""
    tags = by_run(RunTag, [run.pk])[run.pk]
    same = Run.objects.visible_to(actor).filter(workspace_id=run.workspace_id)
    return RunOverview(
        tags={key: value for key, value in tags.items() if not key.startswith(SYSTEM_TAGS)},
        system_tags={key: value for key, value in tags.items() if key.startswith(SYSTEM_TAGS)},
        parent=same.filter(pk=tags[PARENT_TAG][:32]).first() if PARENT_TAG in tags else None,
    )
