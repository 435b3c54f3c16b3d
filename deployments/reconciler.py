"""Move the world one step toward what the rows of one endpoint want. Every step may be repeated, and may be the last.

What a step does is in `deployments/reconciling/`, a file an idea.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from deployments.models import Deployment, Endpoint
from deployments.reconciling.endpoint import EndpointStep
from deployments.world import World

logger = logging.getLogger(__name__)

LOCK = 0x5E17E


def step(endpoint_id: int, world: World) -> bool:
    """Take one step for an endpoint; say whether another should follow soon. Of two at once, one does nothing."""
    with _alone(endpoint_id) as is_alone:
        if not is_alone:
            return False
        endpoint = Endpoint.objects.select_related("workspace").filter(pk=endpoint_id).first()
        if endpoint is None:
            world.routes.remove(endpoint_id)
            return False
        return EndpointStep(endpoint, world).run()


def sweep(world: World, kind: str = "process") -> None:
    """Clear revisions and routes that belong to no endpoint: what a restored database or a crash left behind."""
    known = {deployment.key for deployment in Deployment.objects.only("endpoint_id", "revision")}
    for name in set(world.driver(kind).names()) - known:
        logger.warning("clearing a revision of no endpoint name=%s", name)
        world.driver(kind).delete(name)
        world.remove_files(world.models / f"{name}.model")
        world.remove_files(world.models / f"{name}.code")
    for endpoint_id in world.routes.known() - set(Endpoint.objects.values_list("pk", flat=True)):
        world.routes.remove(endpoint_id)


@contextmanager
def _alone(endpoint_id: int) -> Iterator[bool]:
    """Hold the endpoint's lock; the database drops it when this process dies."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK, endpoint_id])
        (is_alone,) = cursor.fetchone()
        try:
            yield bool(is_alone)
        finally:
            if is_alone:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK, endpoint_id])
