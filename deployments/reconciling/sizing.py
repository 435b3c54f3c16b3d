"""Bring the number of a revision's replicas to its load, and end those that are too many."""

from __future__ import annotations

import logging

from deployments import replicas, room
from deployments.models import SERVING, Change
from deployments.reconciling.revision import Revision

logger = logging.getLogger(__name__)

CALM_MS = 30 * 1000


def fit_size(revision: Revision) -> None:
    """Bring the number of replicas to the load: more at once, fewer after half a minute of calm."""
    endpoint, deployment, now = revision.endpoint, revision.row, revision.world.now_ms()
    if not (endpoint.is_autoscaled and deployment.traffic) or now - deployment.judged_ms < endpoint.refresh_s * 1000:
        return
    busy = replicas.utilization(deployment.seen)
    running = sum(bool(row["in_rotation"]) for row in deployment.seen)
    if busy is None or not running:
        return
    most_there = room.most_replicas(deployment)
    most = endpoint.max_replicas if most_there is None else min(endpoint.max_replicas, most_there)
    limits = min(endpoint.min_replicas, most), most
    needed = replicas.needed(running, busy, endpoint.target_utilization, *limits)
    if needed < deployment.replicas and limits[0] <= deployment.replicas <= limits[1]:
        calm_since = deployment.calm_since_ms or now
        is_calm = now - calm_since > CALM_MS
        size = deployment.replicas - 1 if is_calm else deployment.replicas
        revision.save(judged_ms=now, calm_since_ms=now if is_calm else calm_since)
    else:
        # Those on their way count as well: the load is theirs too, once they are there.
        size = needed if running >= deployment.replicas else max(deployment.replicas, limits[0])
        revision.save(judged_ms=now, calm_since_ms=0)
    resize(revision, max(limits[0], min(limits[1], size)), busy)


def resize(revision: Revision, size: int, busy: float) -> None:
    before = revision.row.replicas
    if size == before:
        return
    revision.save(replicas=size)
    logger.info("scaled deployment=%s from=%s to=%s busy=%s", revision.row.key, before, size, round(busy))
    Change.objects.create(
        endpoint=revision.endpoint,
        what="scaled",
        revision=revision.row.revision,
        details={"from": before, "to": size, "busy": round(busy)},
        by="autoscale",
    )
    if size > before:
        revision.apply()


def trim(revision: Revision) -> None:
    """End the replicas that are too many, now that the gateway sends them nothing more."""
    seen = revision.seen
    if revision.row.state in SERVING and seen and any(one.number >= revision.row.replicas for one in seen.replicas):
        for one in seen.replicas:
            if one.number >= revision.row.replicas:
                revision.end(one.number)
