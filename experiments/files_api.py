"""A run's files for programs, with those of the models that it logged, under the paths that its page shows."""

from __future__ import annotations

from typing import Any

from django.http.response import HttpResponseBase
from django.views.decorators.http import require_GET
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request as ApiRequest
from rest_framework.response import Response

from experiments import artifacts, browser, queries
from workspaces import access
from workspaces.request import Request


class RunFileOut(serializers.Serializer[Any]):
    path = serializers.CharField()
    size_bytes = serializers.IntegerField()


class RunFilesOut(serializers.Serializer[Any]):
    files = RunFileOut(many=True)


@extend_schema(responses=RunFilesOut)
@api_view(["GET"])
def files(request: ApiRequest, run_id: str) -> Response:
    """List all files of a run."""
    run = queries.run(request._request.actor, request._request.workspace, run_id)  # type: ignore[attr-defined]
    rows = [{"path": one.path, "size_bytes": one.size_bytes} for one in browser.of_run(run).walk()]
    return Response(RunFilesOut({"files": rows}).data)


files = access.needs("experiments.read")(files)


@access.needs("experiments.read")
@require_GET
def file(request: Request, run_id: str, path: str) -> HttpResponseBase:
    """Send a file of a run."""
    run = queries.run(request.actor, request.workspace, run_id)
    return browser.send(artifacts.resolve(run, path)[0])
