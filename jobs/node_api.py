"""What compute nodes and runners call, with a node token, under /api/v1/node/."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from compute import sizes
from compute.operations import cluster_of
from experiments.data import runs as run_data
from experiments.data import stores
from experiments.data.models import DatasetVersion, RunInput
from experiments.data.sending import send_file
from jobs import operations, snapshots
from jobs.models import JOB_HELD, JOB_LIVE, Job
from jobs.operations import running
from lib.errors import InvalidValue, NotFound
from lib.http import number_in
from workspaces import access
from workspaces.drf import parsed

PIECE_MAX = 4 * 1024 * 1024
ADDRESS_S = 6 * 3600  # a signed address is good for as long as a large file may take


class ClaimIn(serializers.Serializer[Any]):
    node = serializers.CharField(max_length=100)


class KnownIn(serializers.Serializer[Any]):
    run_ids = serializers.ListField(child=serializers.CharField(max_length=32), max_length=10_000)


class BeatIn(serializers.Serializer[Any]):
    attempt = serializers.IntegerField()
    state = serializers.ChoiceField(choices=JOB_LIVE, default="", allow_blank=True)
    newest = serializers.CharField(default="", allow_blank=True, max_length=4000)


class LeftBehindIn(serializers.Serializer[Any]):
    """Files that the command left outside ./outputs, which nobody keeps; `paths` are the first of them."""

    count = serializers.IntegerField(min_value=0)
    size_bytes = serializers.IntegerField(min_value=0)
    paths = serializers.ListField(child=serializers.CharField(max_length=2000), max_length=200)


class FinishIn(serializers.Serializer[Any]):
    attempt = serializers.IntegerField()
    outcome = serializers.ChoiceField(choices=["completed", "failed", "canceled", "lost", "unstarted"])
    error = serializers.CharField(default="", allow_blank=True, max_length=100_000, trim_whitespace=False)
    exit_code = serializers.IntegerField(default=None, allow_null=True)
    cpu_s = serializers.FloatField(default=None, allow_null=True)
    left_behind = LeftBehindIn(required=False)


def actor_of(request: Request) -> access.Actor:
    return request._request.actor  # type: ignore[attr-defined, no-any-return]


def work(claim: operations.Claim) -> dict[str, Any]:
    """Give all that a runner needs: it has no other way to ask."""
    job = claim.job
    return {
        "run_id": job.pk,
        "attempt": job.attempt,
        "experiment_id": str(job.run.experiment_id),
        "workspace": job.workspace.name,
        "command": job.command,
        "env": job.env,
        "experiment_name": job.run.experiment.name,
        "group": job.workspace.group.name,
        "subscription": job.workspace.group.subscription_id,
        "limits": sizes.narrowed(job.limits, job.target.vm_size),
        "time_limit_s": job.time_limit_s,
        "environment": job.environment.spec if job.environment else None,
        "snapshot": job.snapshot.digest,
        "inputs": [one.name for one in run_data.inputs_of(job.run)],
        "token": claim.token,
        "tracking_uri": f"{settings.STUDIO_INTERNAL_URL}/w/{job.workspace.name}",
    }


@extend_schema(exclude=True)
@api_view(["POST"])
def claim(request: Request) -> Response:
    """Take the oldest waiting job of the node's cluster; `job` is null when there is none."""
    claimed = operations.claim_job(actor_of(request), node_name=parsed(ClaimIn, request)["node"])
    return Response({"job": work(claimed) if claimed else None})


@extend_schema(exclude=True)
@api_view(["GET"])
def held(request: Request) -> Response:
    """List the attempts that the node should be at work on."""
    jobs = running.held_jobs(actor_of(request), node_name=request.GET.get("node", ""))
    return Response({"jobs": [{"run_id": job.pk, "attempt": job.attempt} for job in jobs]})


@extend_schema(exclude=True)
@api_view(["POST"])
def known(request: Request) -> Response:
    """Say which of the jobs whose folders a node has still exist."""
    return Response({"run_ids": running.known_runs(actor_of(request), **parsed(KnownIn, request))})


@extend_schema(exclude=True)
@api_view(["POST"])
def beat(request: Request, run_id: str) -> Response:
    """Say that an attempt's runner lives; the answer says whether to run, cancel or drop."""
    said = operations.beat(actor_of(request), run_id, **parsed(BeatIn, request))
    return Response({"wanted": said.wanted})


@extend_schema(exclude=True)
@api_view(["POST"])
def finish(request: Request, run_id: str) -> Response:
    """Say how an attempt ended."""
    operations.finish_job(actor_of(request), run_id, **parsed(FinishIn, request))
    return Response({})


def log(request: HttpRequest, run_id: str, name: str) -> JsonResponse:
    """Append the body to a log at `?offset=`; 409 tells the size when a piece is missing."""
    length = request.headers.get("Content-Length", "")
    if not length.isdigit() or int(length) > PIECE_MAX:
        raise InvalidValue(f"A piece of a log has at most {PIECE_MAX} bytes.")
    attempt, offset = number_in(request, "attempt"), number_in(request, "offset")
    actor: access.Actor = request.actor  # type: ignore[attr-defined]
    size = operations.append_log(actor, run_id, attempt=attempt, name=name, offset=offset, data=request.body)
    return JsonResponse({"size": size})


def snapshot(request: HttpRequest, run_id: str) -> StreamingHttpResponse:
    """Give the archive of a job's code."""
    actor: access.Actor = request.actor  # type: ignore[attr-defined]
    rows = Job.objects.filter(target=cluster_of(actor), state__in=JOB_HELD)
    job = rows.select_related("snapshot").filter(pk=run_id).first()
    if job is None:
        raise NotFound("There is no such job on this cluster.")
    return StreamingHttpResponse(snapshots.tar(job.snapshot), content_type="application/x-tar")


def input_files(request: HttpRequest, run_id: str, name: str) -> JsonResponse:
    """List the files of one of a job's inputs."""
    version = input_of(request, run_id, name)
    return JsonResponse({"files": [{"name": one["name"], "size_bytes": one["size_bytes"]} for one in version.files]})


def input_file(request: HttpRequest, run_id: str, name: str, place: int) -> HttpResponseBase:
    """Give a file of an input by its place in the list: where its store has addresses of its own, a way to there.

    A node that the store does not answer asks again with `?through=studio`.
    """
    version = input_of(request, run_id, name)
    if place >= len(version.files):
        raise NotFound("The input has no such file.")
    path = version.files[place]["path"]
    if request.GET.get("through") != "studio" and (url := stores.address_of(version.datastore, path, ADDRESS_S)):
        return HttpResponse(status=307, headers={"Location": url, "Cache-Control": "no-store"})
    return send_file(version.datastore, path)


def input_of(request: HttpRequest, run_id: str, name: str) -> DatasetVersion:
    """Give what is one input of a job that this node's cluster holds."""
    actor: access.Actor = request.actor  # type: ignore[attr-defined]
    if not Job.objects.filter(pk=run_id, target=cluster_of(actor), state__in=JOB_HELD).exists():
        raise NotFound("There is no such job on this cluster.")
    found = RunInput.objects.filter(run=run_id, name=name).select_related("version__datastore").first()
    if found is None or found.version is None:
        raise NotFound("The job has no such input.")
    return found.version


claim = access.node(claim)
held = access.node(held)
known = access.node(known)
beat = access.node(beat)
finish = access.node(finish)
log = access.node(csrf_exempt(require_POST(log)))
snapshot = access.node(require_GET(snapshot))
input_files = access.node(require_GET(input_files))
input_file = access.node(require_GET(input_file))
