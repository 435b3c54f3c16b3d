"""Pages: registered models."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Max
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from lib.errors import Conflict, InvalidValue, StudioError
from lib.html import done
from registry import forms, operations
from registry.models import RegisteredModel
from workspaces import access
from workspaces.request import Request

MODELS_A_PAGE = VERSIONS_A_PAGE = 100
NOT_THE_NAME = _("This is not the name.")


def fetch(request: Request, name: str) -> RegisteredModel:
    found: RegisteredModel = access.fetch(
        request.actor, RegisteredModel.objects.filter(workspace=request.workspace), name=name
    )
    return found


def detail_url(request: Request, model: RegisteredModel) -> str:
    return reverse("registry:model-detail", args=[request.workspace.name, model.name])


@access.needs(GET="registry.read", POST="registry.write")
@require_http_methods(["GET", "POST"])
def model_list(request: Request) -> HttpResponseBase:
    """List, and register what the list's form says: an address of its own would be a model's name."""
    return register(request) if request.method == "POST" else list_page(request, forms.ModelForm())


def list_page(request: Request, form: forms.ModelForm, status: int = 200) -> HttpResponse:
    wanted = request.GET.get("name", "").strip()
    rows = RegisteredModel.objects.visible_to(request.actor).filter(workspace=request.workspace, name__icontains=wanted)
    rows = rows.annotate(newest=Max("versions__version")).prefetch_related("aliases").order_by("name")
    page = Paginator(rows, MODELS_A_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "wanted": wanted, "form": form}
    return render(request, "registry/model_list.html", context, status=status)


def register(request: Request) -> HttpResponseBase:
    form = forms.ModelForm(request.POST)
    try:
        if form.is_valid():
            model = operations.register_model(request.actor, request.workspace, **form.cleaned_data)
            return done(request, detail_url(request, model))
    except StudioError as error:
        form.add_error(None, error.message)
    return list_page(request, form, status=422)


@access.needs("registry.read")
@require_GET
def model_detail(request: Request, name: str) -> HttpResponse:
    model = fetch(request, name)
    return detail_page(request, model, forms.RenameForm(initial={"name": model.name}))


def detail_page(request: Request, model: RegisteredModel, form: forms.RenameForm, status: int = 200) -> HttpResponse:
    rows = model.versions.select_related("run").prefetch_related("aliases").order_by("-version")
    page = Paginator(rows, VERSIONS_A_PAGE).get_page(request.GET.get("page"))
    newest = rows.values_list("version", flat=True).first() or ""
    context = {
        "model": model,
        "page": page,
        "versions": list(page),
        "tags": model.tags.order_by("key"),
        "use_uri": f"models:/{model.name}/{newest}",
        "form": form,
    }
    return render(request, "registry/model_detail.html", context, status=status)


@access.needs("registry.write")
@require_POST
def model_rename(request: Request, name: str) -> HttpResponseBase:
    model = fetch(request, name)
    form = forms.RenameForm(request.POST)
    try:
        if form.is_valid():
            model = operations.rename_model(request.actor, model, **form.cleaned_data)
            return done(request, detail_url(request, model))
    except StudioError as error:
        form.add_error(None, error.message)
    return detail_page(request, fetch(request, name), form, status=422)


@contextmanager
def refusals_told(request: Request) -> Iterator[None]:
    """Say on the page that comes next why a small form was refused."""
    try:
        yield
    except StudioError as error:
        messages.error(request, error.message)


def cleaned(form: Any) -> dict[str, Any]:
    """Give what a small form holds. Raises InvalidValue with its own words."""
    if not form.is_valid():
        raise InvalidValue(" ".join(message for messages in form.errors.values() for message in messages))
    return dict(form.cleaned_data)


@access.needs("registry.write")
@require_POST
def model_describe(request: Request, name: str) -> HttpResponseBase:
    model = fetch(request, name)
    with refusals_told(request):
        operations.update_model(request.actor, model, **cleaned(forms.DescriptionForm(request.POST)))
    return done(request, detail_url(request, model))


@access.needs("registry.write")
@require_POST
def model_tag(request: Request, name: str) -> HttpResponseBase:
    model = fetch(request, name)
    with refusals_told(request):
        tag = cleaned(forms.TagForm(request.POST))
        if "remove" in request.POST:
            operations.delete_model_tag(request.actor, model, key=tag["key"])
        else:
            operations.set_model_tag(request.actor, model, **tag)
    return done(request, detail_url(request, model))


@access.needs(GET="registry.read", POST="registry.write")
def model_delete(request: Request, name: str) -> HttpResponseBase:
    model = fetch(request, name)
    form = forms.ConfirmForm(request.POST or None)
    try:
        if request.method == "POST" and form.is_valid():
            if form.cleaned_data["confirm"] == model.name:
                operations.delete_model(request.actor, model)
                return done(request, reverse("registry:model-list", args=[request.workspace.name]))
            form.add_error("confirm", NOT_THE_NAME)
    except Conflict as error:
        form.add_error(None, error.message)
    context = {"model": model, "form": form, "version_count": model.versions.count()}
    status = 422 if request.method == "POST" else 200
    return render(request, "registry/model_confirm_delete.html", context, status=status)
