"""How a workspace's jobs go: what runs is canceled and waited for, then rows, logs and snapshots are removed."""

from __future__ import annotations

from collections.abc import Collection

from django.utils.translation import gettext as _

from experiments.artifacts import store
from experiments.purging import Holder, Neighbour
from jobs.models import JOB_ENDED, JOB_HELD, JOB_WAITING, Job, JobPlan, Schedule, Snapshot, Sweep
from jobs.operations import cancel_job
from lib.clock import now_ms
from lib.errors import NotFound
from workspaces.access import Actor
from workspaces.deletion import Count, Participant
from workspaces.models import Workspace

BATCH = 200
# A runner ends its processes within seconds of hearing of it. One that cannot hear is told later to drop its job.
PATIENCE_MS = 20_000


def count(workspace: Workspace) -> list[Count]:
    size = store().size(f"blobs/{workspace.pk}")
    return [Count(_("jobs"), Job.objects.filter(workspace=workspace).count(), size)]


def delete_next_batch(workspace: Workspace) -> bool:
    # Nothing submits jobs any more: sweeps and schedules of a workspace that is being deleted stand still.
    Schedule.objects.filter(workspace=workspace).delete()
    Sweep.objects.filter(workspace=workspace).delete()
    JobPlan.objects.filter(workspace=workspace).delete()
    rows = Job.objects.filter(workspace=workspace)
    live = list(rows.filter(state__in=(*JOB_WAITING, *JOB_HELD))[:BATCH])
    for job in live:
        cancel_job(Actor.system(), job)
    oldest = now_ms() - PATIENCE_MS
    if any(job.state in JOB_HELD and (job.cancel_asked_ms or now_ms()) > oldest for job in live):
        return True
    batch = list(rows[:BATCH])
    for job in batch:
        remove(f"jobs/{job.pk}")
    if batch:
        Job.objects.filter(pk__in=[job.pk for job in batch]).delete()
        return True
    if not Snapshot.objects.filter(workspace=workspace).exists():
        remove(f"blobs/{workspace.pk}")  # contents that came for a snapshot which never was listed whole
        return False
    remove(f"blobs/{workspace.pk}")
    remove(f"snapshots/{workspace.pk}")  # archives of before contents were kept one by one
    Snapshot.objects.filter(workspace=workspace).delete()
    return True


def holds_runs(run_ids: Collection[str]) -> dict[str, list[Holder]]:
    """Say which runs a job still writes, or a sweep still adds children to."""
    live = Job.objects.filter(pk__in=run_ids).exclude(state__in=JOB_ENDED)
    sweeps = Sweep.objects.filter(pk__in=run_ids, ended_ms=None)
    found = {pk: [Holder("job", pk)] for pk in live.values_list("pk", flat=True)}
    return found | {pk: [Holder("sweep", pk)] for pk in sweeps.values_list("pk", flat=True)}


def places_of_runs(run_ids: Collection[str]) -> dict[str, list[str]]:
    """Give the logs that go with a run; its snapshot may be another job's too."""
    jobs = Job.objects.filter(pk__in=run_ids)
    return {pk: [f"jobs/{pk}"] for pk in jobs.values_list("pk", flat=True)}


def remove(key: str) -> None:
    try:
        store().delete(key)
    except NotFound:
        return


PARTICIPANT = Participant(order=20, name="jobs", count=count, delete_next_batch=delete_next_batch)
NEIGHBOUR = Neighbour("jobs", holds_runs=holds_runs, places=places_of_runs)
