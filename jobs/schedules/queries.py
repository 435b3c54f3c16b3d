"""Reads of schedules: lists, what comes, what came."""

from __future__ import annotations

from django.db.models import QuerySet

from jobs.models import Schedule, ScheduleState, ScheduleTick
from jobs.schedules import cron
from workspaces.access import Actor
from workspaces.models import Workspace

SHOWN = 5


def schedules(actor: Actor, workspace: Workspace) -> QuerySet[Schedule]:
    """List the workspace's schedules by name."""
    rows = Schedule.objects.visible_to(actor).filter(workspace=workspace)
    return rows.select_related("plan__target", "plan__experiment", "workspace").order_by("name")


def next_ticks(schedule: Schedule) -> list[int]:
    """Give the next times, in milliseconds; none while it takes none."""
    if schedule.state != ScheduleState.ACTIVE or schedule.next_ms is None:
        return []
    return cron.following(schedule.cron, schedule.time_zone, schedule.next_ms - 1000, SHOWN)


def ticks(schedule: Schedule) -> QuerySet[ScheduleTick]:
    """Give what became of the ticks, newest first."""
    return schedule.ticks.select_related("run__job").order_by("-at_ms", "-pk")
