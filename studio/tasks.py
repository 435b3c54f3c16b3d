"""Tasks of the shell itself."""

from __future__ import annotations

from celery import shared_task
from django.core.cache import cache

from lib.clock import now_ms


@shared_task
def heartbeat() -> None:
    """Say that beat sends and the control worker runs; /health reads it."""
    cache.set("health:control", now_ms(), 60)
