"""What time does to jobs that nobody speaks for."""

from __future__ import annotations

from django.db import transaction

from jobs.models import JOB_LIVE, Job, JobState
from jobs.operations.states import enter, has_lapsed

# A node that has been away so long is given up. When it comes back, it is told to drop the job, so nothing runs on.
GIVE_UP_MS = 10 * 60 * 1000


def mark_silent_jobs() -> int:
    """Mark jobs whose runner's lease has lapsed; end those silent for too long. Gives how many changed."""
    silent = Job.objects.filter(state__in=JOB_LIVE, **has_lapsed())
    changed = sum(mark(run_id) for run_id in list(silent.values_list("pk", flat=True)[:500]))
    lost = Job.objects.filter(state=JobState.NOT_RESPONDING, **has_lapsed(GIVE_UP_MS))
    return changed + sum(give_up(run_id) for run_id in list(lost.values_list("pk", flat=True)[:500]))


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
