"""Environment builds, on the queue `build`."""

from __future__ import annotations

from celery import shared_task

from compute import operations
from compute.models import BuildState, EnvironmentBuild
from compute.operations.environments import send

AT_REST = (BuildState.READY, BuildState.FAILED)


@shared_task
def build_environment(build_id: int) -> None:
    operations.build_next_step(build_id)


@shared_task
def reconcile() -> None:
    """Send a step for every environment that is wanted and not there: a lost message or a killed builder heals so."""
    for build_id in EnvironmentBuild.objects.exclude(state__in=AT_REST).values_list("pk", flat=True):
        send(build_id)
