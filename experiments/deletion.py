"""How a workspace's experiments go: rows in batches, each with its files, so that a crash leaves nothing half known."""

from __future__ import annotations

from django.utils.translation import gettext as _

from experiments.artifacts import places
from experiments.artifacts.disk import store
from experiments.models import Experiment, LoggedModel, PurgedPlace, Run
from lib.errors import NotFound
from workspaces.deletion import Count, Participant
from workspaces.models import Workspace

BATCH = 200


def count(workspace: Workspace) -> list[Count]:
    experiments = Experiment.objects.filter(workspace=workspace)
    size = sum(store().size(places.of_experiment(pk).key) for pk in experiments.values_list("pk", flat=True))
    return [
        Count(_("experiments"), experiments.count()),
        Count(_("runs"), Run.objects.filter(workspace=workspace).count(), size),
    ]


def delete_next_batch(workspace: Workspace) -> bool:
    """Delete some logged models, runs, or one emptied experiment; files first, since rows tell where they are.

    What purges have yet to remove comes before all: no row but theirs tells where that is.
    """
    waiting = list(PurgedPlace.objects.filter(purge__workspace=workspace, removed_ms=None)[:BATCH])
    for place in waiting:
        remove(place.key)
    if waiting:
        PurgedPlace.objects.filter(pk__in=[place.pk for place in waiting]).delete()
        return True
    models = list(LoggedModel.objects.filter(workspace=workspace)[:BATCH])
    for model in models:
        remove(places.of_model(model).key.removesuffix("/artifacts"))
    if models:
        LoggedModel.objects.filter(pk__in=[model.pk for model in models]).delete()
        return True
    runs = list(Run.objects.filter(workspace=workspace)[:BATCH])
    for run in runs:
        remove(places.of_run(run).key.removesuffix("/artifacts"))
    if runs:
        Run.objects.filter(pk__in=[run.pk for run in runs]).delete()
        return True
    experiment = Experiment.objects.filter(workspace=workspace).first()
    if experiment is None:
        # Asked once more: a purge may have taken the last rows since, and left their files to remove.
        return PurgedPlace.objects.filter(purge__workspace=workspace, removed_ms=None).exists()
    remove(places.of_experiment(experiment.pk).key)
    experiment.delete()
    return True


def remove(key: str) -> None:
    try:
        store().delete(key)
    except NotFound:
        return


PARTICIPANT = Participant(order=40, name="experiments", count=count, delete_next_batch=delete_next_batch)
