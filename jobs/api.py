"""Jobs for programs: submit, list, show, cancel, logs; the code that they run."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import FileResponse
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from compute.queries import find_target
from compute.shapes import EnvironmentIn, asked_name, asked_spec
from experiments.data import runs as run_data
from experiments.models import Experiment, Run
from experiments.operations import create_experiment
from jobs import operations, queries, snapshots
from jobs.models import Job, Snapshot
from jobs.operations.submission import TIME_LIMIT_MAX_S, Variables
from lib.errors import InvalidValue
from lib.http import number_in
from workspaces import access
from workspaces.drf import asked, parsed
from workspaces.models import Workspace

LISTED_MAX = 200


class LogPlace(serializers.Serializer[Any]):
    name = serializers.CharField()
    url = serializers.CharField()


class JobOut(serializers.ModelSerializer[Job]):
    """A job. `stages` are [state, since_ms, newest log line]; `logs` grow while it runs."""

    name = serializers.CharField(source="run.name")
    experiment_id = serializers.CharField(source="run.experiment_id")
    experiment = serializers.CharField(source="run.experiment.name")
    target = serializers.CharField(source="target.name")
    node = serializers.CharField(source="node.name", default=None)
    snapshot = serializers.CharField(source="snapshot.digest")
    environment_digest = serializers.CharField(source="environment.digest", default=None)
    environment_state = serializers.CharField(source="environment.state", default=None)
    started_ms = serializers.SerializerMethodField()
    logs = serializers.SerializerMethodField()
    warnings = serializers.SerializerMethodField()
    waits = serializers.SerializerMethodField()
    inputs = serializers.SerializerMethodField()

    class Meta:
        model = Job
        fields = [
            "run_id", "name", "experiment_id", "experiment", "target", "node", "command", "entry_point", "parameters",
            "state", "stages", "waits", "error", "warnings", "exit_code", "cpu_s", "attempt", "attempts_allowed",
            "time_limit_s", "snapshot", "environment_name", "environment_digest", "environment_state", "logs",
            "left_behind", "inputs", "submitted_by", "cancel_asked_ms", "created_ms", "started_ms", "ended_ms",
        ]  # fmt: skip

    def get_started_ms(self, job: Job) -> int | None:
        return queries.started_ms(job)

    def get_logs(self, job: Job) -> list[dict[str, str]]:
        workspace = job.workspace.name
        return [
            {"name": name, "url": reverse("jobs-api:log", args=[workspace, job.pk, name])}
            for name in queries.log_names(job)
        ]

    def get_warnings(self, job: Job) -> list[str]:
        return queries.warnings(job)

    def get_waits(self, job: Job) -> str:
        return queries.why_it_waits(job)

    def get_inputs(self, job: Job) -> list[dict[str, Any]]:
        return run_data.shaped(job.run)


class InputIn(serializers.Serializer[Any]):
    """A dataset's version (`name@version`, or the newest), copied into the job's folder before the command runs."""

    dataset = serializers.CharField(max_length=300)
    mode = serializers.CharField(max_length=20, default="copy")


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
    """A job: code (`snapshot` by its digest, or small `files` by path), what to run, in which environment, where.

    What to run is a `command` of words, or an `entry_point` of the code's MLproject with `parameters`; then the
    environment may be left to the project.
    """

    experiment = serializers.CharField(max_length=500)
    name = serializers.CharField(max_length=250, default="", allow_blank=True)
    snapshot = serializers.CharField(max_length=64, required=False)
    files = serializers.DictField(child=serializers.CharField(trim_whitespace=False, allow_blank=True), required=False)
    command = serializers.ListField(
        child=serializers.CharField(trim_whitespace=False, allow_blank=True), required=False
    )
    entry_point = serializers.CharField(max_length=200, required=False)
    parameters = serializers.DictField(child=serializers.CharField(allow_blank=True), required=False)
    environment = EnvironmentIn(required=False)
    target = serializers.CharField(max_length=60, default="", allow_blank=True)
    env = serializers.DictField(child=serializers.CharField(allow_blank=True), default=dict)
    limits = LimitsIn(default=dict)
    tags = serializers.DictField(child=serializers.CharField(allow_blank=True), default=dict)
    attempts_allowed = serializers.IntegerField(default=1)
    time_limit_s = serializers.IntegerField(default=None, allow_null=True, min_value=1, max_value=TIME_LIMIT_MAX_S)
    parent_run_id = serializers.CharField(max_length=32, required=False)
    inputs = serializers.DictField(child=InputIn(), default=dict)


def found(request: Request, run_id: str) -> Job:
    actor, workspace = asked(request)
    return access.fetch(actor, queries.jobs(actor, workspace), pk=run_id)


@extend_schema(methods=["GET"], responses=JobOut(many=True))
@extend_schema(methods=["POST"], request=JobIn, responses={201: JobOut})
@api_view(["GET", "POST"])
def jobs(request: Request) -> Response:
    """List jobs, the newest 200 (`?state=`, `?target=`, `?experiment=`), or submit one."""
    actor, workspace = asked(request)
    if request.method == "POST":
        return Response(JobOut(submit(actor, workspace, parsed(JobIn, request))).data, status=201)
    rows = queries.narrowed(queries.jobs(actor, workspace), request.GET).select_related("workspace")
    return Response(JobOut(rows[:LISTED_MAX], many=True).data)


@transaction.atomic
def submit(actor: access.Actor, workspace: Workspace, values: dict[str, Any]) -> Job:
    """Submit in an experiment by its name, made if need be."""
    target, wanted = values.pop("target"), values.pop("environment", None)
    command, entry_point = values.pop("command", None), values.pop("entry_point", None)
    if (command is None) == (entry_point is None):
        raise InvalidValue("Give either a command or an entry_point.", field="command")
    parent = values.pop("parent_run_id", None)
    code = code_of(actor, workspace, values)
    fields = {
        **values,
        "env": Variables(values["env"]),
        "inputs": {name: run_data.Wanted(**one) for name, one in values["inputs"].items()},
        "snapshot": code,
        "compute": find_target(actor, workspace, target) if target else None,
        "environment_name": asked_name(actor, workspace, wanted) if wanted else "",
        "environment": asked_spec(actor, workspace, wanted) if wanted else None,
        "parent": access.fetch(actor, Run.objects.filter(workspace=workspace), pk=parent) if parent else None,
    }
    experiment = experiment_named(actor, workspace, fields.pop("experiment"))
    if entry_point is not None:
        return operations.submit_project(actor, experiment, entry_point=entry_point, **fields)
    if wanted is None:
        raise InvalidValue("A command needs an environment.", field="environment")
    fields.pop("parameters", None)
    return operations.submit_job(actor, experiment, command=command, **fields)


def code_of(actor: access.Actor, workspace: Workspace, values: dict[str, Any]) -> Snapshot:
    digest, files = values.pop("snapshot", None), values.pop("files", None)
    if digest:
        return access.fetch(actor, queries.snapshots(actor, workspace), digest=digest)
    if files is None:
        raise InvalidValue("Give the code: a snapshot's digest, or files by path.", field="snapshot")
    content = {path: text.encode() for path, text in files.items()}
    return operations.store_snapshot(actor, workspace, files=content)


def experiment_named(actor: access.Actor, workspace: Workspace, name: str) -> Experiment:
    rows = Experiment.objects.visible_to(actor).filter(workspace=workspace, name=name)
    return rows.first() or create_experiment(actor, workspace, name=name)


@extend_schema(responses=JobOut)
@api_view(["GET"])
def job(request: Request, run_id: str) -> Response:
    """Show a job with its stages and logs."""
    return Response(JobOut(found(request, run_id)).data)


@extend_schema(request=None, responses={202: JobOut})
@api_view(["POST"])
def cancel(request: Request, run_id: str) -> Response:
    """Ask for a job's end."""
    actor, _workspace = asked(request)
    operations.cancel_job(actor, found(request, run_id))
    return Response(JobOut(found(request, run_id)).data, status=202)


