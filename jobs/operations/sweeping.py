"""What time does to sweeps: values of children are read, policies look at them, free places are filled.

A sweep is moved under the lock of its row. A child and its job are written in one transaction, with the number of the
draw: whoever dies before its end leaves neither, whoever comes next draws the same, so none is doubled or lost.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable

from django.db import transaction

from experiments import metrics
from experiments.operations import finish_submitted_run
from jobs.models import JOB_ENDED, Goal, Job, JobState, Sampling, Sweep, SweepChild, SweepState
from jobs.operations.plans import log_tried, submit_planned
from jobs.operations.states import RUN_STATUS
from jobs.operations.submission import cancel_job
from jobs.sweeps.policies import Policy, verdict
from jobs.sweeps.space import Drawn, Space, with_arguments
from lib.clock import now_ms
from lib.errors import StudioError
from workspaces.access import Actor
from workspaces.models import LifeState

logger = logging.getLogger(__name__)

BATCH = 100
# Policies look at that many reports of a child; its best value counts all.
CURVE_MAX = 2000
# When the first tries all fail, the rest would: it is most often the script.
FIRST_FAILURES = 3
TIME_IS_OVER = "Its time was over."


def move_sweeps() -> int:
    """Move every sweep that has not ended; gives how many there were."""
    live = Sweep.objects.filter(ended_ms=None, workspace__state=LifeState.ACTIVE)
    found = list(live.order_by("created_ms").values_list("pk", flat=True)[:BATCH])
    for run_id in found:
        move_sweep(run_id)
    return len(found)


def move_sweep(run_id: str) -> None:
    """Bring one sweep a step on. Another who moves it right now makes this one go by."""
    with transaction.atomic():
        sweep = locked(run_id)
        if sweep is None:
            return
        look(sweep)
        judge(sweep)
        decide(sweep)
        if sweep.state == SweepState.CANCELING:
            end_children(sweep)
        settle(sweep)
    while fill_one_place(run_id):
        pass


def locked(run_id: str, **conditions: object) -> Sweep | None:
    rows = Sweep.objects.select_for_update(of=["self"], skip_locked=True).select_related("run", "workspace", "plan")
    return rows.filter(pk=run_id, ended_ms=None, **conditions).first()


# ---- Looking --------------------------------------------------------------------------------------------------------


def look(sweep: Sweep) -> None:
    """Read what the children reported since, and which of them have ended."""
    open_ones = list(sweep.children.filter(has_ended=False).select_related("run"))
    ids = [child.run_id for child in open_ones if child.run_id]
    states = dict(Job.objects.filter(pk__in=ids).values_list("pk", "state"))
    newest = metrics.latest(ids, [sweep.metric])
    for child in open_ones:
        # A run that was deleted for good has no job any more.
        is_over = states.get(child.run_id or "", JobState.CANCELED) in JOB_ENDED
        look_at(sweep, child, newest.get(child.run_id or "", []), is_over)


def look_at(sweep: Sweep, child: SweepChild, newest: list[metrics.Latest], is_over: bool) -> None:
    seen = [[one.step, one.at_ms, repr(one.value)] for one in newest]
    if child.run_id and seen != child.seen:
        values = series(child.run_id, sweep.metric)
        finite = [value for value in values if value is not None]
        child.seen, child.curve = seen, values[:CURVE_MAX]
        child.best = (max if sweep.goal == Goal.MAXIMIZE else min)(finite) if finite else None
    elif not is_over:
        return
    if is_over and child.run is not None:
        log_tried(child.run, child.parameters)
    child.has_ended = is_over
    child.save(update_fields=["seen", "curve", "best", "has_ended"])


def series(run_id: str, key: str) -> list[float | None]:
    """Give a metric's values by step; None for one that is not finite."""
    points = metrics.history(run_id, key)
    order = points.steps.argsort(kind="stable")
    return [float(value) if math.isfinite(value) else None for value in points.values[order]]


# ---- Judging --------------------------------------------------------------------------------------------------------


def judge(sweep: Sweep) -> None:
    """Stop the children that the policy gives up."""
    policy = Policy(**sweep.policy)
    if policy.kind == "none" or sweep.state != SweepState.RUNNING:
        return
    children = list(sweep.children.select_related("run__job"))
    for child in children:
        interval = policy.due(len(child.curve), child.judged)
        if child.has_ended or child.stopped or interval is None:
            continue
        others = [one.curve for one in children if one is not child]
        child.judged = interval
        child.stopped = verdict(policy, child.curve, others, interval, is_more_better=sweep.goal == Goal.MAXIMIZE)
        child.save(update_fields=["judged", "stopped"])
        if child.stopped:
            cancel([child])


