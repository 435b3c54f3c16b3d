"""Reads of jobs: lists, stages, logs, code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import F, QuerySet, Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from compute.models import BuildState
from compute.queries import room
from jobs import logs
from jobs.models import JOB_ENDED, JOB_LIVE, JOB_WAITING, Job, JobState, Snapshot
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
    rows = Job.objects.visible_to(actor).filter(workspace=workspace).defer("snapshot__manifest")
    return rows.select_related("run", "run__experiment", "target", "node", "environment", "snapshot").order_by(
        "-created_ms", "-pk"
    )


def narrowed(rows: QuerySet[Job], asked: Mapping[str, str]) -> QuerySet[Job]:
    """Keep the jobs of a `state` (or `waiting`, `live`, `ended`; in any case), a `target`, an `experiment` by name."""
    groups = {"waiting": JOB_WAITING, "live": (*JOB_LIVE, JobState.NOT_RESPONDING), "ended": JOB_ENDED}
    if state := asked.get("state"):
        states = groups | {one.value.lower(): (one,) for one in JobState}
        rows = rows.filter(state__in=states.get(state.lower(), ()))
    if target := asked.get("target"):
        rows = rows.filter(target__name=target)
    if experiment := asked.get("experiment"):
        rows = rows.filter(run__experiment__name=experiment)
    return rows


def snapshots(actor: Actor, workspace: Workspace) -> QuerySet[Snapshot]:
    return Snapshot.objects.visible_to(actor).filter(workspace=workspace)


def stages(job: Job) -> list[Stage]:
    """Give the stages that a job went through, each with its time and its newest log line, and those still to come."""
    now = now_ms()
    passed = []
    for number, (state, since_ms, newest) in enumerate(job.stages):
        is_last = number == len(job.stages) - 1
        until_ms = (job.ended_ms or now) if is_last else job.stages[number + 1][1]
        is_end = state in JOB_ENDED
        shown = state if is_last or state == JobState.NOT_RESPONDING else "done"
        took = None if is_end else until_ms - since_ms
        passed.append(Stage(str(JobState(state).label), shown, took, newest, is_last and not is_end))
    if job.has_ended or job.state == JobState.NOT_RESPONDING:
        return passed
    order = (*JOB_WAITING, *JOB_LIVE, JobState.COMPLETED)
    # Whether a node has to be started first, nobody knows before.
    coming = [state for state in order[order.index(JobState(job.state)) + 1 :] if state != JobState.PROVISIONING]
    return passed + [Stage(str(state.label), "pending", None, "", False) for state in coming]


def newest_line(job: Job) -> str:
    return next((newest for _state, _since, newest in reversed(job.stages) if newest), "")


def waits_for(job: Job) -> int:
    """Count the jobs before this one in its cluster's queue."""
    waiting = Job.objects.filter(target=job.target_id, state__in=JOB_WAITING, created_ms__lt=job.created_ms)
    return waiting.count()


def why_it_waits(job: Job) -> str:
    """Say in a sentence or two why a waiting job does not run yet; empty for any other."""
    if job.state not in JOB_WAITING:
        return ""
    before = waits_for(job)
    said = [room(job.target, before=before)]
    if before:
        said.insert(0, _("%d before it.") % before if before > 1 else _("One before it."))
    if job.environment and job.environment.state == BuildState.BUILDING:
        said.append(_("Its environment is being built meanwhile."))
    return " ".join(said)


def cpu_seconds(actor: Actor, workspace: Workspace) -> float:
    """Add up the processor time of the workspace's jobs."""
    rows = Job.objects.visible_to(actor).filter(workspace=workspace)
    return float(rows.aggregate(total=Sum(F("cpu_s")))["total"] or 0)


def log_names(job: Job) -> list[str]:
    """List the logs that a job has, in the order in which they are read."""
    return [*(name for name in logs.NAMES if logs.path(job, name).exists()), *job.log_names]


def log(job: Job, name: str, offset: int) -> Piece:
    """Give the next piece of a log of the newest attempt."""
    return read_piece(logs.path(job, name), offset, is_over=job.has_ended)


def started_ms(job: Job) -> int | None:
    return next((int(since) for state, since, _newest in job.stages if state == JobState.RUNNING), None)


def warnings(job: Job) -> list[str]:
    """Give what a reader of the job should know: what of its environment was replaced, what it left behind."""
    said: list[str] = list(job.environment.notes) if job.environment else []
    left: Mapping[str, Any] = job.left_behind
    if left.get("count"):
        count = int(left["count"])
        said.append(
            ngettext(
                "%d file was left outside ./outputs and is not kept.",
                "%d files were left outside ./outputs and are not kept.",
                count,
            )
            % count
        )
    return said
