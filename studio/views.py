"""The home page and where the root leads."""

from __future__ import annotations

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from experiments import queries, tables
from experiments.models import Experiment
from lib.html import is_partial
from studio import finding
from workspaces import access
from workspaces import operations as workspace_operations
from workspaces import queries as workspace_queries
from workspaces.request import Request

RECENT = 12
RUNNING = 12
CLIENT_NAME = "mlflow"


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
def mlflow_link(request: Request, **_names: str) -> HttpResponseBase:
    """Lead on from the link to a run that MLflow prints; browsers carry its fragment along."""
    assert request.workspace is not None
    return redirect("studio:home", request.workspace.name)


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


@access.needs("workspace.read")
@require_POST
def client_token(request: Request) -> HttpResponse:
    """Make the caller a token for MLflow's client, and show the lines with it: the one time it can be read."""
    user = workspace_queries.person(request.actor)
    _token, secret = workspace_operations.create_personal_token(request.actor, user, name=CLIENT_NAME)
    template = "experiments/_client_lines.html" if is_partial(request) else "studio/client_token.html"
    response = render(request, template, {"secret": secret, "experiment": asked_experiment(request)})
    response["Cache-Control"] = "no-store"
    return response


def asked_experiment(request: Request) -> Experiment | None:
    """Give the experiment on whose page the lines stand."""
    asked = request.POST.get("experiment", "")
    if not asked.isdecimal():
        return None
    rows = Experiment.objects.filter(workspace=request.workspace)
    found: Experiment = access.fetch(request.actor, rows, pk=int(asked))
    return found


@access.needs("workspace.read")
@require_GET
def find(request: Request) -> HttpResponse:
    """Answer the palette."""
    asked = request.GET.get("q", "")
    context = {"found": finding.find(request.actor, request.workspace, asked), "asked": asked}
    return render(request, "studio/_found.html", context)
