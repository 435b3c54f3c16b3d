"""The code of a job as the viewer of artifacts reads it: names from the list, bytes from where contents lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from experiments.artifacts import Entry, Listing, Place, Tally
from experiments.browser import Files
from jobs import snapshots
from jobs.models import Snapshot
from lib.errors import NotFound


@dataclass(frozen=True)
class SnapshotFiles(Files):
    """Files whose folders exist in names only."""

    all: tuple[Entry, ...] = ()

    def entry(self, path: str) -> Entry:
        found = next((one for one in self.all if one.path == path), None)
        if found is None and path and not any(one.path.startswith(f"{path}/") for one in self.all):
            raise NotFound(_("There is no file “%s” in the code.") % path[:200])
        return found or Entry(path, is_dir=True)

    def tally(self, path: str = "") -> Tally:
        sizes = [one.size_bytes or 0 for one in self.all if not path or one.path.startswith(f"{path}/")]
        return Tally(len(sizes), sum(sizes))

    def walk(self) -> Iterator[Entry]:
        yield from self.all


def snapshot_files(snapshot: Snapshot, name: str) -> Files:
    found = tuple(snapshots.entries(snapshot))

    def listing(folder: str, after: str, most: int) -> Listing:
        entries = sorted(below(found, folder), key=lambda one: one.rank)
        behind = [one for one in entries if one.rank > after]
        return Listing(tuple(behind[:most]), max(0, len(behind) - most), len(entries))

    def place(path: str) -> Place:
        return snapshots.place(snapshot, path)

    return SnapshotFiles(name, listing, place, list, all=found)


def below(found: tuple[Entry, ...], folder: str) -> list[Entry]:
    """List what lies in a folder itself: its files, and its folders by the first name of what is in them."""
    prefix = f"{folder}/" if folder else ""
    inside = [one for one in found if one.path.startswith(prefix)]
    folders = {one.path[len(prefix) :].partition("/")[0] for one in inside if "/" in one.path[len(prefix) :]}
    files = [one for one in inside if "/" not in one.path[len(prefix) :]]
    return [*(Entry(f"{prefix}{name}", is_dir=True) for name in folders), *files]