@extend_schema(request=None, responses={201: JobOut})
@api_view(["POST"])
def rerun(request: Request, run_id: str) -> Response:
    """Submit the same once more."""
    actor, _workspace = asked(request)
    return Response(JobOut(operations.rerun_job(actor, found(request, run_id))).data, status=201)


@extend_schema(request=None, responses={201: JobOut})
@api_view(["POST"])
def run_sample(request: Request) -> Response:
    """Submit the sample."""
    return Response(JobOut(operations.run_sample(*asked(request))).data, status=201)


@extend_schema(responses=LogOut)
@api_view(["GET"])
def log(request: Request, run_id: str, name: str) -> Response:
    """Give a log (`build`, `std`, `logs/…`) from `?offset=` on; `final` says that nothing will follow."""
    piece = queries.log(found(request, run_id), name, number_in(request._request, "offset"))
    return Response({"text": piece.text, "offset": piece.offset, "final": piece.final})


# ---- Code -----------------------------------------------------------------------------------------------------------


class FileIn(serializers.Serializer[Any]):
    path = serializers.CharField(max_length=2000, trim_whitespace=False)
    sha256 = serializers.RegexField(r"^[0-9a-f]{64}$")
    size_bytes = serializers.IntegerField(min_value=0)
    is_executable = serializers.BooleanField(default=False)


