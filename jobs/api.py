"""Jobs for programs: list, show, cancel, logs."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from jobs import operations, queries
from jobs.models import Job
from lib.http import number_in
from workspaces import access


class JobOut(serializers.ModelSerializer[Job]):
    name = serializers.CharField(source="run.name")
    experiment_id = serializers.CharField(source="run.experiment_id")
    target = serializers.CharField(source="target.name")
    node = serializers.CharField(source="node.name", default=None)

    class Meta:
        model = Job
        fields = [
            "run_id", "name", "experiment_id", "target", "node", "command", "state", "stages", "error", "exit_code",
            "cpu_s", "attempt", "attempts_allowed", "time_limit_s", "submitted_by", "cancel_asked_ms", "created_ms",
            "ended_ms",
        ]  # fmt: skip


class LogOut(serializers.Serializer[Any]):
    text = serializers.CharField()
    offset = serializers.IntegerField()
    final = serializers.BooleanField()


def found(request: Request, run_id: str) -> Job:
    actor, workspace = request._request.actor, request._request.workspace  # type: ignore[attr-defined]
    return access.fetch(actor, queries.jobs(actor, workspace), pk=run_id)


@extend_schema(responses=JobOut(many=True))
@api_view(["GET"])
def jobs(request: Request) -> Response:
    """List the workspace's jobs, the newest 200."""
    actor, workspace = request._request.actor, request._request.workspace  # type: ignore[attr-defined]
    return Response(JobOut(queries.jobs(actor, workspace)[:200], many=True).data)


@extend_schema(responses=JobOut)
@api_view(["GET"])
def job(request: Request, run_id: str) -> Response:
    """Show a job with its stages."""
    return Response(JobOut(found(request, run_id)).data)


@extend_schema(request=None, responses={202: JobOut})
@api_view(["POST"])
def cancel(request: Request, run_id: str) -> Response:
    """Ask for a job's end."""
    actor = request._request.actor  # type: ignore[attr-defined]
    operations.cancel_job(actor, found(request, run_id))
    return Response(JobOut(found(request, run_id)).data, status=202)


@extend_schema(request=None, responses={201: JobOut})
@api_view(["POST"])
def run_sample(request: Request) -> Response:
    """Submit the sample."""
    actor, workspace = request._request.actor, request._request.workspace  # type: ignore[attr-defined]
    return Response(JobOut(operations.run_sample(actor, workspace)).data, status=201)


@extend_schema(responses=LogOut)
@api_view(["GET"])
def log(request: Request, run_id: str, name: str) -> Response:
    """Give a log (`build` or `std`) from `?offset=` on; `final` says that nothing will follow."""
    piece = queries.log(found(request, run_id), name, number_in(request._request, "offset"))
    return Response({"text": piece.text, "offset": piece.offset, "final": piece.final})


jobs = access.needs("jobs.read")(jobs)
job = access.needs("jobs.read")(job)
cancel = access.needs("jobs.write")(cancel)
run_sample = access.needs("jobs.write")(run_sample)
log = access.needs("jobs.read")(log)
