"""What runs tell webhooks: their start and their end. The fields are named as MLflow names a run's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.models import Run, RunStatus
from workspaces.events import emit

ENDS = {RunStatus.FINISHED: "run.finished", RunStatus.FAILED: "run.failed", RunStatus.KILLED: "run.killed"}


def run_created(run: Run) -> None:
    emit(run.workspace, "run.created", lambda: content(run))


def run_ended(run: Run) -> None:
    emit(run.workspace, ENDS[RunStatus(run.status)], lambda: content(run))


def content(run: Run) -> Mapping[str, Any]:
    return {
        "run_id": run.pk,
        "run_name": run.name,
        "experiment_id": str(run.experiment_id),
        "experiment_name": run.experiment.name,
        "user_id": run.user_name,
        "status": run.status,
        "start_time": run.start_ms,
        "end_time": run.end_ms,
    }
