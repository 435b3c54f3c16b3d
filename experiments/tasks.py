"""What the clock asks of this room."""

from __future__ import annotations

from celery import shared_task

from experiments import metrics, purging
from experiments.artifacts import uploads
from experiments.data import profiling
from experiments.purging import files, retention


@shared_task
def pack_points() -> None:
    metrics.compact_due()


@shared_task
def forget_uploads() -> None:
    uploads.forget_old()


@shared_task
def go_on(purge_id: int) -> None:
    """Work on one purge for a while; `reconcile_purges` comes back for the rest."""
    purging.step(purge_id)


@shared_task
def reconcile_purges() -> None:
    for pk in purging.live():
        purging.step(pk)


@shared_task
def empty_trash() -> None:
    """Begin what the retention rules want, and look once more at what was removed a day ago."""
    retention.apply_all()
    files.look_again()


@shared_task
def profile_dataset(version_id: int) -> None:
    """Count what is in a table; on the queue `build`, as it takes its time."""
    profiling.work_on(version_id)


@shared_task
def reconcile_profiles() -> None:
    profiling.send_queued()
