"""Compute nodes speak for themselves with a node token; what its cluster is, the token says."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from compute.models import TARGET_GONE, ComputeTarget, Node, NodeWish, TargetState
from lib.clock import now_ms
from lib.errors import Denied, InvalidValue, NotFound
from workspaces.access import Actor
from workspaces.models import Token
from workspaces.operations import make_token

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
    if is_own(actor):
        return local_cluster()
    rows = ComputeTarget.objects.filter(name=actor.subject, workspace=actor.only_workspace)
    found = rows.exclude(state=TargetState.DELETED).first()
    if found is None:
        raise Denied(_("The cluster that this token was made for is gone."))
    return found


def is_own(actor: Actor) -> bool:
    """Say whether this is the studio's own node, which also hosts the nodes of other clusters."""
    return actor.only_workspace is None and actor.subject in ("", LOCAL_CLUSTER)


def heartbeat(actor: Actor, *, report: NodeReport) -> Node:
    """Write that a node is there, and how it fares. Raises InvalidValue for a name or size that cannot be."""
    if not report.name or len(report.name) > 100 or not 0 <= report.slots <= 1000:
        raise InvalidValue(_("A node has a name of 1–100 characters and 0–1000 slots."), field="name")
    target = cluster_of(actor)
    now = now_ms()
    said = {
        "slots": report.slots,
        "cpu_count": report.cpu_count,
        "memory_bytes": report.memory_bytes,
        "load": report.load,
        "heartbeat_ms": now,
    }
    if target.state in TARGET_GONE and not target.nodes.filter(name=report.name).exists():
        raise Denied(_("The cluster that this token was made for is being deleted."))
    node, is_new = Node.objects.get_or_create(target=target, name=report.name, defaults={**said, "idle_since_ms": now})
    if not is_new:
        # What it is wanted to do, and the work it has, others write: only these columns are its own.
        said |= {"idle_since_ms": now} if node.heartbeat_ms == 0 else {}
        Node.objects.filter(pk=node.pk).update(**said)
        node.refresh_from_db()
    return node


def note_work(node_id: int, *, working: int) -> None:
    """Write how many jobs a node has; with none it is idle from now on."""
    rows = Node.objects.filter(pk=node_id).exclude(working=working)
    rows.update(working=working, **({} if working else {"idle_since_ms": now_ms()}))


def leave(actor: Actor, *, name: str) -> None:
    """Take a node that goes off the list, if it has no work."""
    node = Node.objects.filter(target=cluster_of(actor), name=name, working=0).first()
    if node is not None and not node.is_hosted:
        forget_node(node)


def forget_node(node: Node) -> None:
    """Remove a node, and end the token that was made for it alone."""
    tokens_of(node).update(revoked_ms=now_ms())
    Node.objects.filter(pk=node.pk).delete()


# ---- Hosted nodes: processes of the studio's own machine, for clusters that scale -----------------------------------


def require_host(actor: Actor) -> None:
    require_node(actor)
    if not is_own(actor):
        raise NotFound(_("Only the studio's own node hosts others."))


def hosted_nodes(actor: Actor) -> list[Node]:
    """List the nodes that should run as processes beside the studio's own, those that are to leave included."""
    require_host(actor)
    return list(Node.objects.filter(is_hosted=True).select_related("target").order_by("pk"))


@transaction.atomic
def admit_hosted(actor: Actor, *, node_id: int) -> str:
    """Give the secret for a hosted node that is about to be started; the one before it ends."""
    require_host(actor)
    node = Node.objects.select_for_update(of=["self"]).select_related("target").filter(pk=node_id).first()
    if node is None or not node.is_hosted or node.wanted == NodeWish.LEAVE:
        raise NotFound(_("There is no such node to start."))
    tokens_of(node).update(revoked_ms=now_ms())
    target = node.target
    _token, secret = make_token(
        kind=Token.Kind.NODE, name=token_name(node), workspace=target.workspace, subject=target.name
    )
    return secret


def dismiss_hosted(actor: Actor, *, node_id: int) -> None:
    """Hear that a hosted node's process has ended as it should, and forget it."""
    require_host(actor)
    node = Node.objects.filter(pk=node_id, is_hosted=True, wanted=NodeWish.LEAVE).first()
    if node is not None:
        forget_node(node)


def token_name(node: Node) -> str:
    return f"node {node.pk}"


def tokens_of(node: Node) -> QuerySet[Token]:
    return Token.objects.filter(kind=Token.Kind.NODE, name=token_name(node), revoked_ms=None)
