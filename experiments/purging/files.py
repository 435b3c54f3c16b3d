"""Files of what was deleted: weighed before, written down with the rows' deletion, removed afterwards.

The list in the database is the truth: whoever is killed between leaves it, and the next step finds it.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from experiments.artifacts import places
from experiments.artifacts.disk import store
from experiments.artifacts.uploads import LONGEST_S
from experiments.models import LoggedModel, Purge, PurgedPlace, Run
from experiments.purging import ledger
from experiments.purging.tally import Tally
from lib.clock import now_ms
from lib.errors import NotFound

BATCH = 50
# After so long no upload that began before the deletion can end any more.
LAST_LOOK_MS = (LONGEST_S + 3600) * 1000


def of_run(run: Run) -> str:
    """Give the key of all that a run has in the store."""
    return places.of_run(run).key.removesuffix("/artifacts")


def of_model(model: LoggedModel) -> str:
    return places.of_model(model).key.removesuffix("/artifacts")


def weigh(key: str) -> Tally:
    """Count the files below a key and their bytes; of nothing they are 0."""
    try:
        found = store().stat(key)
    except NotFound:
        return Tally()
    if not found.is_dir:
        return Tally(files=1, size_bytes=found.size_bytes or 0)
    return weigh_folder(key)


def weigh_folder(key: str) -> Tally:
    files = size = 0
    waiting = [key]
    while waiting:
        folder = waiting.pop()
        for one in store().entries(folder):
            if one.is_dir:
                waiting.append(f"{folder}/{one.path}")
            else:
                files, size = files + 1, size + (one.size_bytes or 0)
    return Tally(files=files, size_bytes=size)


def place(purge: Purge, key: str, weight: Tally, *, is_whole: bool = True) -> PurgedPlace:
    return PurgedPlace(purge=purge, key=key, files=weight.files, size_bytes=weight.size_bytes, is_whole=is_whole)


def write_down(found: Iterable[PurgedPlace]) -> None:
    PurgedPlace.objects.bulk_create(found)


def remove_next(purge: Purge) -> bool:
    """Remove the files of some places; say whether there were any."""
    found = list(PurgedPlace.objects.filter(purge=purge, removed_ms=None).order_by("pk")[:BATCH])
    for one in found:
        remove(one.key)
        count(one)
    return bool(found)


def remove(key: str) -> None:
    try:
        store().delete(key)
    except NotFound:
        return


@transaction.atomic
def count(one: PurgedPlace) -> None:
    """Tick a place off, once: its bytes are those that were weighed, however often its removal was begun."""
    mine = PurgedPlace.objects.filter(pk=one.pk, removed_ms=None)
    ticked = mine.update(removed_ms=now_ms()) if one.is_whole else mine.delete()[0]
    if ticked:
        ledger.add(one.purge_id, Tally(files=one.files, size_bytes=one.size_bytes))


def look_again(most: int = 500) -> int:
    """Remove what came into removed folders after their removal, and forget them; give how many were looked at."""
    old = PurgedPlace.objects.filter(removed_ms__lt=now_ms() - LAST_LOOK_MS)
    found = list(old.order_by("removed_ms")[:most])
    for one in found:
        remove(one.key)
    PurgedPlace.objects.filter(pk__in=[one.pk for one in found]).delete()
    return len(found)
