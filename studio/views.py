"""The home page and where the root leads."""

from __future__ import annotations

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from experiments import queries, tables
from workspaces import access
from workspaces.request import Request

RECENT = 12
RUNNING = 12


@access.signed_in
@require_GET
def root(request: Request) -> HttpResponseBase:
    """Lead to the caller's workspace; browsers carry the fragment of an MLflow link (/#/experiments/…) along."""
    workspace = request.workspace
    if workspace is None:
        return render(request, "studio/no_workspace.html")
    return redirect("studio:home", workspace.name)


@access.needs("workspace.read")
@require_GET
def home(request: Request) -> HttpResponse:
    runs = queries.recent_runs(request.actor, request.workspace)
    running = queries.recent_runs(request.actor, request.workspace, only_running=True)
    context = {
        "runs": [tables.timed(run) for run in runs[:RECENT]],
        "running": [tables.timed(run) for run in running[:RUNNING]],
    }
    return render(request, "studio/home.html", context)
