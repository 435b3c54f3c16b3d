"""Is there room for what is asked: on the endpoint's cluster, and within what its workspace may take?

A quota counts what the running endpoints of a workspace ask for, as a cluster does (see clusters.py): what is stopped
takes nothing, and while a revision takes over from another the larger of the two counts.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from deployments import clusters
from deployments.clusters import NOTHING, Need
from deployments.models import Deployment, Endpoint, Wanted
from lib.errors import InvalidValue
from lib.format import size as shown_size
from workspaces.models import Quota, Workspace
from workspaces.quotas import quota_of


@dataclass(frozen=True)
class Use:
    """What a workspace may take, and what it takes."""

    quota: Quota
    taken: Need

    def __str__(self) -> str:
        return ", ".join(
            _("%(taken)s of %(limit)s %(what)s") % {"taken": taken, "limit": limit, "what": what}
            for what, taken, limit in _shown(self.quota, self.taken)
        )


def check(endpoint: Endpoint, *asked: tuple[int, Need]) -> None:
    """Accept so many replicas of such a size for an endpoint, all at once. Raises InvalidValue with what there is."""
    clusters.check_room(endpoint, *asked)
    # Held until this is written: two who ask at once must not both get what is left.
    quota_of(endpoint.workspace, locked=True)
    check_quota(endpoint, *asked)


def check_quota(endpoint: Endpoint, *asked: tuple[int, Need]) -> None:
    """Raise InvalidValue for what the workspace's quota does not leave."""
    quota = quota_of(endpoint.workspace)
    if not quota.is_limited:
        return
    taken = taken_in(endpoint.workspace, but=endpoint)
    total = sum((each.times(count) for count, each in asked), NOTHING)
    if exceeded := over(quota, taken + total):
        words = {"asked": _listed(quota, total), "limits": exceeded, "taken": _listed(quota, taken)}
        raise InvalidValue(
            _(
                "The quota of this workspace (%(limits)s) is not enough: %(asked)s asked for, "
                "other endpoints take %(taken)s."
            )
            % words
        )


def most_replicas(deployment: Deployment) -> int | None:
    """Say how many replicas of a revision there is room for beside the other endpoints; None: as many as one likes."""
    found = [clusters.most_replicas(deployment), _most_by_quota(deployment)]
    return min((one for one in found if one is not None), default=None)


def use_of(workspace: Workspace) -> Use | None:
    """Give what a workspace takes of its quota; None without one."""
    quota = quota_of(workspace)
    return Use(quota, taken_in(workspace)) if quota.is_limited else None


def taken_in(workspace: Workspace, but: Endpoint | None = None) -> Need:
    rows = Endpoint.objects.filter(workspace=workspace, wanted=Wanted.RUNNING)
    return clusters.taken_by(rows.exclude(pk=but.pk) if but is not None and but.pk else rows)


def over(quota: Quota, total: Need) -> str:
    """Name the limits that a total exceeds."""
    names = [
        quota.cpu_cores is not None and total.cores > quota.cpu_cores + 1e-6 and _("%g cores") % quota.cpu_cores,
        quota.memory_bytes is not None and total.memory_bytes > quota.memory_bytes and shown_size(quota.memory_bytes),
        quota.replicas is not None and total.replicas > quota.replicas and count(quota.replicas),
    ]
    return ", ".join(name for name in names if name)


def count(replicas: int) -> str:
    return ngettext("%s replica", "%s replicas", replicas) % replicas


def _most_by_quota(deployment: Deployment) -> int | None:
    quota = quota_of(deployment.endpoint.workspace)
    if not quota.is_limited:
        return None
    taken, each = taken_in(deployment.endpoint.workspace, but=deployment.endpoint), clusters.need(deployment)
    fits = [
        int((limit - used + 1e-6) // one)
        for limit, used, one in (
            (quota.cpu_cores, taken.cores, each.cores),
            (quota.memory_bytes, taken.memory_bytes, each.memory_bytes),
            (quota.replicas, taken.replicas, 1),
        )
        if limit is not None
    ]
    return max(1, min(fits))


def _shown(quota: Quota, need: Need) -> list[tuple[str, str, str]]:
    """Pair what is taken with each limit that there is."""
    cores = (_("cores"), f"{need.cores:g}", f"{quota.cpu_cores:g}") if quota.cpu_cores is not None else None
    limit = quota.memory_bytes
    memory = (_("of memory"), shown_size(need.memory_bytes), shown_size(limit)) if limit is not None else None
    replicas = (_("replicas"), str(need.replicas), str(quota.replicas)) if quota.replicas is not None else None
    return [one for one in (cores, memory, replicas) if one is not None]


def _listed(quota: Quota, need: Need) -> str:
    return ", ".join(f"{taken} {what}" for what, taken, _limit in _shown(quota, need))
