"""Who beats, and when: the keys in the broker by which `/health` and the supervisor tell that parts do their work.

control: its worker runs the heartbeat task; beat: it sends it; node: its program says so to the studio's API.
"""

from __future__ import annotations

from typing import Any

from celery.signals import after_task_publish, beat_init, worker_ready
from django.core.cache import cache

from lib.clock import now_ms

FRESH_MS = 8_000
KEPT_S = 60
HEARTBEAT = "studio.tasks.heartbeat"


def beat(part: str) -> None:
    """Write that a part does its work now."""
    cache.set(f"health:{part}", now_ms(), KEPT_S)


def fresh(*parts: str) -> dict[str, bool]:
    """Say which parts have written lately."""
    written = cache.get_many(f"health:{part}" for part in parts)
    now = now_ms()
    return {part: now - int(written.get(f"health:{part}") or 0) < FRESH_MS for part in parts}


@worker_ready.connect
def _control_is_ready(**_: Any) -> None:
    beat("control")


@beat_init.connect
def _beat_is_ready(**_: Any) -> None:
    beat("beat")


@after_task_publish.connect(sender=HEARTBEAT)
def _beat_has_sent(**_: Any) -> None:
    beat("beat")
