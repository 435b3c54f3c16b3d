"""Reads of environments, clusters and nodes."""

from __future__ import annotations

import difflib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db.models import Prefetch, Q, QuerySet
from django.utils.translation import gettext as _

from compute import environments, sizes
from compute.environments import Built
from compute.environments.build import LOG
from compute.models import (
    BuildState,
    ComputeTarget,
    EnvironmentBuild,
    EnvironmentRules,
    EnvironmentUse,
    Node,
    NodeWish,
    TargetState,
)
from compute.node.places import LOG as NODE_LOG
from compute.node.places import hosted_folder
from compute.sizes import Size
from lib.clock import now_ms
from lib.errors import InvalidValue, NotFound
from lib.textfile import Piece, newest_line, read_piece
from workspaces.access import Actor
from workspaces.models import Workspace

# A node beats every 2 s; after this it is not called online any more.
ONLINE_MS = 8_000


def environment_uses(actor: Actor, workspace: Workspace) -> QuerySet[EnvironmentUse]:
    """List the environments that were asked for in the workspace, newest first."""
    rows = EnvironmentUse.objects.visible_to(actor).filter(workspace=workspace)
    return rows.select_related("build").order_by("-created_ms", "-pk")


def built(build: EnvironmentBuild) -> Built | None:
    """Give the environment on this machine, None while it is not (or no longer) there."""
    return environments.find(settings.ENVIRONMENTS_DIR, build.digest)


def build_log(build: EnvironmentBuild, offset: int = 0) -> Piece:
    """Give the next piece of the build log; it is the last once the build has ended."""
    is_over = build.state in (BuildState.READY, BuildState.FAILED)
    return read_piece(settings.ENVIRONMENTS_DIR / build.digest / LOG, offset, is_over=is_over)


def build_newest_line(build: EnvironmentBuild) -> str:
    return newest_line(settings.ENVIRONMENTS_DIR / build.digest / LOG)


@dataclass(frozen=True)
class NodeRow:
    """A node as pages and programs see it."""

    node: Node
    is_online: bool

    @property
    def state(self) -> str:
        """Say what it does: preparing, idle, running, draining, drained, leaving, unusable or offline."""
        node = self.node
        if node.wanted == NodeWish.LEAVE:
            return "leaving"
        if node.is_hosted and node.heartbeat_ms == 0:
            return "preparing"
        if not self.is_online:
            return "unusable" if node.is_hosted else "offline"
        if node.wanted == NodeWish.DRAIN:
            return "draining" if node.working else "drained"
        return "running" if node.working else "idle"


@dataclass(frozen=True)
class TargetRow:
    target: ComputeTarget
    nodes: list[NodeRow]

    @property
    def slots(self) -> int:
        return sum(row.node.slots for row in self.nodes if row.is_online)

    @property
    def busy(self) -> int:
        return sum(row.node.working for row in self.nodes)

    @property
    def online(self) -> int:
        return sum(row.is_online for row in self.nodes)

    @property
    def counts(self) -> Counter[str]:
        return Counter(row.state for row in self.nodes)

    @property
    def allocation(self) -> str:
        """Say whether nodes are on their way in or out."""
        moves = self.counts["preparing"] + self.counts["leaving"] > 0
        return "Resizing" if moves else "Steady"

    @property
    def size(self) -> Size | None:
        return sizes.find(self.target.vm_size)

    @property
    def state(self) -> str:
        return "Resizing" if self.target.state == "Succeeded" and self.allocation == "Resizing" else self.target.state


def target_rows(workspace: Workspace) -> QuerySet[ComputeTarget]:
    """List the clusters of the studio and of the workspace that are not gone."""
    rows = ComputeTarget.objects.filter(Q(workspace=None) | Q(workspace=workspace))
    return rows.exclude(state=TargetState.DELETED).order_by("pk")


