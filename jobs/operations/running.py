"""What nodes and their runners tell. A runner names the job and the attempt: one that was given up is not heard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.db import transaction

from compute.models import Node, NodeWish
from compute.operations import cluster_of
from jobs import logs
from jobs.models import JOB_HELD, JOB_LIVE, JOB_WAITING, Job, JobState
from jobs.operations.states import enter, extended_lease
from lib.errors import Conflict, InvalidValue, NotFound
from workspaces.access import JOB_PERMISSIONS, Actor
from workspaces.models import LifeState, Token
from workspaces.operations import make_token, revoke_tokens_of

TOKEN_LIFE_MS = 30 * 24 * 3600 * 1000
MINUTE_MS = 60_000
Outcome = Literal["completed", "failed", "canceled", "lost", "unstarted"]


@dataclass(frozen=True)
class Claim:
    """A job given to a node, with the secret of a token that opens this run and workspace only."""

    job: Job
    token: str


@dataclass(frozen=True)
class Beat:
    """What a runner is to do: go on, cancel its process, or drop it, as the job is no longer this attempt's."""

    wanted: Literal["run", "cancel", "drop"]


def node_of(actor: Actor, name: str) -> Node:
    node = Node.objects.filter(target=cluster_of(actor), name=name).first()
    if node is None:
        raise NotFound(f"The node {name[:100]} has not said that it is there.")
    return node


@transaction.atomic
def claim_job(actor: Actor, *, node_name: str) -> Claim | None:
    """Give the node the oldest waiting job of its cluster, if it has a slot; two claims never get the same one."""
    node = node_of(actor, node_name)
    node = Node.objects.select_for_update(of=["self"]).select_related("target").get(pk=node.pk)
    if node.wanted != NodeWish.WORK or Job.objects.filter(node=node, state__in=JOB_HELD).count() >= node.slots:
        return None
    waiting = Job.objects.filter(
        target=node.target, state__in=JOB_WAITING, cancel_asked_ms=None, workspace__state=LifeState.ACTIVE
    )
    waiting = waiting.select_for_update(skip_locked=True, of=["self"]).select_related("run", "workspace", "environment")
    job = waiting.order_by("created_ms", "pk").first()
    if job is None:
        return None
    enter(job, JobState.PREPARING, node=node, attempt=job.attempt + 1)
    Job.objects.filter(pk=job.pk).update(lease_ms=extended_lease())
    return Claim(job, job_token(job))


def job_token(job: Job) -> str:
    revoke_tokens_of(kind=Token.Kind.JOB, subject=job.pk)
    life_ms = job.time_limit_s * 1000 + 60 * MINUTE_MS if job.time_limit_s else TOKEN_LIFE_MS
    _token, secret = make_token(
        kind=Token.Kind.JOB,
        name=job.submitted_by[:100],
        workspace=job.workspace,
        permissions=JOB_PERMISSIONS,
        subject=job.pk,
        lifetime_ms=life_ms,
    )
    return secret


def held_jobs(actor: Actor, *, node_name: str) -> list[Job]:
    """List what the node should be at work on, as the rows have it."""
    return list(Job.objects.filter(node=node_of(actor, node_name), state__in=JOB_HELD).order_by("created_ms"))


def known_runs(actor: Actor, *, run_ids: list[str]) -> list[str]:
    """Say which of these jobs of the node's cluster still exist; what is deleted must leave the node's disk too."""
    return list(Job.objects.filter(target=cluster_of(actor), pk__in=run_ids).values_list("pk", flat=True))


def locked(actor: Actor, run_id: str) -> Job:
    rows = Job.objects.select_for_update(of=["self"]).select_related("run", "workspace")
    job: Job | None = rows.filter(pk=run_id, target=cluster_of(actor)).first()
    if job is None:
        raise NotFound("There is no such job on this cluster.")
    return job


def is_of(job: Job, attempt: int) -> bool:
    return job.attempt == attempt and job.state in JOB_HELD


