"""Tasks of the shell itself."""

from __future__ import annotations

from typing import Any

from celery import Task, shared_task

from studio import heartbeats


@shared_task
def heartbeat() -> None:
    """Say that beat sends and the control worker runs; /health reads it."""
    heartbeats.beat("control")


@shared_task(bind=True)
def look(self: Task[Any, Any], names: list[str]) -> None:
    """Run the looks of one rhythm, one after the other; one that fails is logged and keeps none from the next."""
    for name in names:
        self.app.tasks[name].apply()
