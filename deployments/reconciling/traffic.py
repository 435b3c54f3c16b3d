"""Divide the requests among the revisions of one endpoint, as they arrive, fail and stand by."""

from __future__ import annotations

from collections.abc import Sequence

from deployments.models import Deployment, DeploymentState, Wanted
from deployments.reconciling.revision import save

# An old worker of the gateway goes on serving its clients' idle connections for ten seconds after a reload.
LINGER_MS = 15 * 1000


def drop_failed(wanted: Sequence[Deployment]) -> None:
    """Divide the share of what failed among the others that have one."""
    failed = [one for one in wanted if one.state == DeploymentState.FAILED and (one.traffic or one.mirror)]
    if not failed:
        return
    for deployment in failed:
        save(deployment, traffic=0, mirror=0)
    left = [one for one in wanted if one.traffic]
    shares = scaled_to_100([one.traffic for one in left])
    for deployment, share in zip(left, shares, strict=True):
        save(deployment, traffic=share)


def give_to_arrived(deployments: Sequence[Deployment], wanted: Sequence[Deployment], now_ms: int) -> None:
    """Give all traffic to the revision that arrived to take it; what served before stands by, to go back to."""
    arrived = [one for one in wanted if one.state == DeploymentState.HEALTHY and one.takes_traffic]
    if not arrived:
        return
    newest = max(arrived, key=_arrived)
    for deployment in deployments:
        if deployment is newest:
            save(deployment, traffic=100, mirror=0, takes_traffic=False, idle_since_ms=None)
        elif deployment.traffic:
            save(deployment, traffic=0, mirror=0, takes_traffic=False, idle_since_ms=now_ms)
        elif deployment.idle_since_ms and deployment in wanted:
            # Only what served last stands by; what stood by until now has long had its last request.
            save(deployment, wanted=Wanted.STOPPED)
        elif deployment in arrived:
            save(deployment, takes_traffic=False, idle_since_ms=now_ms)


def mind_standbys(wanted: Sequence[Deployment], standby_s: int, now_ms: int) -> None:
    """End what has stood by long enough; never before the gateway's last old connection can have ended."""
    stay_ms = max(standby_s * 1000, LINGER_MS)
    for deployment in wanted:
        since = deployment.idle_since_ms
        is_idle = since is not None and not deployment.traffic and not deployment.mirror
        if is_idle and now_ms - (since or 0) > stay_ms:
            save(deployment, wanted=Wanted.STOPPED)


def scaled_to_100(shares: list[int]) -> list[int]:
    """Bring shares to 100 in all as they stand to each other; the greatest takes what rounding leaves."""
    total = sum(shares)
    if not total:
        return shares
    scaled = [share * 100 // total for share in shares]
    scaled[scaled.index(max(scaled))] += 100 - sum(scaled)
    return scaled


def _arrived(deployment: Deployment) -> tuple[int, int]:
    """Give the time at which a revision was sent on its way (a rollback counts anew), to tell the newer of two."""
    queued = [since for state, since in deployment.stages if state == DeploymentState.QUEUED]
    return (queued[-1] if queued else 0, deployment.revision)