@transaction.atomic
def beat(actor: Actor, run_id: str, *, attempt: int, state: str = "", newest: str = "") -> Beat:
    """Hear that the attempt's runner lives, how far it is, and the newest line that was logged."""
    job = locked(actor, run_id)
    if not is_of(job, attempt) or job.workspace.state != LifeState.ACTIVE:
        return Beat("drop")
    Job.objects.filter(pk=job.pk).update(lease_ms=extended_lease())
    if job.state == JobState.NOT_RESPONDING:
        enter(job, state or last_live_state(job))
    elif state:
        enter(job, state)
    if newest and job.stages[-1][2] != newest:
        job.stages[-1][2] = newest.replace("\x00", "")[:500]
        job.save(update_fields=["stages"])
    return Beat("cancel" if job.cancel_asked_ms is not None else "run")


def last_live_state(job: Job) -> str:
    return next((state for state, *_rest in reversed(job.stages) if state in JOB_LIVE), JobState.PREPARING)


@transaction.atomic
def finish_job(
    actor: Actor,
    run_id: str,
    *,
    attempt: int,
    outcome: Outcome,
    error: str = "",
    exit_code: int | None = None,
    cpu_s: float | None = None,
    left_behind: Mapping[str, Any] | None = None,
) -> None:
    """Hear how an attempt ended, when none of its processes lives any more; said twice, it counts once.

    A lost attempt (its runner died) is followed by another if the job's rule allows; one that never started always.
    """
    job = locked(actor, run_id)
    if not is_of(job, attempt):
        return
    facts: dict[str, Any] = {
        "exit_code": exit_code,
        "cpu_s": (job.cpu_s or 0) + cpu_s if cpu_s is not None else job.cpu_s,
    }
    facts |= {"left_behind": dict(left_behind)} if left_behind else {}
    error = error.replace("\x00", "")[-20_000:]
    if job.cancel_asked_ms is not None and outcome != "completed":
        enter(job, JobState.CANCELED, **facts)
    elif outcome == "unstarted":
        again(job, attempt=attempt - 1)
    elif outcome == "lost" and attempt < job.attempts_allowed:
        again(job, attempt=attempt, error=error)
    elif outcome == "completed":
        enter(job, JobState.COMPLETED, error="", **facts)
    else:
        enter(job, JobState.FAILED, error=error or "The job's runner died.", **facts)


def again(job: Job, **changes: Any) -> None:
    enter(job, JobState.QUEUED, node=None, lease_ms=None, **changes)
    revoke_tokens_of(kind=Token.Kind.JOB, subject=job.pk)


def append_log(actor: Actor, run_id: str, *, attempt: int, name: str, offset: int, data: bytes) -> int:
    """Write a piece of a log at its offset; give the log's size. A piece sent twice changes nothing.

    Raises Conflict, which names the size, when a piece before it is missing.
    """
    job = Job.objects.filter(pk=run_id, target=cluster_of(actor)).first()
    if job is None or not is_of(job, attempt):
        raise NotFound("There is no such job on this node.")
    path = logs.path(job, name)
    if name not in (*logs.NAMES, *job.log_names):
        note_log(job, name)
    size = logs.append(path, offset, data)
    if size < offset:
        raise Conflict(f"the log has {size} bytes")
    return size


@transaction.atomic
def note_log(job: Job, name: str) -> None:
    """Remember that a file of ./logs came. Raises InvalidValue beyond what a job may stream."""
    locked_job = Job.objects.select_for_update(of=["self"]).get(pk=job.pk)
    if name in locked_job.log_names:
        return
    if len(locked_job.log_names) >= logs.FILES_MAX:
        raise InvalidValue(f"A job streams at most {logs.FILES_MAX} files of ./logs.")
    locked_job.log_names = sorted([*locked_job.log_names, name])
    locked_job.save(update_fields=["log_names"])
