"""Saved views: names for what the address of a runs table asks."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from experiments import operations
from experiments.models import Experiment, SavedView
from experiments.operations.views import normal
from lib.errors import StudioError
from lib.html import done
from lib.http import number_in
from workspaces import access
from workspaces.request import Request


def page_url(request: Request, experiment_id: int | None) -> str:
    if experiment_id is None:
        return reverse("experiments:run-list", args=[request.workspace.name])
    return reverse("experiments:experiment-detail", args=[request.workspace.name, experiment_id])


def view_url(request: Request, view: SavedView) -> str:
    query = f"{view.query}&saved={view.pk}" if view.query else f"saved={view.pk}"
    return f"{page_url(request, view.experiment_id)}?{query}"


def fetch(request: Request, view_id: int) -> SavedView:
    found: SavedView = access.fetch(
        request.actor, SavedView.objects.filter(workspace=request.workspace).select_related("workspace"), pk=view_id
    )
    return found


def saved_context(request: Request, experiment: Experiment | None) -> dict[str, Any]:
    """List the views of this table; `saved` is the one that the page came from, `is_dirty` whether it moved away."""
    rows = SavedView.objects.visible_to(request.actor).filter(workspace=request.workspace, experiment=experiment)
    views = list(rows.order_by("name"))
    came_from = number_in(request, "saved")
    saved = next((view for view in views if view.pk == came_from), None)
    query = normal(request.GET.urlencode())
    return {
        "saved_views": [(view, view_url(request, view)) for view in views],
        "saved": saved,
        "saved_url": view_url(request, saved) if saved else "",
        "is_dirty": saved is not None and saved.query != query,
        "view_query": query,
    }


@access.needs("experiments.read")
@require_GET
def view(request: Request, view_id: int) -> HttpResponseBase:
    """Lead from a view's own short address to what it shows."""
    return redirect(view_url(request, fetch(request, view_id)))


@access.needs("experiments.write")
@require_POST
def view_save(request: Request) -> HttpResponseBase:
    given, target = request.POST, request.workspace
    experiment_id = int(given["experiment"]) if given.get("experiment", "").isdecimal() else None
    if experiment_id is not None:
        rows = Experiment.objects.filter(workspace=request.workspace).select_related("workspace")
        target = access.fetch(request.actor, rows, pk=experiment_id)
    query = given.get("query", "")
    try:
        saved = operations.save_view(request.actor, target, name=given.get("name", ""), query=query)
    except StudioError as error:
        messages.error(request, error.message)
        return done(request, f"{page_url(request, experiment_id)}?{normal(query)}")
    messages.success(request, _("View “%s” saved") % saved.name)
    return done(request, view_url(request, saved))


@access.needs("experiments.write")
@require_POST
def view_delete(request: Request, view_id: int) -> HttpResponseBase:
    view = fetch(request, view_id)
    address = f"{page_url(request, view.experiment_id)}?{view.query}"
    operations.delete_view(request.actor, view)
    messages.success(request, _("View “%s” deleted; its runs stay") % view.name)
    return done(request, address)
