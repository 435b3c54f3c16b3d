"""Pages: the list of endpoints, one endpoint's details, and what changes it."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from compute.queries import find_target
from deployments import clusters, forms, operations, queries, room, telemetry
from deployments.models import Endpoint
from deployments.views.common import fetch, frame, url
from lib.clock import now_ms
from lib.html import done, is_partial
from registry.models import ModelVersion
from workspaces import access
from workspaces.request import Request

PAGE = 50
AT_HOME = 6


@access.needs("deployments.read")
@require_GET
def endpoint_list(request: Request) -> HttpResponse:
    page = Paginator(queries.endpoints(request.actor, request.workspace), PAGE).get_page(request.GET.get("page"))
    template = "deployments/_endpoint_rows.html" if is_partial(request) else "deployments/endpoint_list.html"
    context = {"page": page, "moves": any(endpoint.moves for endpoint in page), "use": room.use_of(request.workspace)}
    measure(page)
    return render(request, template, context)


def measure(page: Page[Endpoint]) -> None:
    """Put beside each endpoint of a page what it answered in the last minutes, and how many replicas do."""
    recent = telemetry.latest([endpoint.pk for endpoint in page], now_ms())
    for endpoint in page:
        told = recent.get(endpoint.pk)
        endpoint.recent = told  # type: ignore[attr-defined]
        endpoint.recent_p95 = told.percentile(0.95) if told else None  # type: ignore[attr-defined]
        serving = [one for one in endpoint.deployments.all() if one.traffic]
        endpoint.replicas_wanted = sum(one.replicas for one in serving)  # type: ignore[attr-defined]
        good = [row for one in serving for row in one.seen if row.get("in_rotation")]
        endpoint.replicas_ready = len(good)  # type: ignore[attr-defined]


@access.needs("deployments.read")
@require_GET
def endpoint_detail(request: Request, name: str) -> HttpResponse:
    endpoint = fetch(request, name)
    context = {**frame(request, endpoint, "details"), "revisions": queries.deployments(endpoint)}
    template = "deployments/_endpoint_state.html" if is_partial(request) else "deployments/endpoint_detail.html"
    return render(request, template, context)


@access.needs("deployments.read")
@require_GET
def for_model_version(request: Request, model: str, version: int) -> HttpResponse:
    """The fragment on a model version's page."""
    rows = ModelVersion.objects.filter(model__workspace=request.workspace, model__name=model)
    found = access.fetch(request.actor, rows.select_related("model__workspace"), version=version)
    endpoints = queries.endpoints_of(request.actor, found)
    return render(request, "deployments/_for_model_version.html", {"endpoints": endpoints, "version": found})


@access.needs("deployments.read")
@require_GET
def for_cluster(request: Request, cluster: str) -> HttpResponse:
    """The fragment on an inference cluster's page."""
    found = find_target(request.actor, request.workspace, cluster)
    endpoints = queries.endpoints(request.actor, request.workspace).filter(compute_name=found.name)
    context = {"endpoints": endpoints, "room": clusters.room_of(found)}
    return render(request, "deployments/_for_cluster.html", context)


@access.needs("deployments.read")
@require_GET
def quota_use(request: Request) -> HttpResponse:
    """The fragment that says what endpoints take of the workspace's quota."""
    return render(request, "deployments/_quota_use.html", {"use": room.use_of(request.workspace)})


@access.needs("deployments.read")
@require_GET
def for_home(request: Request) -> HttpResponse:
    """The fragment on the home page."""
    endpoints = list(queries.endpoints(request.actor, request.workspace).order_by("-updated_ms")[:AT_HOME])
    context = {"endpoints": endpoints, "moves": any(endpoint.moves for endpoint in endpoints)}
    return render(request, "deployments/_for_home.html", context)


@access.needs("deployments.write")
@require_POST
def endpoint_stop(request: Request, name: str) -> HttpResponseBase:
    endpoint = fetch(request, name)
    operations.stop_endpoint(request.actor, endpoint)
    return done(request, url(request, endpoint))


@access.needs("deployments.write")
@require_POST
def endpoint_start(request: Request, name: str) -> HttpResponseBase:
    endpoint = fetch(request, name)
    operations.start_endpoint(request.actor, endpoint)
    return done(request, url(request, endpoint))


@access.needs("deployments.write")
@require_POST
def endpoint_cancel(request: Request, name: str, revision: int) -> HttpResponseBase:
    endpoint = fetch(request, name)
    deployment = access.fetch(request.actor, queries.deployments(endpoint), revision=revision)
    operations.cancel_deployment(request.actor, deployment)
    return done(request, url(request, endpoint))


@access.needs("deployments.write")
@require_POST
def endpoint_roll_back(request: Request, name: str, revision: int) -> HttpResponseBase:
    endpoint = fetch(request, name)
    operations.roll_back(request.actor, endpoint, revision=revision)
    return done(request, url(request, endpoint))


@access.needs("deployments.write")
def endpoint_delete(request: Request, name: str) -> HttpResponseBase:
    endpoint = fetch(request, name)
    form = forms.ConfirmForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if form.cleaned_data["confirm"] == endpoint.name:
            operations.delete_endpoint(request.actor, endpoint)
            messages.success(request, _("The endpoint %s is being deleted.") % endpoint.name)
            return done(request, reverse("deployments:endpoint-list", args=[request.workspace.name]))
        form.add_error("confirm", _("Type the endpoint's name exactly."))
    context = {"endpoint": endpoint, "form": form}
    status = 422 if request.method == "POST" else 200
    return render(request, "deployments/endpoint_confirm_delete.html", context, status=status)
