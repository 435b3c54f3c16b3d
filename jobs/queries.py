"""Reads of jobs: lists, stages, logs."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from jobs import logs
from jobs.models import JOB_ENDED, JOB_LIVE, Job, JobState
from lib.clock import now_ms
from lib.textfile import Piece, read_piece
from workspaces.access import Actor
from workspaces.models import Workspace


@dataclass(frozen=True)
class Stage:
    """One stage of a job; `state` says how to show it, `name` what it is called."""

    name: str
    state: str
    took_ms: int | None
    newest: str
    is_current: bool


def jobs(actor: Actor, workspace: Workspace) -> QuerySet[Job]:
    """List the workspace's jobs, newest first."""
    rows = Job.objects.visible_to(actor).filter(workspace=workspace)
    return rows.select_related("run", "run__experiment", "target", "node", "environment", "snapshot").order_by(
        "-created_ms", "-pk"
    )


def stages(job: Job) -> list[Stage]:
    """Give the stages that a job went through, each with its time and its newest log line, and those still to come."""
    now = now_ms()
    passed = []
    for number, (state, since_ms, newest) in enumerate(job.stages):
        is_last = number == len(job.stages) - 1
        until_ms = (job.ended_ms or now) if is_last else job.stages[number + 1][1]
        is_end = state in JOB_ENDED
        shown = state if is_last else "done"
        took = None if is_end else until_ms - since_ms
        passed.append(Stage(str(JobState(state).label), shown, took, newest, is_last and not is_end))
    if job.has_ended or job.state == JobState.NOT_RESPONDING:
        return passed
    order = (JobState.QUEUED, *JOB_LIVE, JobState.COMPLETED)
    coming = order[order.index(JobState(job.state)) + 1 :]
    return passed + [Stage(str(state.label), "pending", None, "", False) for state in coming]


def newest_line(job: Job) -> str:
    return next((newest for _state, _since, newest in reversed(job.stages) if newest), "")


def waits_for(job: Job) -> int:
    """Count the jobs before this one in its cluster's queue."""
    queued = Job.objects.filter(target=job.target_id, state=JobState.QUEUED, created_ms__lt=job.created_ms)
    return queued.count()


def log(job: Job, name: str, offset: int) -> Piece:
    """Give the next piece of a log of the newest attempt."""
    return read_piece(logs.path(job, name), offset, is_over=job.has_ended)
