"""Pages: clusters with their nodes."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from compute import forms, operations, queries
from compute.models import ComputeTarget
from lib.errors import Conflict, InvalidValue, StudioError
from lib.html import FORM_ERROR, done, is_partial
from workspaces import access
from workspaces.request import Request


@access.needs("compute.read")
@require_safe
def target_list(request: Request) -> HttpResponse:
    template = "compute/_targets.html" if is_partial(request) else "compute/target_list.html"
    return render(request, template, {"targets": queries.targets(request.workspace)})


@access.needs("compute.write")
@require_http_methods(["GET", "HEAD", "POST"])
def target_create(request: Request) -> HttpResponse:
    form = forms.ClusterForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            return done(request, target_url(request, create(request, form)))
        except StudioError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
    status = FORM_ERROR if form.errors else 200
    return render(request, "compute/target_form.html", {"form": form}, status=status)


def create(request: Request, form: forms.ClusterForm) -> ComputeTarget:
    if form.is_inference:
        return operations.create_inference_cluster(request.actor, request.workspace, **form.agents())
    return operations.create_cluster(request.actor, request.workspace, **form.values())


@access.needs("compute.read")
@require_safe
def target_detail(request: Request, name: str) -> HttpResponse:
    row = queries.target_row(request.actor, request.workspace, name)
    template = "compute/_target_state.html" if is_partial(request) else "compute/target_detail.html"
    return render(request, template, target_context(row))


@access.needs("compute.write")
@require_POST
def target_scale(request: Request, name: str) -> HttpResponse:
    target = queries.find_own_target(request.actor, request.workspace, name)
    form = forms.ScaleForm(request.POST)
    if form.is_valid():
        try:
            operations.update_cluster(request.actor, target, **form.cleaned_data)
            return done(request, target_url(request, target))
        except InvalidValue as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
    row = queries.target_row(request.actor, request.workspace, name)
    context = {**target_context(row), "scale": form}
    return render(request, "compute/target_detail.html", context, status=FORM_ERROR)


@access.needs("compute.write")
@require_POST
def target_join(request: Request, name: str) -> HttpResponse:
    """Show the command that joins a machine, with a token that was made for it and is shown this once."""
    target = queries.find_own_target(request.actor, request.workspace, name)
    secret = operations.create_join_token(request.actor, target)
    row = queries.target_row(request.actor, request.workspace, name)
    context = {**target_context(row), "join_command": operations.join_command(target, secret)}
    return render(request, "compute/target_detail.html", context)


@access.needs("compute.write")
@require_POST
def target_delete(request: Request, name: str) -> HttpResponse:
    target = queries.find_own_target(request.actor, request.workspace, name)
    try:
        operations.delete_cluster(request.actor, target)
    except Conflict as error:
        row = queries.target_row(request.actor, request.workspace, name)
        context = {**target_context(row), "problem": error.message}
        return render(request, "compute/target_detail.html", context, status=FORM_ERROR)
    return done(request, reverse("compute:target-list", args=[request.workspace.name]))


def target_url(request: Request, target: ComputeTarget) -> str:
    return reverse("compute:target-detail", args=[request.workspace.name, target.name])


def target_context(row: queries.TargetRow) -> dict[str, object]:
    target = row.target
    given = {"min_nodes": target.min_nodes, "max_nodes": target.max_nodes, "idle_s": target.idle_s}
    return {
        "row": row,
        "target": target,
        "is_own": target.workspace_id is not None and target.state != "Deleting",
        "scale": forms.ScaleForm(initial=given) if target.max_nodes is not None else None,
    }
