"""What the clock asks of this room."""

from __future__ import annotations

from celery import shared_task

from experiments import metrics
from experiments.artifacts import uploads


@shared_task
def pack_points() -> None:
    metrics.compact_due()


@shared_task
def forget_uploads() -> None:
    uploads.forget_old()
