"""Pages: environments by name, and what was built of them."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from compute import forms, named, operations, queries
from compute.models import BuildState, EnvironmentUse
from lib.errors import StudioError
from lib.html import FORM_ERROR, done
from lib.http import number_in
from workspaces import access
from workspaces.request import Request

PAGE = 50
AT_REST = (BuildState.READY, BuildState.FAILED)


@access.needs("compute.read")
@require_safe
def environment_list(request: Request) -> HttpResponse:
    """Show the environments that have a name, or with `?tab=builds` all that was built."""
    uses = queries.environment_uses(request.actor, request.workspace)
    shows_builds = request.GET.get("tab") == "builds"
    context = {
        "page": Paginator(uses, PAGE).get_page(request.GET.get("page")) if shows_builds else None,
        "named": [] if shows_builds else named.all_named(request.actor, request.workspace),
        "builds_count": uses.count(),
        "is_strict": queries.is_strict(request.workspace),
    }
    return render(request, "compute/environment_list.html", context)


@access.needs("compute.write")
@require_http_methods(["GET", "HEAD", "POST"])
def environment_create(request: Request) -> HttpResponse:
    """Register an environment; `?from=name@version` begins with what that one holds."""
    form = forms.EnvironmentForm(request.POST or None, initial=begun(request))
    if request.method == "POST" and form.is_valid():
        try:
            made = operations.register_environment(
                request.actor, request.workspace, name=form.cleaned_data["name"], definition=form.definition()
            )
            return done(request, named_url(request, f"{made.environment.name}@{made.version}"))
        except StudioError as error:
            form.add_error("name" if error.field == "name" else "text", str(error))
    status = FORM_ERROR if form.errors else 200
    return render(request, "compute/environment_form.html", {"form": form}, status=status)


def begun(request: Request) -> dict[str, str]:
    reference = request.GET.get("from")
    if not reference:
        return {}
    one = named.find_named(request.actor, request.workspace, reference)
    kind, text = named.as_one_file(one.definition)
    return {"name": "" if one.is_curated else one.name, "kind": kind, "text": text}


@access.needs("compute.read")
@require_safe
def environment_named(request: Request, reference: str) -> HttpResponse:
    one = named.find_named(request.actor, request.workspace, reference)
    versions = [(number, f"{one.name}@{number}") for number in one.versions]
    context = {"one": one, "build": one.build, "versions": versions}
    return render(request, "compute/environment_named.html", context)


@access.needs("compute.write")
@require_POST
def environment_build(request: Request, reference: str) -> HttpResponse:
    one = named.find_named(request.actor, request.workspace, reference)
    build = operations.build_environment_version(
        request.actor, request.workspace, name=one.name, definition=one.definition
    )
    return done(request, reverse("compute:environment-detail", args=[request.workspace.name, build.digest]))


@access.needs("compute.write")
@require_POST
def environment_rules(request: Request) -> HttpResponse:
    operations.set_strict(request.actor, request.workspace, is_strict=request.POST.get("is_strict") == "on")
    return done(request, reverse("compute:environment-list", args=[request.workspace.name]))


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


def found(request: Request, digest: str) -> EnvironmentUse:
    rows = queries.environment_uses(request.actor, request.workspace)
    return access.fetch(request.actor, rows, build__digest=digest)


def named_url(request: Request, reference: str) -> str:
    return reverse("compute:environment-named", args=[request.workspace.name, reference])


def environment_context(use: EnvironmentUse) -> dict[str, object]:
    build = use.build
    took = build.ended_ms - build.started_ms if build.ended_ms and build.started_ms else None
    newest = "" if build.state in AT_REST else queries.build_newest_line(build)
    return {"use": use, "build": build, "is_over": build.state in AT_REST, "took_ms": took, "newest": newest}
