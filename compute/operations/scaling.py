"""How many nodes a cluster has: as many as its waiting jobs need, between its minimum and its maximum."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from compute.models import ComputeTarget, Node, NodeWish, TargetState
from compute.operations.nodes import forget_node
from lib.clock import now_ms

# A node that has not said a word so long after it was wanted, or since its last one, counts as no room for work.
SILENT_MS = 30_000


@dataclass(frozen=True)
class Scaled:
    """What was done; `preparing` nodes are on their way, so that many waiting jobs have one coming."""

    added: int = 0
    leaving: int = 0
    preparing: int = 0


@transaction.atomic
def scale(target_id: int, *, waiting: int) -> Scaled:
    """Add nodes for waiting jobs, let idle ones leave; called again and again, it does no more than is needed."""
    target = ComputeTarget.objects.select_for_update().filter(pk=target_id).first()
    if target is None or target.kind != ComputeTarget.Kind.CLUSTER or target.state == TargetState.DELETED:
        return Scaled()
    nodes = list(target.nodes.select_for_update().order_by("pk"))
    if target.state == TargetState.DELETING:
        return end_of(target, nodes)
    if target.max_nodes is None:
        return Scaled()
    hosted = [node for node in nodes if node.is_hosted and node.wanted != NodeWish.LEAVE]
    added = grow(target, hosted, missing(target, nodes, hosted, waiting))
    leaving = 0 if added else shrink(target, hosted, waiting)
    preparing = added + sum(node.heartbeat_ms == 0 for node in hosted)
    return Scaled(added, leaving, preparing)


def missing(target: ComputeTarget, nodes: list[Node], hosted: list[Node], waiting: int) -> int:
    """Count the nodes to add: for jobs that no node has room for, and up to the minimum; never past the maximum."""
    room = sum(max(0, node.slots - node.working) for node in nodes if is_of_use(node))
    wanted = max(waiting - room, target.min_nodes - len(hosted), 0)
    return min(wanted, max(0, (target.max_nodes or 0) - len(hosted)))


def is_of_use(node: Node) -> bool:
    if node.wanted != NodeWish.WORK:
        return False
    return now_ms() - max(node.heartbeat_ms, node.created_ms) < SILENT_MS


def grow(target: ComputeTarget, hosted: list[Node], count: int) -> int:
    taken = set(target.nodes.values_list("name", flat=True))
    names = (f"{target.name}-{number}" for number in range(1, 1000))
    free = [name for name in names if name not in taken][:count]
    Node.objects.bulk_create([Node(target=target, name=name, is_hosted=True) for name in free])
    return len(free)


def shrink(target: ComputeTarget, hosted: list[Node], waiting: int) -> int:
    """Let nodes leave that had no work for long enough, the newest first, and those beyond the maximum at once."""
    now, most = now_ms(), target.max_nodes or 0
    idle = [node for node in reversed(hosted) if not node.working and node.wanted == NodeWish.WORK]
    long_idle = [node for node in idle if now - max(node.idle_since_ms, node.created_ms) >= target.idle_s * 1000]
    spare = len(hosted) - target.min_nodes
    beyond = max(0, len(hosted) - most)
    chosen = idle[:beyond] if beyond else long_idle[: max(0, spare)] if not waiting else []
    Node.objects.filter(pk__in=[node.pk for node in chosen]).update(wanted=NodeWish.LEAVE)
    return len(chosen)


def end_of(target: ComputeTarget, nodes: list[Node]) -> Scaled:
    """Wait for a deleted cluster's nodes to leave; machines that joined and are silent are not waited for."""
    for node in nodes:
        if not node.is_hosted and now_ms() - node.heartbeat_ms > SILENT_MS:
            forget_node(node)
    left = target.nodes.count()
    if not left:
        target.state, target.modified_ms = TargetState.DELETED, now_ms()
        target.save(update_fields=["state", "modified_ms"])
    return Scaled(leaving=left)