def targets(workspace: Workspace) -> list[TargetRow]:
    """List the clusters that the workspace may use, with their nodes."""
    rows = target_rows(workspace).prefetch_related(Prefetch("nodes", Node.objects.order_by("pk")))
    return [with_nodes(target, list(target.nodes.all())) for target in rows]


def with_nodes(target: ComputeTarget, nodes: list[Node]) -> TargetRow:
    oldest = now_ms() - ONLINE_MS
    return TargetRow(target, [NodeRow(node, node.heartbeat_ms >= oldest) for node in nodes])


def find_target(actor: Actor, workspace: Workspace, name: str) -> ComputeTarget:
    """Find a cluster by its name, the workspace's own before the studio's. Raises NotFound, which tells near names."""
    if not actor.may("compute.read", workspace):
        raise NotFound(_("There is no compute target “%s”.") % name[:60])
    rows = list(target_rows(workspace).filter(name=name))
    if rows:
        return max(rows, key=lambda row: row.workspace_id is not None)
    known = list(target_rows(workspace).values_list("name", flat=True))
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or known
    said = _("There is no compute target “%s”.") % name[:60]
    raise NotFound(f"{said} {_('There is: %s.') % ', '.join(near)}" if near else said)


def find_own_target(actor: Actor, workspace: Workspace, name: str) -> ComputeTarget:
    """Find a cluster that is the workspace's to change. Raises InvalidValue for one that all workspaces share."""
    target = find_target(actor, workspace, name)
    if target.workspace_id is None:
        raise InvalidValue(_("This compute target belongs to the whole studio and is not changed here."))
    return target


def target_row(actor: Actor, workspace: Workspace, name: str) -> TargetRow:
    target = find_target(actor, workspace, name)
    return with_nodes(target, list(target.nodes.order_by("pk")))


def node_row(target: ComputeTarget, node_id: int) -> NodeRow | None:
    """Give a node of a cluster; None for one that has left."""
    node = target.nodes.filter(pk=node_id).first()
    return with_nodes(target, [node]).nodes[0] if node else None


def has_node_log(target: ComputeTarget, node: Node) -> bool:
    """Say whether a node's log is here: of the nodes that the studio hosts for one workspace.

    That of the studio's own node tells of the work of all workspaces, and a machine that joined keeps its own.
    """
    return node.is_hosted and target.workspace_id is not None and node_log_path(node).exists()


def node_log(target: ComputeTarget, node: Node, offset: int) -> Piece:
    """Give the next piece of a node's log. Raises NotFound where there is none to be read."""
    if not has_node_log(target, node):
        raise NotFound(_("This node's log is not kept here."))
    return read_piece(node_log_path(node), offset, is_over=False)


def node_log_path(node: Node) -> Path:
    return hosted_folder(settings.RUNTIME_HOME, node.name, node.pk) / NODE_LOG


def room(target: ComputeTarget, *, before: int = 0) -> str:
    """Say in a sentence what a job with so many before it waits for."""
    row = with_nodes(target, list(target.nodes.order_by("pk")))
    free = sum(
        max(0, one.node.slots - one.node.working)
        for one in row.nodes
        if one.is_online and one.node.wanted == NodeWish.WORK
    )
    if free > before:
        return _("A node of %s has room for it.") % target.name
    if free + row.counts["preparing"] > before:
        return _("A node of %s is being started for it.") % target.name
    if row.online:
        most = f" {_('of %s') % target.max_nodes}" if target.max_nodes else ""
        return _("All nodes of %(name)s are at work: %(online)d%(most)s.") % {
            "name": target.name, "online": row.online, "most": most,
        }  # fmt: skip
    if target.max_nodes:
        return _("%s has no node yet; one is asked for.") % target.name
    return _("No machine of %s is there: join one, or start it again.") % target.name


def is_strict(workspace: Workspace) -> bool:
    return EnvironmentRules.objects.filter(workspace=workspace, is_strict=True).exists()
