"""The home page and where the root leads."""

from __future__ import annotations

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from workspaces import access
from workspaces.request import Request


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
    return render(request, "studio/home.html")
