"""Sending, woken by an event or by the clock."""

from __future__ import annotations

from celery import shared_task

from lib.clock import now_ms
from workspaces.webhooks import delivery


@shared_task
def deliver(webhook_id: str) -> None:
    """Send for some seconds, then stand at the end of the queue again: others wait too."""
    if delivery.take_turn(webhook_id):
        deliver.apply_async([webhook_id], expires=30, retry=False)


@shared_task
def reconcile() -> None:
    """Wake the sender of every webhook that has something due: retries, and what a lost message left."""
    for webhook_id in delivery.ready(now_ms()).values_list("pk", flat=True)[: delivery.MOST_AT_ONCE * 2]:
        deliver.apply_async([webhook_id], expires=5, retry=False)


@shared_task
def tidy() -> None:
    while delivery.forget_old() == delivery.TIDY_ROWS:
        pass
