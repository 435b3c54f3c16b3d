"""What time does to jobs: those that nobody speaks for, and those that wait for a node."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q

from compute.models import ComputeTarget, TargetState
from compute.operations import scale
from jobs.models import JOB_LIVE, JOB_WAITING, Job, JobState
from jobs.operations.states import enter, has_lapsed
from jobs.operations.submission import cancel_job
from workspaces.access import Actor

# A node that has been away so long is given up. When it comes back, it is told to drop the job, so nothing runs on.
GIVE_UP_MS = 10 * 60 * 1000
BATCH = 500


def mark_silent_jobs() -> int:
    """Mark jobs whose runner's lease has lapsed; end those silent for too long. Gives how many changed."""
    silent = Job.objects.filter(state__in=JOB_LIVE, **has_lapsed())
    changed = sum(mark(run_id) for run_id in list(silent.values_list("pk", flat=True)[:BATCH]))
    lost = Job.objects.filter(state=JobState.NOT_RESPONDING, **has_lapsed(GIVE_UP_MS))
    return changed + sum(give_up(run_id) for run_id in list(lost.values_list("pk", flat=True)[:BATCH]))


@transaction.atomic
def mark(run_id: str) -> bool:
    # Asked again under the lock: the runner may have spoken since.
    job = locked(run_id, state__in=JOB_LIVE, **has_lapsed())
    return job is not None and enter(job, JobState.NOT_RESPONDING)


@transaction.atomic
def give_up(run_id: str) -> bool:
    job = locked(run_id, state=JobState.NOT_RESPONDING, **has_lapsed(GIVE_UP_MS))
    if job is None:
        return False
    if job.cancel_asked_ms is not None:
        return enter(job, JobState.CANCELED)
    return enter(job, JobState.FAILED, error="The node that ran this job has not answered for ten minutes.")


def locked(run_id: str, **conditions: object) -> Job | None:
    rows = Job.objects.select_for_update(of=["self"], skip_locked=True).select_related("run")
    return rows.filter(pk=run_id, **conditions).first()


def make_room() -> None:
    """Let each cluster grow and shrink with its queue; a job for which a node is on its way is Provisioning."""
    scaling = ComputeTarget.objects.filter(kind=ComputeTarget.Kind.CLUSTER)
    scaling = scaling.filter(Q(max_nodes__isnull=False) | Q(state=TargetState.DELETING))
    for target in scaling.exclude(state=TargetState.DELETED):
        if target.state == TargetState.DELETING:
            cancel_all(target)
        waiting = Job.objects.filter(target=target, state__in=JOB_WAITING, cancel_asked_ms=None)
        scaled = scale(target.pk, waiting=waiting.count())
        if scaled.preparing:
            provision(target, scaled.preparing)


@transaction.atomic
def provision(target: ComputeTarget, count: int) -> None:
    waiting = Job.objects.filter(target=target, state__in=JOB_WAITING, cancel_asked_ms=None)
    first = list(waiting.order_by("created_ms", "pk").values_list("pk", flat=True)[:count])
    for run_id in first:
        job = locked(run_id, state=JobState.QUEUED)
        if job is not None:
            enter(job, JobState.PROVISIONING)


def cancel_all(target: ComputeTarget) -> None:
    """Cancel what waits for or runs on a cluster that is being deleted."""
    for job in Job.objects.filter(target=target, ended_ms=None, cancel_asked_ms=None)[:BATCH]:
        cancel_job(Actor.system(), job)
