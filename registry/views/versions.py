"""Pages: model versions, and registering one from a run."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from experiments import artifacts, browser
from experiments.models import Run
from lib.errors import Conflict, NotFound, StudioError
from lib.html import done
from registry import forms, operations, queries
from registry.models import ModelVersion, RegisteredModel
from registry.views.models import cleaned, refusals_told
from workspaces import access
from workspaces.request import Request


def fetch(request: Request, name: str, number: int) -> ModelVersion:
    rows = ModelVersion.objects.filter(model__workspace=request.workspace, model__name=name)
    rows = rows.select_related("model__workspace", "run__experiment", "logged_model")
    found: ModelVersion = access.fetch(request.actor, rows, version=number)
    return found


def detail_url(request: Request, version: ModelVersion) -> str:
    return reverse("registry:version-detail", args=[request.workspace.name, version.model.name, version.version])


def frame(version: ModelVersion, tab: str) -> dict[str, Any]:
    """Give what the frame around both tabs shows."""
    aliases = version.aliases.order_by("name")
    return {"version": version, "aliases": aliases, "tab": tab}


@access.needs("registry.read")
@require_GET
def version_detail(request: Request, name: str, number: int) -> HttpResponse:
    return detail_page(request, fetch(request, name, number), forms.AliasForm())


def detail_page(request: Request, version: ModelVersion, form: forms.AliasForm, status: int = 200) -> HttpResponse:
    place = place_of(version)
    card = browser.described(place) if place else None
    metrics = version.run.metrics.order_by("key") if version.run else []
    context = {
        **frame(version, "overview"),
        "card": card,
        "size_bytes": card.size_bytes if card else None,
        "metrics": [{"key": one.key, "value": one.last_value} for one in metrics],
        "tags": version.tags.order_by("key"),
        "use_uri": f"models:/{version.model.name}/{version.version}",
        "alias_form": form,
    }
    return render(request, "registry/version_detail.html", context, status=status)


def place_of(version: ModelVersion) -> artifacts.Place | None:
    """Give where a version's files are; None for one whose source is outside this studio or gone."""
    try:
        return queries.model_files(version)
    except NotFound:
        return None


@access.needs("registry.read")
@require_GET
def version_artifacts(request: Request, name: str, number: int) -> HttpResponse:
    version = fetch(request, name, number)
    names = [request.workspace.name, version.model.name, version.version]
    template, shown = browser.answer(request, files_of(version), "registry/version_artifacts.html")
    context = {
        **frame(version, "artifacts"),
        **shown,
        "base": reverse("registry:version-artifacts", args=names),
        "raw": reverse("registry:version-artifact", args=names),
        "use_uri": f"models:/{version.model.name}/{version.version}",
    }
    return render(request, template, context)


def files_of(version: ModelVersion) -> browser.Files:
    return browser.of_place(place_of(version), f"{version.model.name} {version.version}")


@access.needs("registry.read")
@require_GET
def version_artifact(request: Request, name: str, number: int) -> HttpResponseBase:
    return browser.send_asked(files_of(fetch(request, name, number)), request.GET.dict())


@access.needs("registry.write")
@require_POST
def version_describe(request: Request, name: str, number: int) -> HttpResponseBase:
    version = fetch(request, name, number)
    with refusals_told(request):
        operations.update_version(request.actor, version, **cleaned(forms.DescriptionForm(request.POST)))
    return done(request, detail_url(request, version))


@access.needs("registry.write")
@require_POST
def version_tag(request: Request, name: str, number: int) -> HttpResponseBase:
    version = fetch(request, name, number)
    with refusals_told(request):
        tag = cleaned(forms.TagForm(request.POST))
        if "remove" in request.POST:
            operations.delete_version_tag(request.actor, version, key=tag["key"])
        else:
            operations.set_version_tag(request.actor, version, **tag)
    return done(request, detail_url(request, version))


@access.needs("registry.write")
@require_POST
def alias_set(request: Request, name: str, number: int) -> HttpResponseBase:
    version = fetch(request, name, number)
    form = forms.AliasForm(request.POST)
    try:
        if form.is_valid():
            operations.set_alias(request.actor, version, **form.cleaned_data)
            return done(request, detail_url(request, version))
    except StudioError as error:
        form.add_error(None, error.message)
    return detail_page(request, version, form, status=422)


@access.needs("registry.write")
@require_POST
def alias_delete(request: Request, name: str, number: int) -> HttpResponseBase:
    version = fetch(request, name, number)
    operations.delete_alias(request.actor, version.model, **cleaned(forms.AliasForm(request.POST)))
    return done(request, detail_url(request, version))


@access.needs("registry.write")
@require_POST
def version_delete(request: Request, name: str, number: int) -> HttpResponseBase:
    version = fetch(request, name, number)
    try:
        operations.delete_version(request.actor, version)
    except Conflict as error:
        messages.error(request, error.message)
        return done(request, detail_url(request, version))
    return done(request, reverse("registry:model-detail", args=[request.workspace.name, version.model.name]))


# ---- From a run -----------------------------------------------------------------------------------------------------


def fetch_run(request: Request, run_id: str) -> Run:
    found: Run = access.fetch(request.actor, Run.objects.filter(workspace=request.workspace), pk=run_id)
    return found


@access.needs("registry.read")
@require_GET
def for_run(request: Request, run_id: str) -> HttpResponse:
    """Answer the fragment of a run's page that lists what was registered from it."""
    rows = ModelVersion.objects.visible_to(request.actor).filter(run=fetch_run(request, run_id))
    versions = rows.select_related("model").order_by("-created_ms")[:20]
    return render(request, "registry/_for_run.html", {"versions": versions})


@access.needs("registry.write")
@require_GET
def register_form(request: Request, run_id: str) -> HttpResponse:
    run, path = fetch_run(request, run_id), request.GET.get("path", "")
    return form_page(request, run, forms.RegisterForm(initial={"path": path}), path)


def form_page(request: Request, run: Run, form: forms.RegisterForm, path: str, status: int = 200) -> HttpResponse:
    models = RegisteredModel.objects.visible_to(request.actor).filter(workspace=request.workspace)
    names = models.order_by("name").values_list("name", flat=True)[:1000]
    context = {"form": form, "names": names, "run": run, "path": path}
    return render(request, "registry/_register_form.html", context, status=status)


@access.needs("registry.write")
@require_POST
def register(request: Request, run_id: str) -> HttpResponseBase:
    run = fetch_run(request, run_id)
    form = forms.RegisterForm(request.POST)
    try:
        if form.is_valid():
            version = operations.register_from_run(request.actor, request.workspace, run=run, **form.cleaned_data)
            words = {"name": version.model.name, "n": version.version}
            messages.success(request, _("%(name)s registered as version %(n)s") % words)
            return done(request, detail_url(request, version))
    except StudioError as error:
        form.add_error("name", error.message)
    return form_page(request, run, form, request.POST.get("path", ""), status=422)
