"""How a workspace's endpoints go: replicas first, so that nothing answers for what is being deleted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from django.utils.translation import gettext as _

from compute import holding as compute_holding
from deployments import clusters
from deployments.models import Deployment, DeploymentState, Endpoint, EndpointState, Wanted
from registry import holding
from workspaces.deletion import Count, Participant, register
from workspaces.models import Workspace

BATCH = 10


def count(workspace: Workspace) -> list[Count]:
    return [Count(_("endpoints"), Endpoint.objects.filter(workspace=workspace).count())]


def delete_next_batch(workspace: Workspace) -> bool:
    """End and remove some endpoints; say whether any is left. One that will not end is tried again later."""
    from deployments import reconciler, world  # with it come the drivers, which a web process rarely needs

    endpoints = Endpoint.objects.filter(workspace=workspace)
    endpoints.update(wanted=Wanted.ABSENT, state=EndpointState.DELETING)
    for pk in list(endpoints.values_list("pk", flat=True)[:BATCH]):
        reconciler.step(pk, world.real())
    return endpoints.exists()


def served(version_ids: Collection[int]) -> dict[int, list[str]]:
    """Say which endpoints serve which versions, or would when they are started again."""
    rows = Deployment.objects.filter(model_version__in=version_ids, wanted=Wanted.RUNNING)
    rows = rows.exclude(endpoint__wanted=Wanted.ABSENT).exclude(state=DeploymentState.FAILED)
    found: dict[int, list[str]] = defaultdict(list)
    for pk, name in rows.order_by("endpoint__name").values_list("model_version", "endpoint__name").distinct():
        found[pk].append(name)
    return found


def join() -> None:
    holding.served_by.append(served)
    compute_holding.used_by.append(clusters.held_by)
    register(Participant(order=10, name="deployments", count=count, delete_next_batch=delete_next_batch))
