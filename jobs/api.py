"""Jobs for programs: list, show, cancel, logs."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from compute.shapes import EnvironmentIn, asked_spec
from experiments.models import Experiment
from experiments.operations import create_experiment
from jobs import operations, queries
from jobs.models import Job
from lib.http import number_in
from workspaces import access
from workspaces.models import Workspace


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


class LimitsIn(serializers.Serializer[Any]):
    """What the job and all its processes may use; each is optional."""

    memory_bytes = serializers.IntegerField(required=False, min_value=16 * 1024 * 1024)
    cpu_weight = serializers.FloatField(required=False, min_value=0.01, max_value=1000)
    cpu_quota = serializers.FloatField(required=False, min_value=0.01, max_value=1000)
    processes = serializers.IntegerField(required=False, min_value=1, max_value=100_000)
    file_bytes = serializers.IntegerField(required=False, min_value=1)
    open_files = serializers.IntegerField(required=False, min_value=16)


class LogOut(serializers.Serializer[Any]):
    text = serializers.CharField()
    offset = serializers.IntegerField()
    final = serializers.BooleanField()


class JobIn(serializers.Serializer[Any]):
    """A job: `files` by path (text), a command of words, and the environment's files or packages."""

    experiment = serializers.CharField(max_length=500)
    name = serializers.CharField(max_length=250, default="", allow_blank=True)
    files = serializers.DictField(child=serializers.CharField(trim_whitespace=False, allow_blank=True))
    command = serializers.ListField(child=serializers.CharField(trim_whitespace=False, allow_blank=True))
    environment = EnvironmentIn()
    env = serializers.DictField(child=serializers.CharField(allow_blank=True), default=dict)
    limits = LimitsIn(default=dict)
    tags = serializers.DictField(child=serializers.CharField(allow_blank=True), default=dict)
    attempts_allowed = serializers.IntegerField(default=1)
    time_limit_s = serializers.IntegerField(default=None, allow_null=True, min_value=1, max_value=365 * 24 * 3600)


def found(request: Request, run_id: str) -> Job:
    actor, workspace = request._request.actor, request._request.workspace  # type: ignore[attr-defined]
    return access.fetch(actor, queries.jobs(actor, workspace), pk=run_id)


@extend_schema(methods=["GET"], responses=JobOut(many=True))
@extend_schema(methods=["POST"], request=JobIn, responses={201: JobOut})
@api_view(["GET", "POST"])
def jobs(request: Request) -> Response:
    """List the workspace's jobs, the newest 200, or submit one."""
    actor, workspace = request._request.actor, request._request.workspace  # type: ignore[attr-defined]
    if request.method == "POST":
        body = JobIn(data=request.data)
        body.is_valid(raise_exception=True)
        return Response(JobOut(submit(actor, workspace, body.validated_data)).data, status=201)
    return Response(JobOut(queries.jobs(actor, workspace)[:200], many=True).data)


@transaction.atomic
def submit(actor: access.Actor, workspace: Workspace, values: dict[str, Any]) -> Job:
    """Submit in an experiment by its name, made if need be."""
    values = dict(values)
    wanted, files = values.pop("experiment"), values.pop("files")
    experiment = Experiment.objects.visible_to(actor).filter(workspace=workspace, name=wanted).first()
    if experiment is None:
        experiment = create_experiment(actor, workspace, name=wanted)
    content = {path: text.encode() for path, text in files.items()}
    snapshot = operations.store_snapshot(actor, workspace, files=content)
    environment = asked_spec(values.pop("environment"))
    return operations.submit_job(actor, experiment, snapshot=snapshot, environment=environment, **values)


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


jobs = access.needs(GET="jobs.read", POST="jobs.write")(jobs)
job = access.needs("jobs.read")(job)
cancel = access.needs("jobs.write")(cancel)
run_sample = access.needs("jobs.write")(run_sample)
log = access.needs("jobs.read")(log)
