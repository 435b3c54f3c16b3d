"""A job goes from state to state; its run follows in MLflow's words."""

from __future__ import annotations

from typing import Any

from django.db.models import BigIntegerField, Func

from compute.operations import note_work
from experiments.models import RunStatus
from experiments.operations import finish_submitted_run
from jobs.models import JOB_ENDED, JOB_HELD, Job, JobState, can_become
from lib.clock import now_ms
from workspaces.access import Actor
from workspaces.models import Token
from workspaces.operations import revoke_tokens_of

# A runner beats every 2 s: after two beats missed, and a little for a busy machine, it is not responding.
LEASE_MS = 7_000

RUN_STATUS = {
    JobState.QUEUED: RunStatus.SCHEDULED,
    JobState.PROVISIONING: RunStatus.SCHEDULED,
    JobState.PREPARING: RunStatus.SCHEDULED,
    JobState.STARTING: RunStatus.SCHEDULED,
    JobState.RUNNING: RunStatus.RUNNING,
    JobState.FINALIZING: RunStatus.RUNNING,
    JobState.NOT_RESPONDING: RunStatus.RUNNING,
    JobState.COMPLETED: RunStatus.FINISHED,
    JobState.FAILED: RunStatus.FAILED,
    JobState.CANCELED: RunStatus.KILLED,
}


class DatabaseNow(Func):
    """Milliseconds by the database's clock: leases of all nodes and workers are judged by one."""

    template = "(extract(epoch from clock_timestamp()) * 1000)::bigint"
    output_field = BigIntegerField()


def enter(job: Job, state: str, **changes: Any) -> bool:
    """Bring a locked job into a state, with its run and its other fields; False when it may not go there."""
    if job.state == state or not can_become(job.state, state):
        return False
    now = now_ms()
    is_end = state in JOB_ENDED
    had = job.node_id
    job.state = JobState(state)
    job.stages = [*job.stages, [job.state, now, ""]]
    if is_end:
        changes = {"ended_ms": now, "lease_ms": None, **changes}
        revoke_tokens_of(kind=Token.Kind.JOB, subject=job.pk)
    for name, value in changes.items():
        setattr(job, name, value)
    job.save(update_fields=["state", "stages", *changes])
    for node_id in {one for one in (had, job.node_id) if one is not None}:
        note_work(node_id, working=Job.objects.filter(node=node_id, state__in=JOB_HELD).count())
    status = RUN_STATUS[job.state]
    if job.run.status != status:
        finish_submitted_run(Actor.system(), job.run, status=status)
    return True


def extended_lease() -> Any:
    return DatabaseNow() + LEASE_MS


def has_lapsed(by_ms: int = 0) -> dict[str, Any]:
    """Give the filter for leases that ended at least so long ago."""
    return {"lease_ms__lt": DatabaseNow() - by_ms}
