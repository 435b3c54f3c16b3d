"""A version's files for programs."""

from __future__ import annotations

from typing import Any

from django.http.response import HttpResponseBase
from django.views.decorators.http import require_GET
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request as ApiRequest
from rest_framework.response import Response

from experiments import browser
from experiments.artifacts import Entry, Place, store
from experiments.files_api import RunFilesOut
from registry import queries
from workspaces import access
from workspaces.request import Request


def files_of(place: Place) -> list[Entry]:
    """List a version's files; a version that is one file has that alone, by its own name."""
    alone = store().stat(place.key)
    return (
        list(store().walk(place.key))
        if alone.is_dir
        else [Entry(place.name, is_dir=False, size_bytes=alone.size_bytes)]
    )


@extend_schema(responses=RunFilesOut)
@api_view(["GET"])
def files(request: ApiRequest, name: str, number: str) -> Response:
    """List all files of a version."""
    asked: Any = request._request
    place = queries.model_files(queries.version(asked.actor, asked.workspace, name, number))
    rows = [{"path": one.path, "size_bytes": one.size_bytes} for one in files_of(place)]
    return Response(RunFilesOut({"files": rows}).data)


files = access.needs("registry.read")(files)


@access.needs("registry.read")
@require_GET
def file(request: Request, name: str, number: str, path: str) -> HttpResponseBase:
    """Send a file of a version."""
    place = queries.model_files(queries.version(request.actor, request.workspace, name, number))
    is_alone = path == place.name and not store().stat(place.key).is_dir
    return browser.send(place if is_alone else place.below(path))
