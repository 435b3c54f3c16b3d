"""What a purge covers: three sets of rows, asked anew each time, so that what was restored meanwhile is spared."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q, QuerySet

from experiments.models import Experiment, LoggedModel, Purge, PurgeKind, Run


def in_trash(until_ms: int) -> Q:
    """Match what lies in the trash by itself or with its experiment."""
    return Q(deleted_ms__lte=until_ms) | Q(experiment__deleted_ms__lte=until_ms)


def runs(purge: Purge) -> QuerySet[Run]:
    rows = Run.objects.filter(in_trash(purge.until_ms), workspace=purge.workspace_id).order_by("pk")
    match purge.kind:
        case PurgeKind.RUN:
            return rows.filter(pk__in=purge.names)
        case PurgeKind.EXPERIMENT:
            return rows.filter(experiment__in=purge.names)
        case PurgeKind.TRASH:
            return rows
    return rows.none()


def logged_models(purge: Purge) -> QuerySet[LoggedModel]:
    """Give the models that go by themselves; those of a run in the trash go with it, unless they were deleted too."""
    until = purge.until_ms
    with_run = Q(source_run__deleted_ms__lte=until) | Q(source_run__experiment__deleted_ms__lte=until)
    with_experiment = Q(experiment__deleted_ms__lte=until) & (Q(source_run=None) | ~with_run)
    rows = LoggedModel.objects.filter(Q(deleted_ms__lte=until) | with_experiment, workspace=purge.workspace_id)
    rows = rows.order_by("pk")
    match purge.kind:
        case PurgeKind.LOGGED_MODEL:
            return rows.filter(pk__in=purge.names)
        case PurgeKind.EXPERIMENT:
            return rows.filter(experiment__in=purge.names)
        case PurgeKind.TRASH:
            return rows
    return rows.none()


def experiments(purge: Purge) -> QuerySet[Experiment]:
    rows = Experiment.objects.filter(workspace=purge.workspace_id, deleted_ms__lte=purge.until_ms).order_by("pk")
    match purge.kind:
        case PurgeKind.EXPERIMENT:
            return rows.filter(pk__in=purge.names)
        case PurgeKind.TRASH:
            return rows
    return rows.none()


def lent(experiment_id: int) -> tuple[QuerySet[Run], QuerySet[LoggedModel]]:
    """Give the runs and models that were moved to other experiments, and whose files still lie under this one."""
    return Run.objects.filter(files_under=experiment_id), LoggedModel.objects.filter(files_under=experiment_id)


def is_lent(experiment_id: int) -> bool:
    runs, models = lent(experiment_id)
    return runs.exists() or models.exists()


def logged_models_of(runs: Sequence[Run]) -> QuerySet[LoggedModel]:
    """Give the models that go with their runs."""
    return LoggedModel.objects.filter(source_run__in=runs)
