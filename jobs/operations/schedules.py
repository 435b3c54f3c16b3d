"""Schedules: what people ask of them, and the ticks that time brings.

A tick is taken under the lock of the schedule's row: the next time, the history and the job are written in one
transaction, and the history holds each tick once. So a tick is never taken twice, nor half.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from experiments.models import Experiment
from jobs.models import JOB_ENDED, Job, JobPlan, Schedule, ScheduleState, ScheduleTick
from jobs.operations.plans import Planned, keep_plan, submit_planned
from jobs.schedules import cron as times
from lib.clock import now_ms
from lib.errors import AlreadyExists, InvalidValue, StudioError
from workspaces.access import Actor, operation
from workspaces.models import LifeState

logger = logging.getLogger(__name__)

BATCH = 100
# So many ticks in a row that could not be submitted disable a schedule. A job that fails does not: that is its news.
FAILURES_ALLOWED = 5
KEPT_TICKS = 200
LATE_MS = 60_000
OUTCOME = ScheduleTick.Outcome


@operation("jobs.write")
def create_schedule(
    actor: Actor,
    experiment: Experiment,
    *,
    name: str,
    plan: Planned,
    cron: str,
    time_zone: str = "UTC",
    catches_up: bool = True,
    overlaps: bool = False,
) -> Schedule:
    """Submit `plan` at each time of a cron expression from now on.

    Raises InvalidValue for an expression, a time zone or a plan that cannot be, AlreadyExists for a name in use.
    """
    workspace = experiment.workspace
    check_name(name)
    times.check(cron, time_zone)
    # Taken first: of two at once the second waits here, and sees the name.
    type(workspace).objects.select_for_update().get(pk=workspace.pk)
    if Schedule.objects.filter(workspace=workspace, name=name).exists():
        raise AlreadyExists(_("There is a schedule “%s” already.") % name, field="name")
    return Schedule.objects.create(
        workspace=workspace,
        name=name,
        plan=keep_plan(actor, experiment, plan),
        cron=cron,
        time_zone=time_zone,
        catches_up=catches_up,
        overlaps=overlaps,
        next_ms=times.next_ms(cron, time_zone, now_ms()),
    )


def check_name(name: str) -> None:
    if not name.strip() or len(name) > 100 or "/" in name or not name.isprintable():
        raise InvalidValue(_("A schedule has a name of 1–100 characters without “/”."), field="name")


@operation("jobs.write")
def update_schedule(actor: Actor, schedule: Schedule, /, **changes: Any) -> Schedule:
    """Change `cron`, `time_zone`, `catches_up` or `overlaps`; ticks that were due before are let go."""
    schedule = Schedule.objects.select_for_update().get(pk=schedule.pk)
    unknown = set(changes) - {"cron", "time_zone", "catches_up", "overlaps"}
    if unknown:
        raise InvalidValue(_("A schedule's %s cannot be changed.") % ", ".join(sorted(unknown)))
    for name, value in changes.items():
        setattr(schedule, name, value)
    times.check(schedule.cron, schedule.time_zone)
    if schedule.state == ScheduleState.ACTIVE:
        schedule.next_ms = times.next_ms(schedule.cron, schedule.time_zone, now_ms())
    schedule.save(update_fields=["next_ms", *changes])
    return schedule


@operation("jobs.write")
def pause_schedule(actor: Actor, schedule: Schedule) -> Schedule:
    """Take no ticks until it is resumed."""
    Schedule.objects.filter(pk=schedule.pk, state=ScheduleState.ACTIVE).update(state=ScheduleState.PAUSED, next_ms=None)
    schedule.refresh_from_db()
    return schedule


@operation("jobs.write")
def resume_schedule(actor: Actor, schedule: Schedule) -> Schedule:
    """Take ticks again from now on, for who resumes it; those that passed meanwhile are let go."""
    JobPlan.objects.filter(pk=schedule.plan_id).update(submitted_by=actor.name, as_user_id=actor.user_id)
    following = times.next_ms(schedule.cron, schedule.time_zone, now_ms())
    Schedule.objects.filter(pk=schedule.pk).exclude(state=ScheduleState.ACTIVE).update(
        state=ScheduleState.ACTIVE, failures=0, reason="", next_ms=following
    )
    schedule.refresh_from_db()
    return schedule


@operation("jobs.write")
def delete_schedule(actor: Actor, schedule: Schedule) -> None:
    """Remove a schedule and its history; the jobs that it submitted stay."""
    schedule.delete()


@operation("jobs.write")
def run_schedule_now(actor: Actor, schedule: Schedule) -> Job:
    """Submit a schedule's job out of turn, also while it is paused. Its times stay as they are."""
    job = submit_planned(schedule.plan, tags={"studio.schedule": schedule.name})
    note(schedule, now_ms(), OUTCOME.SUBMITTED, _("Asked for by %s.") % actor.name, job, by_hand=True)
    return job


