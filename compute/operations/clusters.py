"""Clusters: made, changed, deleted; the nodes that join them, drained and removed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from compute import holding, sizes
from compute.models import TARGET_GONE, ComputeTarget, Node, NodeWish, TargetState
from compute.operations.nodes import LOCAL_CLUSTER, forget_node
from lib.clock import now_ms
from lib.errors import AlreadyExists, InvalidValue
from workspaces.access import Actor, operation
from workspaces.models import Token, Workspace
from workspaces.operations import make_token

NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,15}")
RESERVED = ("local", "new", LOCAL_CLUSTER)
# All nodes of all clusters that the studio starts are processes of its one machine.
NODES_MAX = 32
IDLE_MAX_S = 30 * 24 * 3600
AGENTS = 3
AGENT_SIZE = "Standard_D3_v2"
JOIN_TOKEN_MS = 365 * 24 * 3600 * 1000


@operation("compute.write")
def create_cluster(
    actor: Actor,
    workspace: Workspace,
    *,
    name: str,
    vm_size: str = "",
    min_nodes: int = 0,
    max_nodes: int | None = 1,
    idle_s: int = 120,
    options: Mapping[str, Any] | None = None,
) -> ComputeTarget:
    """Make a cluster for jobs. The studio starts up to `max_nodes` nodes for it; None: only machines that join.

    Raises InvalidValue for a bad name, size or number, AlreadyExists when the workspace has one of this name.
    """
    check_name(name)
    check_scale(min_nodes, max_nodes, idle_s)
    size = sizes.checked(vm_size or sizes.DEFAULT)
    return created(
        workspace,
        name,
        vm_size=size.name,
        min_nodes=min_nodes,
        max_nodes=max_nodes,
        idle_s=idle_s,
        options=dict(options or {}),
    )


@operation("compute.write")
def create_inference_cluster(
    actor: Actor,
    workspace: Workspace,
    *,
    name: str,
    vm_size: str = "",
    agent_count: int = AGENTS,
    options: Mapping[str, Any] | None = None,
) -> ComputeTarget:
    """Make a cluster for endpoints: where deployments of the cluster kind have their replicas."""
    check_name(name)
    check_agents(agent_count)
    return created(
        workspace,
        name,
        kind=ComputeTarget.Kind.INFERENCE,
        vm_size=sizes.checked(vm_size or AGENT_SIZE).name,
        min_nodes=agent_count,
        max_nodes=agent_count,
        options=dict(options or {}),
    )


def created(workspace: Workspace, name: str, **fields: Any) -> ComputeTarget:
    try:
        with transaction.atomic():
            return ComputeTarget.objects.create(workspace=workspace, name=name, **fields)
    except IntegrityError:
        raise AlreadyExists(_("The workspace has a compute target “%s” already.") % name, field="name") from None


@operation("compute.write")
def update_cluster(
    actor: Actor,
    target: ComputeTarget,
    *,
    min_nodes: int | None = None,
    max_nodes: int | None = None,
    idle_s: int | None = None,
) -> ComputeTarget:
    """Change how far a cluster grows and shrinks; nodes beyond the new maximum leave when their work is done.

    One for endpoints has `max_nodes` agents, always. Raises InvalidValue for numbers that cannot be, and Conflict when
    it would lose agents while endpoints are on it.
    """
    check_own(target)
    target = ComputeTarget.objects.select_for_update().get(pk=target.pk)
    if target.kind == ComputeTarget.Kind.INFERENCE and max_nodes is not None:
        check_agents(max_nodes)
        min_nodes = max_nodes
        if max_nodes < (target.max_nodes or 0):
            holding.require_unused(target)
    values = {"min_nodes": min_nodes, "max_nodes": max_nodes, "idle_s": idle_s}
    for field, value in values.items():
        if value is not None:
            setattr(target, field, value)
    check_scale(target.min_nodes, target.max_nodes, target.idle_s)
    target.modified_ms = now_ms()
    target.save(update_fields=[*values, "modified_ms"])
    return target


@operation("compute.write")
def delete_cluster(actor: Actor, target: ComputeTarget) -> None:
    """Take a cluster away: its jobs are canceled, its nodes leave, and its name is free once they have.

    Raises Conflict, which names them, while there are endpoints on it.
    """
    check_own(target)
    # Who puts an endpoint on it holds the same row.
    ComputeTarget.objects.select_for_update().get(pk=target.pk)
    holding.require_unused(target)
    state = TargetState.DELETED if target.kind == ComputeTarget.Kind.INFERENCE else TargetState.DELETING
    ComputeTarget.objects.filter(pk=target.pk).update(state=state, modified_ms=now_ms())
    Node.objects.filter(target=target).update(wanted=NodeWish.LEAVE)


@operation("compute.write")
def create_join_token(actor: Actor, target: ComputeTarget) -> str:
    """Make the secret with which one machine joins the cluster; it reaches this cluster's work and nothing else."""
    check_own(target)
    if target.kind != ComputeTarget.Kind.CLUSTER:
        raise InvalidValue(_("Machines join clusters for jobs only."))
    _token, secret = make_token(
        kind=Token.Kind.NODE,
        name=f"joins {target.name}",
        workspace=target.workspace,
        subject=target.name,
        lifetime_ms=JOIN_TOKEN_MS,
    )
    return secret


