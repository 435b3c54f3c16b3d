"""Entry points of the control worker."""

from __future__ import annotations

from celery import shared_task

from jobs import operations


@shared_task
def reconcile() -> None:
    """Look at every job not at rest. Waiting ones need no message: nodes ask for them each second."""
    operations.mark_silent_jobs()
    operations.make_room()
