"""Compute nodes speak for themselves with a node token; what its cluster is, the token says."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from compute.models import ComputeTarget, Node
from lib.clock import now_ms
from lib.errors import Denied, InvalidValue
from workspaces.access import Actor

LOCAL_CLUSTER = "local-cluster"


@dataclass(frozen=True)
class NodeReport:
    """What a node says of itself: how many jobs it takes at once, its size, and its load (1.0 a busy core)."""

    name: str
    slots: int = 1
    cpu_count: float = 0
    memory_bytes: int = 0
    load: float = 0


def require_node(actor: Actor) -> None:
    if actor.kind not in ("node", "system"):
        raise Denied(_("Only a compute node may do this."))


def local_cluster() -> ComputeTarget:
    """Give the studio's own cluster, which this machine's node serves."""
    return ComputeTarget.objects.get_or_create(workspace=None, name=LOCAL_CLUSTER)[0]


def cluster_of(actor: Actor) -> ComputeTarget:
    """Give the cluster that the node's token was made for."""
    require_node(actor)
    if actor.only_workspace is None and actor.subject in ("", LOCAL_CLUSTER):
        return local_cluster()
    rows = ComputeTarget.objects.filter(name=actor.subject)
    found = rows.filter(workspace=actor.only_workspace).first()
    if found is None:
        raise Denied(_("The cluster that this token was made for is gone."))
    return found


def heartbeat(actor: Actor, *, report: NodeReport) -> Node:
    """Write that a node is there, and how it fares. Raises InvalidValue for a name or size that cannot be."""
    if not report.name or len(report.name) > 100 or not 0 <= report.slots <= 1000:
        raise InvalidValue(_("A node has a name of 1–100 characters and 0–1000 slots."), field="name")
    node, _is_new = Node.objects.update_or_create(
        target=cluster_of(actor),
        name=report.name,
        defaults={
            "slots": report.slots,
            "cpu_count": report.cpu_count,
            "memory_bytes": report.memory_bytes,
            "load": report.load,
            "heartbeat_ms": now_ms(),
        },
    )
    return node
