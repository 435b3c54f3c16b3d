"""What the server says of itself, and the addresses that MLflow's service description lacks."""

from __future__ import annotations

from importlib.metadata import version

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from experiments import operations, queries
from experiments.artifacts import of_model, of_run
from experiments.mlflow_api import metrics, uploads
from experiments.mlflow_api.artifacts import body, send
from experiments.mlflow_api.shapes import Shape
from lib.errors import InvalidValue, NotFound
from lib.mlflow import wire
from lib.mlflow.messages import Message, service
from lib.mlflow.rpc import rpc
from workspaces import access
from workspaces.access import Actor
from workspaces.models import Workspace
from workspaces.request import Request

VERSION = version("mlflow")
SERVER_INFO = {
    "store_type": "SqlStore",
    "workspaces_enabled": True,
    "artifact_serving_enabled": True,
    "multipart_uploads_enabled": True,
    "multipart_downloads_enabled": False,
    "artifacts_presigned_only": False,
}


def workspace_shape(row: Workspace) -> Shape:
    return {"name": row.name, **({"description": row.description} if row.description else {})}


@rpc(service.ListWorkspaces, needs="experiments.read")
def list_workspaces(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    return {"workspaces": [workspace_shape(row) for row in access.visible_workspaces(actor)]}


@rpc(service.GetWorkspace, needs="experiments.read")
def get_workspace(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    found = access.visible_workspaces(actor).filter(name=message.workspace_name).first()
    if found is None:
        raise NotFound(f"Workspace '{message.workspace_name[:100]}' not found")
    return {"workspace": workspace_shape(found)}


@access.signed_in
@require_GET
def server_info(request: HttpRequest) -> HttpResponse:
    return wire.answer(SERVER_INFO)


@access.signed_in
@require_GET
def mlflow_version(request: HttpRequest) -> HttpResponse:
    """Name the MLflow version whose protocol is spoken."""
    return HttpResponse(VERSION, content_type="text/plain")


@access.needs("experiments.read")
@require_GET
def get_artifact(request: Request) -> HttpResponseBase:
    """Send a run's artifact, as MLflow's own pages and some clients ask for it."""
    run_id = request.GET.get("run_id") or request.GET.get("run_uuid", "")
    run = queries.run(request.actor, request.workspace, run_id)
    return send(request, of_run(run).below(request.GET.get("path", "")))


@access.needs("experiments.read")
@require_GET
def get_model_artifact(request: Request, model_id: str) -> HttpResponseBase:
    model = queries.logged_model(request.actor, request.workspace, model_id)
    return send(request, of_model(model).below(request.GET.get("artifact_file_path", "")))


MOST_BY_PAGE = 10 * 1024 * 1024


@csrf_exempt
@access.needs("experiments.write")
@require_POST
def upload_artifact(request: Request) -> HttpResponse:
    """Store a small artifact of a run, as MLflow's own pages send it."""
    run_id, path = request.GET.get("run_uuid", ""), request.GET.get("path", "")
    if not run_id or not path:
        raise InvalidValue(f"Request must specify {'path' if run_id else 'run_uuid'}.")
    source, size = body(request)
    if size is None or size > MOST_BY_PAGE:
        raise InvalidValue("Artifact size is too large. Max size is 10MB.")
    if not size:
        raise InvalidValue("Request must specify data.")
    run = queries.run(request.actor, request.workspace, run_id)
    operations.put_artifact(request.actor, run, path=path, source=source, size_bytes=size)
    return wire.answer({})


def patterns() -> list[URLPattern]:
    """Make the routes of what is no rpc."""
    return [
        path("version", mlflow_version),
        path("get-artifact", get_artifact),
        *(path(f"{prefix}/3.0/mlflow/server-info", server_info) for prefix in ("api", "ajax-api")),
        path("ajax-api/2.0/mlflow/upload-artifact", upload_artifact),
        path("ajax-api/2.0/mlflow/metrics/get-history-bulk", metrics.get_history_bulk),
        *(path(f"{prefix}/2.0/{uploads.PART_PATH}", uploads.put_part, name="part") for prefix in ("api", "ajax-api")),
        path("ajax-api/2.0/mlflow/logged-models/<str:model_id>/artifacts/files", get_model_artifact),
    ]
