"""Pages: environments with their build, clusters with their nodes."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from compute import queries
from compute.models import BuildState, EnvironmentUse
from lib.http import number_in
from workspaces import access
from workspaces.request import Request

PAGE = 50


@access.needs("compute.read")
@require_safe
def environment_list(request: Request) -> HttpResponse:
    uses = queries.environment_uses(request.actor, request.workspace)
    page = Paginator(uses, PAGE).get_page(request.GET.get("page"))
    return render(request, "compute/environment_list.html", {"page": page})


@access.needs("compute.read")
@require_safe
def environment_detail(request: Request, digest: str) -> HttpResponse:
    return render(request, "compute/environment_detail.html", environment_context(found(request, digest)))


@access.needs("compute.read")
@require_safe
def environment_state(request: Request, digest: str) -> HttpResponse:
    return render(request, "compute/_environment_state.html", environment_context(found(request, digest)))


@access.needs("compute.read")
@require_safe
def environment_log(request: Request, digest: str) -> JsonResponse:
    """Give the build log from `?offset=` on."""
    piece = queries.build_log(found(request, digest).build, number_in(request, "offset"))
    return JsonResponse({"text": piece.text, "offset": piece.offset, "final": piece.final})


@access.needs("compute.read")
@require_safe
def target_list(request: Request) -> HttpResponse:
    template = "compute/_targets.html" if request.headers.get("HX-Request") else "compute/target_list.html"
    return render(request, template, {"targets": queries.targets(request.workspace)})


def found(request: Request, digest: str) -> EnvironmentUse:
    rows = queries.environment_uses(request.actor, request.workspace)
    return access.fetch(request.actor, rows, build__digest=digest)


def environment_context(use: EnvironmentUse) -> dict[str, object]:
    build = use.build
    took = build.ended_ms - build.started_ms if build.ended_ms and build.started_ms else None
    newest = "" if build.state in (BuildState.READY, BuildState.FAILED) else queries.build_newest_line(build)
    return {"use": use, "build": build, "is_over": build.state in AT_REST, "took_ms": took, "newest": newest}


AT_REST = (BuildState.READY, BuildState.FAILED)
