"""Reads of environments, clusters and nodes."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Prefetch, Q, QuerySet

from compute import environments
from compute.environments import Built
from compute.environments.build import LOG
from compute.models import BuildState, ComputeTarget, EnvironmentBuild, EnvironmentUse, Node
from lib.clock import now_ms
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
    """A node as pages show it; `runs` are the ids of the runs it works on."""

    node: Node
    is_online: bool

    @property
    def state(self) -> str:
        return "online" if self.is_online else "offline"


@dataclass(frozen=True)
class TargetRow:
    target: ComputeTarget
    nodes: list[NodeRow]

    @property
    def slots(self) -> int:
        return sum(row.node.slots for row in self.nodes if row.is_online)


def targets(workspace: Workspace) -> list[TargetRow]:
    """List the clusters that the workspace's jobs may run on: the studio's own, and the workspace's."""
    rows = ComputeTarget.objects.filter(Q(workspace=None) | Q(workspace=workspace)).order_by("pk")
    rows = rows.prefetch_related(Prefetch("nodes", Node.objects.order_by("name")))
    oldest = now_ms() - ONLINE_MS
    return [
        TargetRow(target, [NodeRow(node, node.heartbeat_ms >= oldest) for node in target.nodes.all()])
        for target in rows
    ]
