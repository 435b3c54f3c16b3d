"""Pages: models and versions go for good, together with their files."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from experiments.models import Purge
from experiments.purging.telling import lines, needed
from lib.errors import Conflict
from lib.html import done
from registry import forms, holding, operations, purging
from registry.views import models, versions
from workspaces import access
from workspaces.request import Request

SECONDS = 3.0


def begun(request: Request, purge: Purge) -> HttpResponseBase:
    """Lead to the page on which the purge is followed."""
    return done(request, reverse("experiments:purge-detail", args=[request.workspace.name, purge.pk]))


def confirm_page(request: Request, planned: Purge, back: str, form: forms.ConfirmForm) -> HttpResponse:
    weight = purging.weigh(planned, SECONDS)
    context: dict[str, Any] = {
        "label": planned.label,
        "back": back,
        "form": form,
        "served": served(planned),
        "tally": weight.tally,
        "lines": lines(weight.tally),
        "kept": needed(weight.kept),
        "kept_count": weight.kept_count,
        "is_complete": weight.is_complete,
    }
    return render(request, "registry/purge_confirm.html", context, status=422 if form.errors else 200)


def served(planned: Purge) -> str:
    """Give the sentence that refuses what an endpoint serves; empty when none does."""
    try:
        holding.require_unserved(purging.versions(planned))
    except Conflict as error:
        return error.message
    return ""


def confirmed(request: Request, form: forms.ConfirmForm, label: str) -> bool:
    if request.method != "POST" or not form.is_valid():
        return False
    if form.cleaned_data["confirm"] != label:
        form.add_error("confirm", models.NOT_THE_NAME)
    return not form.errors


@access.needs("registry.write")
def version_purge(request: Request, name: str, number: int) -> HttpResponseBase:
    version, form = versions.fetch(request, name, number), forms.ConfirmForm(request.POST or None)
    planned = operations.planned_version(request.actor, version)
    if confirmed(request, form, planned.label):
        return begun(request, operations.purge_version(request.actor, version))
    return confirm_page(request, planned, versions.detail_url(request, version), form)


@access.needs("registry.write")
def model_purge(request: Request, name: str) -> HttpResponseBase:
    model, form = models.fetch(request, name), forms.ConfirmForm(request.POST or None)
    planned = operations.planned_model(request.actor, model)
    if confirmed(request, form, planned.label):
        return begun(request, operations.purge_model(request.actor, model))
    return confirm_page(request, planned, models.detail_url(request, model), form)
