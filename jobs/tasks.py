"""Entry points of the control worker."""

from __future__ import annotations

from celery import shared_task

from jobs import operations


@shared_task
def reconcile() -> None:
    """Look at every job not at rest. Waiting ones need no message: nodes ask for them each second."""
    operations.mark_silent_jobs()
    operations.make_room()


@shared_task
def reconcile_sweeps() -> None:
    """Bring every sweep on."""
    operations.move_sweeps()
    operations.forget_plans()


@shared_task
def fire_schedules() -> None:
    """Take the ticks that are due."""
    operations.fire_schedules()


@shared_task
def free_snapshots() -> None:
    """Free code that nothing uses any more."""
    operations.free_snapshots()
