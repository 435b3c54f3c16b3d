"""Page: one node of a cluster, what it is told to do, and its log."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from compute import operations, queries
from compute.views import target_url
from lib.errors import NotFound
from lib.html import asked_by, done, here
from lib.http import number_in
from workspaces import access
from workspaces.request import Request

ACTS = ("drain", "resume", "remove")


@access.needs("compute.read")
@require_safe
def node_detail(request: Request, name: str, node_id: int) -> HttpResponse:
    """Show a node; a page that is open when its node leaves goes on to the cluster's."""
    target = queries.find_target(request.actor, request.workspace, name)
    row = queries.node_row(target, node_id)
    if row is None:
        if asked_by(request, "node-state"):
            return done(request, target_url(request, target))
        raise no_such_node()
    context = {
        "target": target,
        "row": row,
        "node": row.node,
        "size": queries.TargetRow(target, []).size,
        "is_own": target.workspace_id is not None,
        "has_log": queries.has_node_log(target, row.node),
    }
    template = "compute/_node_state.html" if asked_by(request, "node-state") else "compute/node_detail.html"
    return render(request, template, context)


@access.needs("compute.read")
@require_safe
def node_log(request: Request, name: str, node_id: int) -> JsonResponse:
    """Give a node's log from `?offset=` on."""
    target = queries.find_target(request.actor, request.workspace, name)
    row = queries.node_row(target, node_id)
    if row is None:
        raise no_such_node()
    piece = queries.node_log(target, row.node, number_in(request, "offset"))
    return JsonResponse({"text": piece.text, "offset": piece.offset, "final": piece.final})


@access.needs("compute.write")
@require_POST
def node_act(request: Request, name: str, node_id: int, act: str) -> HttpResponse:
    """Drain a node, give it work again, or let it leave."""
    target = queries.find_own_target(request.actor, request.workspace, name)
    row = queries.node_row(target, node_id)
    if row is None or act not in ACTS:
        raise no_such_node()
    if act == "remove":
        operations.remove_node(request.actor, target, node=row.node)
    else:
        operations.drain_node(request.actor, target, node=row.node, is_drained=act == "drain")
    is_there = queries.node_row(target, node_id) is not None
    return done(request, here(request, target_url(request, target)) if is_there else target_url(request, target))


def no_such_node() -> NotFound:
    return NotFound(_("There is no such node."))
