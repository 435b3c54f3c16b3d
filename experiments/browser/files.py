"""Which files the tab shows, and where their bytes are: what runs, logged models and model versions have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from experiments import artifacts
from experiments.artifacts import Entry, Listing, Place, RunFiles, Tally, below
from experiments.models import Run
from lib.errors import NotFound

MOST_COUNTED = 100_000
Listed = Callable[[str, str, int], Listing]


@dataclass(frozen=True)
class Files:
    """Files to look at, below `name`.

    `listing(folder, after, most)` gives entries with whole paths, `place(path)` says where one is stored, `roots` are
    the folders of the store that are shown, each with its path here. `is_own(path)` says whether one may be deleted:
    a logged model's files stand on its run's page, and go with the model alone.
    """

    name: str
    listing: Listed
    place: Callable[[str], Place]
    roots: Callable[[], list[tuple[str, Place]]]
    is_own: Callable[[str], bool] = field(default=lambda path: False)

    def entry(self, path: str) -> Entry:
        """Give one file or folder. Raises NotFound when it is not there."""
        if not path:
            return Entry("", is_dir=True)
        found = artifacts.store().stat(self.place(path).key)
        return Entry(path, found.is_dir, found.size_bytes)

    def tally(self, path: str = "") -> Tally:
        """Count the files below a folder, and their bytes."""
        files = size_bytes = 0
        is_whole = True
        for _name, place in self.inside(path):
            try:
                found = artifacts.store().tally(place.key, MOST_COUNTED)
            except NotFound:  # nothing was stored yet
                continue
            files, size_bytes = files + found.files, size_bytes + found.size_bytes
            is_whole = is_whole and found.is_whole
        return Tally(files, size_bytes, is_whole)

    def inside(self, path: str) -> list[tuple[str, Place]]:
        """Give the folders of the store that make up a folder here, each with its path below it."""
        return [("", self.place(path))] if path else self.roots()

    def walk(self) -> Iterator[Entry]:
        """List all files."""
        for name, place in self.roots():
            for one in artifacts.store().walk(place.key):
                yield Entry(f"{name}/{one.path}" if name else one.path, one.is_dir, one.size_bytes)


def of_run(run: Run) -> Files:
    files = RunFiles(run)

    def is_own(path: str) -> bool:
        return files.resolve(path)[1] is None

    return Files(run.name, files.listing, files.place, files.roots, is_own)


def of_place(place: Place | None, name: str) -> Files:
    """Show the files below one folder of the store, or the one file that it is; of None, nothing."""
    if place and (alone := size_of_file(place)) is not None:
        return of_file(place, name, alone)

    def listing(folder: str, after: str, most: int) -> Listing:
        return below(folder, artifacts.store().listing(at(folder).key, after, most)) if place else Listing()

    def at(path: str) -> Place:
        if place is None:
            raise NotFound(f"There is no artifact “{path[:200]}”.")
        return place.below(path)

    return Files(name, listing, at, lambda: [("", place)] if place else [])


def of_file(file: Place, name: str, size_bytes: int) -> Files:
    """Show one file, as if it lay alone in a folder."""
    entry = Entry(file.name, is_dir=False, size_bytes=size_bytes)

    def listing(folder: str, after: str, most: int) -> Listing:
        return Listing((entry,), 0, 1) if not folder and entry.rank > after else Listing()

    def at(path: str) -> Place:
        if path != file.name:
            raise NotFound(f"There is no artifact “{path[:200]}”.")
        return file

    return Files(name, listing, at, lambda: [(file.name, file)])


def size_of_file(place: Place) -> int | None:
    """Give the size of a file; None for a folder, and where nothing is."""
    try:
        found = artifacts.store().stat(place.key)
    except NotFound:
        return None
    return None if found.is_dir else found.size_bytes or 0
