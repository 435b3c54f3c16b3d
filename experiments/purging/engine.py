"""Purges move on: rows in batches, then the files of each batch, until nothing is left.

All that a step knows is in rows, so it may be killed anywhere and called again: files that wait for their removal come
first, then the next batch behind the cursor.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import connection

from experiments.models import Purge, PurgeState
from experiments.purging import files, kinds
from experiments.purging.tally import Tally
from lib.clock import now_ms
from lib.errors import StudioError
from workspaces import audit
from workspaces.access import Actor

logger = logging.getLogger(__name__)

SECONDS_A_STEP = 20.0
RETRY_MS = 60_000
# Advisory lock class: one worker a purge. The lock is the connection's, so that one who is killed lets go at once.
LOCK_CLASS = 7303
# So many purges at once: the threads that they work on have endpoints and jobs to look after too.
PLACE_CLASS, PLACES = 7304, 2


def live() -> list[int]:
    """List purges that are due to move on, the oldest first."""
    rows = Purge.objects.exclude(state=PurgeState.DONE).filter(retry_ms__lte=now_ms())
    return list(rows.order_by("pk").values_list("pk", flat=True))


def step(purge_id: int, seconds: float = SECONDS_A_STEP) -> bool:
    """Work on a purge for a while; say whether it is done. Another worker's is left to it."""
    with held(LOCK_CLASS, [purge_id % 2**31]) as is_mine, held(PLACE_CLASS, range(PLACES)) as has_place:
        rows = Purge.objects.exclude(state=PurgeState.DONE).select_related("workspace")
        purge = rows.filter(pk=purge_id).first() if is_mine and has_place else None
        return purge is not None and work(purge, seconds)


@contextmanager
def held(lock_class: int, keys: Iterable[int]) -> Iterator[bool]:
    """Hold the first lock of several that is free; say whether there was one."""
    key = next((key for key in keys if ask("pg_try_advisory_lock", lock_class, key)), None)
    try:
        yield key is not None
    finally:
        if key is not None:
            ask("pg_advisory_unlock", lock_class, key)


def ask(function: str, lock_class: int, key: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, %s)", [lock_class, key])
        [(answer,)] = cursor.fetchall()
    return bool(answer)


def work(purge: Purge, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    begin(purge)
    try:
        while files.remove_next(purge) or kinds.of(purge).next_batch(purge):
            if time.monotonic() > deadline:
                return False
    except (OSError, StudioError) as error:  # the store: a folder that may not be written, a disk that went away
        put_off(purge, error)
        return False
    finish(purge)
    return True


def begin(purge: Purge) -> None:
    """Weigh what is to go, once, so that progress has an end."""
    if purge.state != PurgeState.QUEUED:
        return
    weight = kinds.of(purge).weigh(purge, SECONDS_A_STEP)
    purge.expected, purge.freed = weight.tally.as_json(), Tally().as_json()
    purge.state, purge.started_ms = PurgeState.RUNNING, now_ms()
    purge.save(update_fields=["expected", "freed", "state", "started_ms"])


def put_off(purge: Purge, error: Exception) -> None:
    logger.warning("purge put off purge=%s error=%s", purge.pk, error)
    text = error.message if isinstance(error, StudioError) else str(error.strerror or error)  # type: ignore[attr-defined]
    Purge.objects.filter(pk=purge.pk).update(error=text[:500], retry_ms=now_ms() + RETRY_MS)


def finish(purge: Purge) -> None:
    rows = Purge.objects.filter(pk=purge.pk).exclude(state=PurgeState.DONE)
    if not rows.update(state=PurgeState.DONE, ended_ms=now_ms(), error=""):
        return
    purge.refresh_from_db()
    freed = Tally.of(purge.freed)
    details = {name: count for name, count in freed.as_json().items() if count}
    audit.record(
        Actor.system(),
        "experiments.purged",
        where=purge.workspace,
        target=purge.label,
        details={"purge": purge.pk, "asked_by": purge.asked_by, "stayed": purge.kept_count, **details},
    )
    logger.info("purged purge=%s kind=%s files=%s bytes=%s", purge.pk, purge.kind, freed.files, freed.size_bytes)
