"""Tasks of the shell itself."""

from __future__ import annotations

from celery import shared_task

from studio import heartbeats


@shared_task
def heartbeat() -> None:
    """Say that beat sends and the control worker runs; /health reads it."""
    heartbeats.beat("control")