# ---- Time -----------------------------------------------------------------------------------------------------------


def fire_schedules() -> int:
    """Take every tick that is due; gives how many schedules had one."""
    rows = Schedule.objects.filter(state=ScheduleState.ACTIVE, next_ms__lte=now_ms(), workspace__state=LifeState.ACTIVE)
    return sum(fire(pk) for pk in list(rows.order_by("next_ms").values_list("pk", flat=True)[:BATCH]))


@transaction.atomic
def fire(pk: int) -> bool:
    """Take a schedule's tick, if nobody else has it in hand or has taken it since."""
    now = now_ms()
    rows = Schedule.objects.select_for_update(of=["self"], skip_locked=True).select_related("plan", "workspace")
    schedule = rows.filter(pk=pk, state=ScheduleState.ACTIVE, next_ms__lte=now).first()
    if schedule is None or schedule.next_ms is None:
        return False
    due_ms, missed = times.due(schedule.cron, schedule.time_zone, schedule.next_ms, now)
    schedule.next_ms = times.next_ms(schedule.cron, schedule.time_zone, max(now, due_ms))
    take(schedule, due_ms, missed, is_late=now - due_ms > LATE_MS)
    schedule.save(update_fields=["next_ms", "failures", "state", "reason"])
    prune(schedule)
    return True


def take(schedule: Schedule, due_ms: int, missed: int, *, is_late: bool) -> None:
    """Submit a tick's job, or write down why not."""
    said = _("%d earlier ticks were missed.") % missed if missed else ""
    if is_late and not schedule.catches_up:
        note(schedule, due_ms, OUTCOME.SKIPPED, _("The studio was away at that time.") + (f" {said}" if said else ""))
    elif not schedule.overlaps and (live := still_running(schedule)):
        note(schedule, due_ms, OUTCOME.SKIPPED, _("“%s” still ran.") % live.run.name)
    else:
        try:
            with transaction.atomic():
                job = submit_planned(schedule.plan, tags={"studio.schedule": schedule.name})
        except StudioError as error:
            fail(schedule, due_ms, str(error))
        else:
            schedule.failures = 0
            note(schedule, due_ms, OUTCOME.SUBMITTED, said, job)


def still_running(schedule: Schedule) -> Job | None:
    jobs = Job.objects.filter(pk__in=schedule.ticks.values("run")).exclude(state__in=JOB_ENDED)
    return jobs.select_related("run").first()


def fail(schedule: Schedule, due_ms: int, why: str) -> None:
    note(schedule, due_ms, OUTCOME.FAILED, why)
    schedule.failures += 1
    logger.warning("schedule could not submit schedule=%s failures=%d: %s", schedule.pk, schedule.failures, why)
    if schedule.failures >= FAILURES_ALLOWED:
        schedule.state, schedule.next_ms = ScheduleState.DISABLED, None
        schedule.reason = _("%(count)d ticks in a row could not be submitted: %(why)s") % {
            "count": schedule.failures,
            "why": why,
        }


def note(
    schedule: Schedule, due_ms: int, outcome: str, text: str, job: Job | None = None, *, by_hand: bool = False
) -> None:
    ScheduleTick.objects.create(
        schedule=schedule,
        due_ms=due_ms,
        outcome=outcome,
        note=text[:2000],
        run=job.run if job else None,
        by_hand=by_hand,
    )


def prune(schedule: Schedule) -> None:
    kept = schedule.ticks.order_by("-at_ms", "-pk").values_list("pk", flat=True)[:KEPT_TICKS]
    schedule.ticks.exclude(pk__in=list(kept)).delete()
