"""Artifacts on the wire: listed, sent and fetched through the studio, which alone knows where they are."""

from __future__ import annotations

import mimetypes
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase

from experiments import operations, queries
from experiments.artifacts import Place, checked, of_run, open_file, store
from experiments.mlflow_api import slots
from experiments.mlflow_api.runs import find
from experiments.mlflow_api.shapes import Shape, file
from experiments.operations.files import place_of
from lib.errors import InvalidValue, NotFound
from lib.mlflow import wire
from lib.mlflow.messages import Message, artifacts, service
from lib.mlflow.rpc import rpc
from workspaces.access import Actor
from workspaces.models import Workspace
from workspaces.request import Request

READ, WRITE = "experiments.read", "experiments.write"


@rpc(service.ListArtifacts, needs=READ)
def list_run_artifacts(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    root = of_run(find(actor, workspace, message))
    path = checked(message.path)
    entries = store().entries(root.below(path).key)
    files = [file(one, f"{path}/{one.path}" if path else one.path) for one in entries]
    return {"root_uri": root.uri, **({"files": files} if files else {})}


@rpc(artifacts.ListArtifacts, needs=READ)
def list_artifacts(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    """List a folder of the store, as the client's proxy repository asks: names without the folder."""
    wire.require(message, "path")
    owner, path = queries.owner_of_artifact(actor, workspace, message.path)
    files = [file(one, one.path) for one in store().entries(place_of(owner).below(path).key)]
    return {"files": files} if files else {}


@rpc(artifacts.DownloadArtifact, needs=READ, takes="request")
def download_artifact(actor: Actor, workspace: Workspace, request: Request, artifact_path: str) -> HttpResponseBase:
    owner, path = queries.owner_of_artifact(actor, workspace, artifact_path)
    return send(request, place_of(owner).below(path))


def send(request: Request, place: Place) -> HttpResponseBase:
    """Answer with a file, as a download: what a user stored is never a page of the studio's own origin."""
    if store().stat(place.key).is_dir:
        raise NotFound(f"“{place.name}” is a folder.")
    kind = mimetypes.guess_type(place.name)[0] or "application/octet-stream"
    response: HttpResponseBase
    if settings.STUDIO_SENDS_FILES_BY_GATEWAY:
        response = HttpResponse(content_type=kind, headers={"X-Accel-Redirect": f"/_files/{quote(place.key)}"})
    else:
        response = FileResponse(open_file(place), content_type=kind)
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(place.name)}"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@rpc(artifacts.UploadArtifact, needs=WRITE, takes="request")
def upload_artifact(actor: Actor, workspace: Workspace, request: Request, artifact_path: str) -> Shape:
    owner, path = queries.owner_of_artifact(actor, workspace, artifact_path)
    source, size = body(request)
    replaces = request.headers.get("If-None-Match") != "*"  # RFC 9110, 13.1.2; MLflow's own clients always replace
    with slots.upload(request):
        operations.put_artifact(actor, owner, path=path, source=source, size_bytes=size, replaces=replaces)
    return {}


def body(request: Request) -> tuple[Any, int | None]:
    """Give the body as a stream, and its length where the client said it.

    Django reads no chunked body: without a Content-Length it would store an empty file, so the server's stream is read.
    """
    if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
        return request.META["wsgi.input"], None
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit():
        raise InvalidValue("Content-Length must be a whole number.")
    return request, int(length)


@rpc(artifacts.DeleteArtifact, needs=WRITE, takes="request")
def delete_artifact(actor: Actor, workspace: Workspace, request: Request, artifact_path: str) -> Shape:
    owner, path = queries.owner_of_artifact(actor, workspace, artifact_path)
    operations.delete_artifact(actor, owner, path=path)
    return {}
