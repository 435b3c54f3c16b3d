"""Schedules for programs: create, list, show, change, pause, resume, run now, delete."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from jobs import operations
from jobs.api import JobOut
from jobs.models import Schedule, ScheduleTick
from jobs.planning import PlannedIn, asked_plan
from jobs.queries import jobs as job_rows
from jobs.schedules import queries
from lib.errors import InvalidValue
from workspaces import access
from workspaces.drf import asked, parsed

TICKS = 50


class TickOut(serializers.ModelSerializer[ScheduleTick]):
    job_state = serializers.CharField(source="run.job.state", default=None)

    class Meta:
        model = ScheduleTick
        fields = ["due_ms", "at_ms", "by_hand", "outcome", "note", "run_id", "job_state"]


class ScheduleOut(serializers.ModelSerializer[Schedule]):
    """A schedule; `next_ticks` are the next times in milliseconds, `ticks` what became of the newest 50."""

    command = serializers.CharField(source="plan.words")
    experiment = serializers.CharField(source="plan.experiment.name", default=None)
    target = serializers.CharField(source="plan.target.name")
    submitted_by = serializers.CharField(source="plan.submitted_by")
    next_ticks = serializers.SerializerMethodField()

    class Meta:
        model = Schedule
        fields = [
            "name", "cron", "time_zone", "state", "reason", "catches_up", "overlaps", "failures", "next_ms",
            "next_ticks", "command", "experiment", "target", "submitted_by", "created_ms",
        ]  # fmt: skip

    def get_next_ticks(self, schedule: Schedule) -> list[int]:
        return queries.next_ticks(schedule)


class ScheduleWithTicksOut(ScheduleOut):
    ticks = serializers.SerializerMethodField()

    class Meta(ScheduleOut.Meta):
        fields = [*ScheduleOut.Meta.fields, "ticks"]

    @extend_schema(responses=TickOut(many=True))
    def get_ticks(self, schedule: Schedule) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = list(TickOut(queries.ticks(schedule)[:TICKS], many=True).data)
        return rows


class TimesIn(serializers.Serializer[Any]):
    cron = serializers.CharField(max_length=100, required=False)
    time_zone = serializers.CharField(max_length=60, required=False)
    catches_up = serializers.BooleanField(required=False)
    overlaps = serializers.BooleanField(required=False)


class ScheduleIn(PlannedIn, TimesIn):
    """A schedule: five fields of cron in a time zone, and the job that is submitted then."""

    name = serializers.CharField(max_length=100)
    cron = serializers.CharField(max_length=100)


def found(request: Request, name: str) -> Schedule:
    actor, workspace = asked(request)
    return access.fetch(actor, queries.schedules(actor, workspace), name=name)


@extend_schema(methods=["GET"], responses=ScheduleOut(many=True))
@extend_schema(methods=["POST"], request=ScheduleIn, responses={201: ScheduleOut})
@api_view(["GET", "POST"])
def schedules(request: Request) -> Response:
    """List schedules, or create one."""
    actor, workspace = asked(request)
    if request.method != "POST":
        return Response(ScheduleOut(queries.schedules(actor, workspace), many=True).data)
    values = parsed(ScheduleIn, request)
    with transaction.atomic():
        experiment, plan = asked_plan(actor, workspace, values)
        made = operations.create_schedule(actor, experiment, plan=plan, **values)
    return Response(ScheduleOut(made).data, status=201)


@extend_schema(methods=["GET"], responses=ScheduleWithTicksOut)
@extend_schema(methods=["PATCH"], request=TimesIn, responses=ScheduleOut)
@extend_schema(methods=["DELETE"], responses={204: None})
@api_view(["GET", "PATCH", "DELETE"])
def schedule(request: Request, name: str) -> Response:
    """Show a schedule with its history, change its times, or delete it."""
    actor, _workspace = asked(request)
    one = found(request, name)
    if request.method == "DELETE":
        operations.delete_schedule(actor, one)
        return Response(status=204)
    if request.method == "PATCH":
        changed = operations.update_schedule(actor, one, **parsed(TimesIn, request))
        return Response(ScheduleOut(changed).data)
    return Response(ScheduleWithTicksOut(one).data)


@extend_schema(request=None, responses={200: ScheduleOut, 201: JobOut})
@api_view(["POST"])
def act(request: Request, name: str, verb: str) -> Response:
    """Pause or resume a schedule, or run its job now, which answers the job."""
    actor, workspace = asked(request)
    one = found(request, name)
    if verb == "run":
        job = operations.run_schedule_now(actor, one)
        return Response(JobOut(access.fetch(actor, job_rows(actor, workspace), pk=job.pk)).data, status=201)
    if verb not in ("pause", "resume"):
        raise InvalidValue("A schedule can pause, resume and run.", field="verb")
    change = operations.pause_schedule if verb == "pause" else operations.resume_schedule
    change(actor, one)
    return Response(ScheduleOut(found(request, name)).data)


schedules = access.needs(GET="jobs.read", POST="jobs.write")(schedules)
schedule = access.needs(GET="jobs.read", PATCH="jobs.write", DELETE="jobs.write")(schedule)
act = access.needs("jobs.write")(act)