class SnapshotIn(serializers.Serializer[Any]):
    files = FileIn(many=True)
    lifts_file_limit = serializers.BooleanField(default=False)


class SnapshotOut(serializers.Serializer[Any]):
    digest = serializers.CharField()
    missing = serializers.ListField(child=serializers.CharField())


class SnapshotFilesOut(serializers.ModelSerializer[Snapshot]):
    file_list = serializers.JSONField(source="manifest")

    class Meta:
        model = Snapshot
        fields = ["digest", "files", "size_bytes", "created_ms", "file_list"]


@extend_schema(request=SnapshotIn, responses={200: SnapshotOut})
@api_view(["POST"])
def list_snapshot(request: Request) -> Response:
    """List a folder's files; the answer names the contents that the studio has not got. With none it is there."""
    begun = operations.list_snapshot(*asked(request), **parsed(SnapshotIn, request))
    return Response({"digest": begun.digest, "missing": begun.missing})


@extend_schema(request={"application/x-tar": OpenApiTypes.BINARY}, responses={201: None})
@api_view(["POST"])
def store_contents(request: Request) -> Response:
    """Take contents: the body is a tar archive of files that are named by their SHA-256."""
    actor, workspace = asked(request)
    count = operations.store_contents(actor, workspace, archive=request._request)  # type: ignore[arg-type]
    return Response({"count": count}, status=201)


@extend_schema(responses=SnapshotFilesOut)
@api_view(["GET"])
def snapshot(request: Request, digest: str) -> Response:
    """Show what a snapshot holds."""
    actor, workspace = asked(request)
    return Response(SnapshotFilesOut(access.fetch(actor, queries.snapshots(actor, workspace), digest=digest)).data)


@extend_schema(responses={200: OpenApiTypes.BINARY})
@api_view(["GET"])
def snapshot_zip(request: Request, digest: str) -> FileResponse:
    """Give a snapshot as a zip file."""
    actor, workspace = asked(request)
    found = access.fetch(actor, queries.snapshots(actor, workspace), digest=digest)
    return FileResponse(snapshots.zipped(found), as_attachment=True, filename=f"{digest[:12]}.zip")


jobs = access.needs(GET="jobs.read", POST="jobs.write")(jobs)
job = access.needs("jobs.read")(job)
cancel = access.needs("jobs.write")(cancel)
rerun = access.needs("jobs.write")(rerun)
run_sample = access.needs("jobs.write")(run_sample)
log = access.needs("jobs.read")(log)
list_snapshot = access.needs("jobs.write")(list_snapshot)
store_contents = access.needs("jobs.write")(store_contents)
snapshot = access.needs("jobs.read")(snapshot)
snapshot_zip = access.needs("jobs.read")(snapshot_zip)
