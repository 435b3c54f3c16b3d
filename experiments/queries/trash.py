"""What lies in the trash, and how many bytes of files each thing keeps."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from experiments.artifacts import places
from experiments.artifacts.disk import store
from experiments.models import Experiment, Run
from lib.errors import NotFound
from workspaces.access import Actor
from workspaces.models import Workspace


@dataclass(frozen=True)
class Trashed:
    """An experiment or a run in the trash. An experiment's bytes are those of all its runs."""

    thing: Experiment | Run
    size_bytes: int


def experiments(actor: Actor, workspace: Workspace) -> QuerySet[Experiment]:
    """List the deleted experiments, last deleted first."""
    rows = Experiment.objects.visible_to(actor).filter(workspace=workspace, deleted_ms__isnull=False)
    found: QuerySet[Experiment] = rows.annotate(run_count=Count("runs")).order_by("-deleted_ms", "pk")
    return found


def runs(actor: Actor, workspace: Workspace, name: str = "") -> QuerySet[Run]:
    """List the runs that were deleted by themselves, not with their experiment; last deleted first."""
    rows = Run.objects.visible_to(actor).filter(workspace=workspace, deleted_ms__isnull=False)
    rows = rows.filter(Q(name__icontains=name) | Q(experiment__name__icontains=name)) if name else rows
    return rows.filter(experiment__deleted_ms=None).select_related("experiment").order_by("-deleted_ms", "pk")


def weighed(thing: Experiment | Run) -> Trashed:
    place = places.of_experiment(thing.pk) if isinstance(thing, Experiment) else places.of_run(thing)
    return Trashed(thing, size(place.key))


def size(key: str) -> int:
    try:
        return store().size(key)
    except NotFound:
        return 0
