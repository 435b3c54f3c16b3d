"""Inference clusters, as endpoints need them: which there are, and how many replicas have room on them.

A cluster is `max_nodes` agents of one size. Each replica must fit on an agent, and what all endpoints of the cluster
ask for together must fit on all agents. While a revision takes over from another both are there for a moment; that is
not counted twice, or no full cluster could ever be updated.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from compute import sizes
from compute.models import TARGET_GONE, ComputeTarget, TargetState
from deployments.models import COMING, SERVING, Deployment, Endpoint, Target, Wanted
from lib.errors import Conflict, InvalidValue, NotFound
from lib.format import size as shown_size
from workspaces.models import Workspace


@dataclass(frozen=True)
class Need:
    """Cores and memory, of one replica or of so many."""

    cores: float = 0.0
    memory_bytes: int = 0
    replicas: int = 0

    def __add__(self, other: Need) -> Need:
        replicas = self.replicas + other.replicas
        return Need(self.cores + other.cores, self.memory_bytes + other.memory_bytes, replicas)

    def times(self, count: int) -> Need:
        return Need(self.cores * count, self.memory_bytes * count, self.replicas * count)

    def fits(self, room: Need) -> bool:
        # Shares such as 0.1 do not add up exactly.
        return self.cores <= room.cores + 1e-6 and self.memory_bytes <= room.memory_bytes

    def __str__(self) -> str:
        return _("%(cores)s cores and %(memory)s") % {
            "cores": f"{self.cores:g}",
            "memory": shown_size(self.memory_bytes),
        }


NOTHING = Need()


def live(workspace: Workspace) -> QuerySet[ComputeTarget]:
    rows = ComputeTarget.objects.filter(workspace=workspace, kind=ComputeTarget.Kind.INFERENCE)
    return rows.exclude(state__in=TARGET_GONE)


def names(workspace: Workspace) -> list[str]:
    """List what can be chosen."""
    found = live(workspace).filter(state=TargetState.SUCCEEDED)
    return list(found.order_by("name").values_list("name", flat=True))


def check(workspace: Workspace, target: str, name: str) -> None:
    """Accept a cluster's name for a target; an empty one is this machine. The cluster stays while this is written.

    Raises NotFound, which names it, for an inference cluster that the workspace does not have, Conflict for one that
    is not ready, InvalidValue for a cluster with an instance.
    """
    if not name:
        return
    if target != Target.CLUSTER:
        raise InvalidValue(_("Only the cluster target takes the name of an inference cluster."), field="compute_name")
    found = live(workspace).select_for_update().filter(name=name).first()
    if found is None:
        raise NotFound(_("The inference cluster “%s” does not exist in this workspace.") % name)
    if found.state != TargetState.SUCCEEDED:
        raise Conflict(_("The inference cluster “%(name)s” is not ready: %(why)s") % {"name": name, "why": found.error})


def check_room(endpoint: Endpoint, *asked: tuple[int, Need]) -> None:
    """Accept so many replicas of such a size for an endpoint, all at once. Raises InvalidValue with what there is."""
    if not endpoint.compute_name:
        return
    cluster = live(endpoint.workspace).filter(name=endpoint.compute_name).first()
    agent = agent_of(cluster)
    if cluster is None or agent is None:
        return
    if large := next((each for _count, each in asked if not each.fits(agent)), None):
        words = {"asked": large, "name": cluster.name, "size": cluster.vm_size, "there": agent}
        raise InvalidValue(
            _("A replica of %(asked)s does not fit on an agent of “%(name)s” (%(size)s: %(there)s).") % words
        )
    total = sum((each.times(count) for count, each in asked), NOTHING)
    taken = taken_by(others(endpoint, cluster))
    if not (total + taken).fits(agent.times(cluster.max_nodes or 0)):
        words = {
            "asked": total,
            "name": cluster.name,
            "agents": cluster.max_nodes,
            "there": agent.times(cluster.max_nodes or 0),
            "taken": taken,
        }
        raise InvalidValue(
            _(
                "%(asked)s do not fit on “%(name)s”: its %(agents)s agents have %(there)s, "
                "of which other endpoints take %(taken)s."
            )
            % words
        )


def most_replicas(deployment: Deployment) -> int | None:
    """Say how many replicas of a revision have room beside the other endpoints; None: as many as one likes."""
    endpoint = deployment.endpoint
    cluster = live(endpoint.workspace).filter(name=endpoint.compute_name).first() if endpoint.compute_name else None
    agent = agent_of(cluster)
    if cluster is None or agent is None:
        return None
    room, taken, each = agent.times(cluster.max_nodes or 0), taken_by(others(endpoint, cluster)), need(deployment)
    by_cores = int((room.cores - taken.cores + 1e-6) // each.cores)
    return max(1, min(by_cores, (room.memory_bytes - taken.memory_bytes) // each.memory_bytes))


def agent_of(cluster: ComputeTarget | None) -> Need | None:
    size = sizes.find(cluster.vm_size) if cluster else None
    return Need(size.cores, int(size.memory_gib * sizes.GIB)) if size else None


def need(deployment: Deployment) -> Need:
    return Need(deployment.cpu_cores, deployment.memory_bytes, 1)


def endpoints_on(cluster: ComputeTarget) -> QuerySet[Endpoint]:
    """List the endpoints of a cluster, stopped ones too, but not those that are being deleted."""
    rows = Endpoint.objects.filter(workspace=cluster.workspace, compute_name=cluster.name)
    return rows.exclude(wanted=Wanted.ABSENT).order_by("name")


def others(endpoint: Endpoint, cluster: ComputeTarget) -> QuerySet[Endpoint]:
    return endpoints_on(cluster).exclude(pk=endpoint.pk)


def taken_by(endpoints: QuerySet[Endpoint]) -> Need:
    """Add up what running endpoints take."""
    return sum((taken_by_one(one) for one in endpoints.prefetch_related("deployments")), NOTHING)


def taken_by_one(endpoint: Endpoint) -> Need:
    """Give what an endpoint takes: its revisions with a share together, or one that is on its way if that is more."""
    if endpoint.wanted != Wanted.RUNNING:
        return NOTHING
    wanted = [one for one in endpoint.deployments.all() if one.wanted == Wanted.RUNNING]
    there = [one for one in wanted if one.state in SERVING and one.idle_since_ms is None]
    coming = [whole(one) for one in wanted if one.state in COMING]
    together = sum((whole(one) for one in there), NOTHING)
    return Need(
        max([together.cores, *(one.cores for one in coming)]),
        max([together.memory_bytes, *(one.memory_bytes for one in coming)]),
        max([together.replicas, *(one.replicas for one in coming)]),
    )


def whole(deployment: Deployment) -> Need:
    return need(deployment).times(deployment.replicas)


def sized(deployments: Iterable[Deployment], replicas: int | None = None) -> list[tuple[int, Need]]:
    """Give revisions as `check_room` takes them, each with another number of replicas where one is given."""
    return [(replicas or one.replicas, need(one)) for one in deployments]


@dataclass(frozen=True)
class Room:
    """What a cluster has, and what its endpoints take of it."""

    there: Need
    taken: Need


def room_of(cluster: ComputeTarget) -> Room | None:
    agent = agent_of(cluster)
    return Room(agent.times(cluster.max_nodes or 0), taken_by(endpoints_on(cluster))) if agent else None


def held_by(cluster: ComputeTarget) -> list[str]:
    """Name the endpoints for which a cluster must stay."""
    if cluster.kind != ComputeTarget.Kind.INFERENCE:
        return []
    return list(endpoints_on(cluster).values_list("name", flat=True))
