"""The tree beside the viewer: as many rows as a page can hold, the rest a folder or a page at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from urllib.parse import quote

from experiments.artifacts import Entry, Listing
from experiments.browser.files import Files
from experiments.browser.names import readable
from experiments.viewers import icon
from lib.errors import NotFound

PAGE_ROWS = 100
MOST_ROWS = 300
UNFOLDED_ROWS = 40  # a longer folder waits until it is opened
MOST_FOUND = 200
MOST_SEARCHED = 50_000
MODEL_FILE = "MLmodel"


@dataclass(frozen=True)
class Rest:
    """What of a folder is not listed: `count` more behind `after`."""

    folder: str
    after: str
    count: int

    @property
    def query(self) -> str:
        return quote(self.folder)


@dataclass(frozen=True)
class Node:
    """One row of the tree. `nodes` is None for a folder that was not read; its size is known when all below it was."""

    name: str
    path: str
    is_dir: bool
    size_bytes: int | None
    icon: str
    nodes: tuple[Node, ...] | None = ()
    rest: Rest | None = None
    is_open: bool = True

    @property
    def query(self) -> str:
        return quote(self.path)


@dataclass(frozen=True)
class Tree:
    """Rows from the top, and what of the top is not listed."""

    nodes: tuple[Node, ...]
    rest: Rest | None


@dataclass(frozen=True)
class Found:
    """What a search found; `is_whole` is false when not all was looked at or more was found than is shown."""

    nodes: tuple[Node, ...]
    is_whole: bool


def tree(files: Files, chosen: str = "") -> Tree:
    """Read the top, the folders on the way to what is chosen, and then others, top down, while there is room."""
    read: dict[str, Listing] = {"": with_chosen(files, "", chosen)}
    for folder in way_to(chosen):
        read[folder] = with_chosen(files, folder, chosen)
    waiting = deque(one.path for one in read[""].entries if one.is_dir)
    while waiting and sum(len(one.entries) for one in read.values()) < MOST_ROWS:
        folder = waiting.popleft()
        if folder not in read:
            found = files.listing(folder, "", UNFOLDED_ROWS)
            if found.rest:
                continue
            read[folder] = found
        waiting += [one.path for one in read[folder].entries if one.is_dir]
    return Tree(rows(read[""], read, chosen), rest("", read[""]))


def with_chosen(files: Files, folder: str, chosen: str) -> Listing:
    """Read the first page of a folder, and what is chosen in it though it be far behind."""
    found = files.listing(folder, "", PAGE_ROWS)
    front = f"{folder}/" if folder else ""
    if not chosen.startswith(front) or not found.rest:
        return found
    wanted = front + chosen[len(front) :].partition("/")[0]
    if any(one.path == wanted for one in found.entries):
        return found
    try:
        return Listing((*found.entries, files.entry(wanted)), found.rest, found.total)
    except NotFound:
        return found


def way_to(chosen: str) -> list[str]:
    names = chosen.split("/") if chosen else []
    return ["/".join(names[:count]) for count in range(1, len(names))]


def folder(files: Files, path: str, after: str = "") -> tuple[tuple[Node, ...], Rest | None]:
    """Read a page of one folder."""
    found = files.listing(path, after, PAGE_ROWS)
    return rows(found, {}, ""), rest(path, found)


def rows(listing: Listing, read: dict[str, Listing], chosen: str) -> tuple[Node, ...]:
    return tuple(row(one, read, chosen) for one in listing.entries)


def row(entry: Entry, read: dict[str, Listing], chosen: str) -> Node:
    if not entry.is_dir:
        return Node(readable(entry.name), entry.path, False, entry.size_bytes, icon(entry.path))
    if entry.path not in read:
        return Node(readable(entry.name), entry.path, True, None, "folder", nodes=None, is_open=False)
    listing = read[entry.path]
    inside = rows(listing, read, chosen)
    behind = rest(entry.path, listing)
    is_known = behind is None and all(node.size_bytes is not None for node in inside)
    size = sum(node.size_bytes or 0 for node in inside) if is_known else None
    return Node(readable(entry.name), entry.path, True, size, kind(listing.entries), inside, behind)


def rest(path: str, listing: Listing) -> Rest | None:
    """Say what comes behind a page: the row that was put in for being chosen does not move the page's end."""
    if not listing.rest:
        return None
    last = listing.entries[: listing.total - listing.rest][-1:] or listing.entries[-1:]
    return Rest(path, last[0].rank, listing.rest)


def kind(entries: Iterable[Entry]) -> str:
    return "model" if is_model(entries) else "folder"


def is_model(entries: Iterable[Entry]) -> bool:
    return any(one.name == MODEL_FILE and not one.is_dir for one in entries)


def find(files: Files, words: str) -> Found:
    """Find files whose path holds every word, in any case."""
    wanted = words.casefold().split()
    found: list[Node] = []
    looked = 0
    for entry in islice(files.walk(), MOST_SEARCHED):
        looked += 1
        if all(word in entry.path.casefold() for word in wanted):
            found.append(Node(readable(entry.path), entry.path, False, entry.size_bytes, icon(entry.path)))
            if len(found) > MOST_FOUND:
                return Found(tuple(found[:MOST_FOUND]), is_whole=False)
    return Found(tuple(found), looked < MOST_SEARCHED)
