"""What a purge has done so far, kept in its row. Called inside the transaction that does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from experiments.models import Purge
from experiments.purging.neighbours import Holder
from experiments.purging.tally import Tally

MOST_NAMED = 100


@dataclass(frozen=True)
class Kept:
    """Something that stays, and who needs it."""

    kind: str
    id: str
    name: str
    holders: Sequence[Holder]

    def as_json(self) -> dict[str, object]:
        return {"kind": self.kind, "id": self.id, "name": self.name, "holders": [asdict(one) for one in self.holders]}


def add(purge_id: int, tally: Tally) -> None:
    row = Purge.objects.select_for_update().only("freed").get(pk=purge_id)
    Purge.objects.filter(pk=purge_id).update(freed=(Tally.of(row.freed) + tally).as_json())


def advance(purge: Purge, phase: str, after: str, tally: Tally, kept: Sequence[Kept] = ()) -> None:
    """Move the cursor and add what went and what stayed."""
    row = Purge.objects.select_for_update().only("freed", "kept", "kept_count").get(pk=purge.pk)
    purge.cursor = {"phase": phase, "after": after}
    purge.freed = (Tally.of(row.freed) + tally).as_json()
    purge.kept = [*row.kept, *(one.as_json() for one in kept)][:MOST_NAMED]
    purge.kept_count = row.kept_count + len(kept)
    purge.save(update_fields=["cursor", "freed", "kept", "kept_count"])