def cancel(children: Iterable[SweepChild]) -> None:
    for child in children:
        if child.run_id and (job := Job.objects.filter(pk=child.run_id, cancel_asked_ms=None).first()):
            cancel_job(Actor.system(), job)


# ---- Deciding -------------------------------------------------------------------------------------------------------


def decide(sweep: Sweep) -> None:
    """Begin the end of a sweep whose time is over, whose run was deleted, or whose first tries all failed."""
    if sweep.state != SweepState.RUNNING or is_through(sweep):
        return
    if sweep.run.deleted_ms is not None:
        begin_end(sweep, SweepState.CANCELED, "Its run was deleted.")
    elif sweep.deadline_ms is not None and now_ms() >= sweep.deadline_ms:
        begin_end(sweep, SweepState.COMPLETED, TIME_IS_OVER)
    elif first_failures(sweep):
        begin_end(sweep, SweepState.FAILED, f"Its first {FIRST_FAILURES} children failed.")


def first_failures(sweep: Sweep) -> bool:
    ended = sweep.children.filter(has_ended=True)
    jobs = Job.objects.filter(pk__in=ended.values("run"))
    failed = jobs.filter(state=JobState.FAILED).count()
    return sweep.total > failed >= FIRST_FAILURES and failed == ended.count()


def begin_end(sweep: Sweep, ends_as: str, reason: str) -> None:
    sweep.state, sweep.ends_as, sweep.reason = SweepState.CANCELING, SweepState(ends_as), reason
    sweep.save(update_fields=["state", "ends_as", "reason"])


def end_children(sweep: Sweep) -> None:
    cancel(sweep.children.filter(has_ended=False))


def settle(sweep: Sweep) -> None:
    """End a sweep whose children all have, when none will follow."""
    if not is_through(sweep):
        return
    state = sweep.ends_as or SweepState.COMPLETED
    if state == SweepState.COMPLETED and not came_to_something(sweep):
        state, sweep.reason = SweepState.FAILED, sweep.reason or "All its children failed."
    sweep.state, sweep.ended_ms = SweepState(state), now_ms()
    sweep.save(update_fields=["state", "ended_ms", "reason"])
    finish_submitted_run(Actor.system(), sweep.run, status=RUN_STATUS[JobState(sweep.state.value)])
    logger.info("sweep ended sweep=%s state=%s children=%d", sweep.pk, sweep.state, sweep.children.count())


def is_through(sweep: Sweep) -> bool:
    if sweep.children.filter(has_ended=False).exists():
        return False
    return sweep.state == SweepState.CANCELING or sweep.children.count() >= sweep.total


def came_to_something(sweep: Sweep) -> bool:
    """Say whether a child completed, or was stopped by the policy, or has a value at least."""
    runs = sweep.children.values("run")
    completed = Job.objects.filter(pk__in=runs, state=JobState.COMPLETED).exists()
    return completed or sweep.children.exclude(stopped="", best=None).exists()


# ---- Filling --------------------------------------------------------------------------------------------------------


def fill_one_place(run_id: str) -> bool:
    """Submit the next child if there is a place for it; False when there is none, or another moves the sweep."""
    with transaction.atomic():
        sweep = locked(run_id, state=SweepState.RUNNING)
        if sweep is None:
            return False
        number = sweep.children.count()
        if number >= sweep.total or sweep.children.filter(has_ended=False).count() >= sweep.concurrent:
            return False
        try:
            with transaction.atomic():
                add_child(sweep, number)
        except StudioError as error:
            begin_end(sweep, SweepState.FAILED, f"A child could not be submitted: {error}")
            return False
    return True


def add_child(sweep: Sweep, number: int) -> SweepChild:
    """Write a child and its job. Numbers have no gaps, as children are never deleted, only their runs."""
    drawn = drawn_for(sweep, number)
    job = submit_planned(
        sweep.plan,
        name=f"{sweep.run.name[:200]}-{number}",
        command=with_arguments(sweep.plan.command, drawn),
        parameters={name.lstrip("-"): value for name, value in drawn},
        tags={"studio.sweepChild": str(number)},
        parent=sweep.run,
    )
    return SweepChild.objects.create(sweep=sweep, number=number, run=job.run, parameters=drawn)


def drawn_for(sweep: Sweep, number: int) -> Drawn:
    space = Space.from_json(sweep.space)
    return space.point(number) if sweep.sampling == Sampling.GRID else space.draw(sweep.seed, number)
