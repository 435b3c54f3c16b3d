"""Uploads in parts on the wire: the client is given an address for each part, sends them side by side, and says when
all are there.
"""

from __future__ import annotations

import posixpath
import re

from django.http import HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from experiments import operations, queries
from experiments.artifacts import uploads
from experiments.mlflow_api import slots
from experiments.mlflow_api.artifacts import body
from experiments.mlflow_api.shapes import Shape
from experiments.models import LoggedModel, Run
from lib.errors import InvalidValue
from lib.mlflow import wire
from lib.mlflow.messages import Message, artifacts
from lib.mlflow.rpc import rpc
from workspaces import access
from workspaces.access import Actor
from workspaces.models import Workspace
from workspaces.request import Request

WRITE = "experiments.write"
PART_PATH = "mlflow-artifacts/mpu/parts/<str:upload_id>/<int:number>"
CREATED_AT = re.compile(r"mlflow-artifacts/mpu/create(/.*)?$")


def target(actor: Actor, workspace: Workspace, message: Message, folder: str) -> tuple[Run | LoggedModel, str]:
    """Give the run or model and the path below it: of the client's own path, in `path`, only the name counts."""
    wire.require(message, "path")
    name = message.path.replace("\\", "/").rpartition("/")[2]
    return queries.owner_of_artifact(actor, workspace, posixpath.join(folder, name))


@rpc(artifacts.CreateMultipartUpload, needs=WRITE, takes="request")
def create_upload(actor: Actor, workspace: Workspace, request: Request, artifact_path: str) -> Shape:
    message = wire.read(request, artifacts.CreateMultipartUpload, {})
    if not 1 <= message.num_parts <= uploads.MOST_PARTS:
        raise wire.wrong("num_parts", message.num_parts, f"1 to {uploads.MOST_PARTS}")
    owner, path = target(actor, workspace, message, artifact_path)
    upload_id = operations.begin_upload(actor, owner, path=path)
    front = CREATED_AT.sub("mlflow-artifacts/mpu/parts", request.build_absolute_uri(request.path))
    numbers = range(1, message.num_parts + 1)
    parts = [{"url": f"{front}/{upload_id}/{number}", "part_number": number, "headers": {}} for number in numbers]
    return {"upload_id": upload_id, "credentials": parts}


@csrf_exempt
@access.open_route
@require_http_methods(["PUT"])
def put_part(request: Request, upload_id: str, number: int) -> HttpResponse:
    """Store a part. The client sends no credential here, so the signed id in the address is one, for this file only."""
    upload = uploads.find(upload_id)
    source, size = body(request)
    response = wire.answer({})
    with slots.upload(request):
        response.headers["ETag"] = uploads.put_part(upload, number, source, size)
    return response


@rpc(artifacts.CompleteMultipartUpload, needs=WRITE, takes="request")
def complete_upload(actor: Actor, workspace: Workspace, request: Request, artifact_path: str) -> Shape:
    message = wire.read(request, artifacts.CompleteMultipartUpload, {})
    wire.require(message, "upload_id")
    if len(message.parts) > uploads.MOST_PARTS:
        raise InvalidValue(f"parts holds more than {uploads.MOST_PARTS} items.", field="parts")
    owner, path = target(actor, workspace, message, artifact_path)
    parts = [uploads.Part(part.part_number, part.etag) for part in message.parts]
    operations.complete_upload(actor, owner, path=path, upload_id=message.upload_id, parts=parts)
    return {}


@rpc(artifacts.AbortMultipartUpload, needs=WRITE, takes="request")
def abort_upload(actor: Actor, workspace: Workspace, request: Request, artifact_path: str) -> Shape:
    message = wire.read(request, artifacts.AbortMultipartUpload, {})
    wire.require(message, "upload_id")
    owner, path = target(actor, workspace, message, artifact_path)
    operations.abort_upload(actor, owner, path=path, upload_id=message.upload_id)
    return {}
