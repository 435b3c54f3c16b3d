"""Celery entry points: an endpoint's id in, one step of the reconciler."""

from __future__ import annotations

from celery import shared_task
from django.core.cache import cache

from deployments import collection, reconciler, targets, telemetry, world
from deployments.models import DeploymentState, Endpoint, EndpointState, Wanted
from lib.clock import now_ms

SOON_S = 0.4
# Two chains of steps for one endpoint meet sooner or later; the later of two so close ends its chain.
TOO_SOON_MS = 250
CHAIN_ALIVE_MS = 1500
SWEEP_EVERY_S = 30


@shared_task
def step(endpoint_id: int) -> None:
    key = f"deployments:stepped:{endpoint_id}"
    if now_ms() - (cache.get(key) or 0) < TOO_SOON_MS:
        # Not now, but what the hint was about must not wait for the next beat.
        if cache.add(f"deployments:again:{endpoint_id}", 1, 1):
            step.apply_async((endpoint_id,), countdown=SOON_S, expires=10)
        return
    cache.set(key, now_ms(), 60)
    if reconciler.step(endpoint_id, world.real()):
        step.apply_async((endpoint_id,), countdown=SOON_S, expires=10)


@shared_task
def reconcile() -> None:
    """Look at every endpoint that is not at rest, the healthy ones included."""
    resting = [EndpointState.STOPPED, EndpointState.FAILED]
    rows = Endpoint.objects.exclude(wanted=Wanted.STOPPED, state=EndpointState.STOPPED)
    at_rest = rows.filter(wanted=Wanted.RUNNING, state__in=resting).exclude(
        deployments__wanted=Wanted.RUNNING, deployments__state__in=[*DeploymentState.values[:6]]
    )
    for pk in rows.exclude(pk__in=at_rest).values_list("pk", flat=True):
        if now_ms() - (cache.get(f"deployments:stepped:{pk}") or 0) > CHAIN_ALIVE_MS:
            step.apply_async((pk,), expires=4)
    if cache.add("deployments:swept", 1, SWEEP_EVERY_S):
        sweep.apply_async(expires=20)


@shared_task
def collect() -> None:
    """Bring samples of inputs and outputs into the store."""
    collection.collect(now_ms(), targets.driver)


@shared_task
def roll_up() -> None:
    """Turn old minutes of telemetry into hours."""
    telemetry.roll_up(now_ms())


@shared_task
def sweep() -> None:
    reconciler.sweep(world.real())
