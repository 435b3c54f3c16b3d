"""A revision that has arrived stays up: what ended is started again, what is silent is replaced."""

from __future__ import annotations

import logging

from deployments import replicas
from deployments.drivers.base import Observed
from deployments.models import DeploymentState
from deployments.reconciling.revision import Revision
from deployments.reconciling.sizing import fit_size

logger = logging.getLogger(__name__)

HUNG_MS = 60 * 1000
STEADY_MS = 60 * 1000
# Waits before the first, second, … restart in a row.
BACK_OFF_MS = (0, 1000, 2000, 5000, 10_000, 30_000)


def keep(revision: Revision) -> None:
    seen = revision.observe()
    spec = revision.spec()
    if spec is not None:
        revision.driver.configure(spec)
    if replicas.in_rotation(seen, revision.row.seen, revision.row.replicas):
        be_well(revision)
    elif revision.is_in(DeploymentState.HEALTHY):
        revision.enter(DeploymentState.UNHEALTHY)
    mend(revision, seen)
    fit_size(revision)


def be_well(revision: Revision) -> None:
    if revision.is_in(DeploymentState.UNHEALTHY):
        revision.enter(DeploymentState.HEALTHY)
    elif revision.row.restarts and revision.world.now_ms() - revision.row.next_try_ms > STEADY_MS:
        revision.save(restarts=0, next_try_ms=0)


def mend(revision: Revision, seen: Observed) -> None:
    """Start again what ended, start what is missing, and replace what has not answered for a minute."""
    wanted = revision.row.replicas
    there = {one.number for one in seen.replicas}
    hung = [row for row in revision.row.seen if is_hung(revision, row)]
    for row in hung:
        logger.warning("replica hung, it is replaced deployment=%s replica=%s", revision.row.key, row["name"])
        revision.end(int(row["name"].rpartition(".")[2]))
    if hung or any(one.number < wanted for one in seen.ended):
        restart(revision)
    elif not set(range(wanted)) <= there:
        revision.apply()


def is_hung(revision: Revision, row: replicas.Row) -> bool:
    is_silent = row["state"] == "unready" and revision.world.now_ms() - row["since_ms"] > HUNG_MS
    return is_silent or replicas.is_stuck(row, revision.endpoint.scoring_timeout_ms)


def restart(revision: Revision) -> None:
    """Start again what ended, each time in a row a little later."""
    now = revision.world.now_ms()
    if now < revision.row.next_try_ms:
        return
    restarts = revision.row.restarts + 1
    wait = BACK_OFF_MS[min(restarts, len(BACK_OFF_MS) - 1)]
    revision.save(restarts=restarts, next_try_ms=now + wait)
    logger.warning("replica restarted deployment=%s restarts=%s", revision.row.key, restarts)
    revision.apply()
