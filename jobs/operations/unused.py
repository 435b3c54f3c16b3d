"""Code that no job and no plan has any more: its list goes, then the contents that no other list names.

A content that somebody lists just now must not go under their hands: lists are made under a workspace's lock that many
hold (`hold_contents`), and contents are removed under the same lock held alone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from experiments.artifacts import store
from jobs import snapshots
from jobs.models import Snapshot
from lib.clock import now_ms
from lib.errors import NotFound

# Between the list, the contents and the job that a client sends lies less than this.
GRACE_MS = 24 * 3600 * 1000
BATCH = 1000
LOCK = 0x636F6465

NAMED = """
    SELECT DISTINCT file->>'sha256'
      FROM jobs_snapshot, jsonb_array_elements(manifest) AS file
     WHERE workspace_id = %s AND file->>'sha256' = ANY(%s)
"""


def hold_contents(workspace_id: int) -> None:
    """Keep the workspace's contents from being removed until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s, %s)", [LOCK, workspace_id])


def renew(workspace_id: int, hashes: Iterable[str]) -> None:
    """Let contents count as new: a client relies on them while it sends the others of its list."""
    for sha256 in hashes:
        with suppress(FileNotFoundError):
            os.utime(Path(settings.ARTIFACTS_DIR) / snapshots.blob(workspace_id, sha256).key)


def free_snapshots() -> int:
    """Forget lists that nothing uses, and free the contents that none names; give how many contents went."""
    forget_lists()
    top = Path(settings.ARTIFACTS_DIR) / "blobs"
    folders = [folder for folder in top.iterdir() if folder.name.isdigit()] if top.is_dir() else []
    return sum(free_old(int(folder.name), old_contents(folder)) for folder in folders)


def free_old(workspace_id: int, hashes: Iterator[str]) -> int:
    freed = 0
    while batch := tuple(islice(hashes, BATCH)):
        freed += free(workspace_id, batch)
    return freed


def forget_lists() -> None:
    unused = Snapshot.objects.filter(jobs=None, plans=None, asked_ms__lt=now_ms() - GRACE_MS)
    for pk in list(unused.values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            # Locked first: a job that is submitted meanwhile waits, or is there when it is asked for again.
            if Snapshot.objects.select_for_update(skip_locked=True, of=["self"]).filter(pk=pk).exists():
                unused.filter(pk=pk).delete()


def old_contents(folder: Path) -> Iterator[str]:
    """Give the hashes of contents that have been there for longer than a client takes to name them."""
    oldest = time.time() - GRACE_MS / 1000
    for shelf in folder.iterdir():
        for file in shelf.iterdir() if shelf.is_dir() else ():
            if snapshots.HASH.fullmatch(file.name) and file.stat().st_mtime < oldest:
                yield file.name


@transaction.atomic
def free(workspace_id: int, hashes: tuple[str, ...]) -> int:
    """Remove those of the contents that no list of the workspace names."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, workspace_id])
        cursor.execute(NAMED, [workspace_id, list(hashes)])
        named = {row[0] for row in cursor.fetchall()}
    return sum(removed(workspace_id, sha256) for sha256 in hashes if sha256 not in named)


def removed(workspace_id: int, sha256: str) -> bool:
    try:
        store().delete(snapshots.blob(workspace_id, sha256).key)
    except NotFound:
        return False
    return True