def join_command(target: ComputeTarget, secret: str) -> str:
    """Give the line that a machine's owner runs in a checkout of this project."""
    return f"script/worker --cluster {target.name} --url {settings.STUDIO_URL} --token {secret}"


@operation("compute.write")
def drain_node(actor: Actor, target: ComputeTarget, *, node: Node, is_drained: bool = True) -> None:
    """Give a node no new work, or give it work again; what it has, it finishes."""
    rows = Node.objects.filter(pk=node.pk, target=target).exclude(wanted=NodeWish.LEAVE)
    rows.update(wanted=NodeWish.DRAIN if is_drained else NodeWish.WORK)


@operation("compute.write")
def remove_node(actor: Actor, target: ComputeTarget, *, node: Node) -> None:
    """Let a node leave when its work is done; one that has not answered for long and holds nothing goes at once."""
    found = Node.objects.select_for_update().filter(pk=node.pk, target=target).first()
    if found is None:
        return
    is_silent = not found.is_hosted and now_ms() - found.heartbeat_ms > 60_000
    if is_silent and not found.working:
        forget_node(found)
    else:
        Node.objects.filter(pk=found.pk).update(wanted=NodeWish.LEAVE)


def check_own(target: ComputeTarget) -> None:
    if target.state in TARGET_GONE:
        raise InvalidValue(_("“%s” is being deleted.") % target.name)


def check_name(name: str) -> None:
    if not NAME.fullmatch(name) or name.lower() in RESERVED:
        raise InvalidValue(
            _("A cluster's name has 2–16 letters, digits and “-”, begins with a letter, and is not “local”."),
            field="name",
        )


def check_agents(count: int) -> None:
    if not 1 <= count <= NODES_MAX:
        raise InvalidValue(_("An inference cluster has 1–%s agents.") % NODES_MAX, field="agent_count")


def check_scale(min_nodes: int, max_nodes: int | None, idle_s: int) -> None:
    if min_nodes < 0 or (max_nodes is not None and not 0 <= max_nodes <= NODES_MAX):
        raise InvalidValue(_("A cluster has 0–%s nodes.") % NODES_MAX, field="max_nodes")
    if min_nodes > (max_nodes or 0):
        raise InvalidValue(_("The fewest nodes of a cluster cannot be more than the most."), field="min_nodes")
    if not 0 <= idle_s <= IDLE_MAX_S:
        raise InvalidValue(_("A node without work is kept for 0 seconds to 30 days."), field="idle_s")
