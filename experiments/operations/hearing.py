"""When a run last said anything: a row is touched once a minute at most, however much is logged."""

from __future__ import annotations

from experiments.models import Run
from lib.clock import now_ms

EVERY_MS = 60_000


def heard(run: Run) -> None:
    """Note that a run's client is there."""
    now = now_ms()
    if now - run.heard_ms >= EVERY_MS:
        Run.objects.filter(pk=run.pk, heard_ms__lte=now - EVERY_MS).update(heard_ms=now)
        run.heard_ms = now
