"""An object store, read as a tree of files by the same words as a folder (`experiments.artifacts.disk`).

Objects whose names are no paths (empty steps, `..`) cannot be asked for, and so are not listed.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from functools import lru_cache
from typing import Any, BinaryIO, TypeVar

from django.utils.translation import gettext as _

from experiments.artifacts import checked
from experiments.artifacts.disk import Entry, Listing, Readable
from experiments.data.drivers import Connection, Secret, driver
from experiments.data.drivers.asking import ask
from lib.errors import Conflict, InvalidValue, NotFound

Result = TypeVar("Result")

ANSWER_S, LISTING_S, PIECE_S = 15, 40, 60
PIECE_BYTES = 4 * 1024 * 1024
STORES_KEPT = 64


class ObjectStore:
    """One container of one store, only read. `filesystem` is fsspec's, used inside the guarded loop alone."""

    def __init__(self, connection: Connection, filesystem: Any) -> None:
        self.connection = connection
        self.filesystem = filesystem

    def ask(self, question: Callable[[], Awaitable[Result]], seconds: float = ANSWER_S) -> Result:
        return ask(self.connection, question, seconds=seconds)

    def at(self, key: str) -> str:
        return "/".join(filter(None, [self.connection.container, key]))

    def stat(self, key: str) -> Entry:
        if not key:
            return Entry("", is_dir=True)
        found = self.ask(lambda: self.filesystem._info(self.at(key)))
        return described(key, found)

    def open(self, key: str) -> BinaryIO:
        found = self.stat(key)
        if found.is_dir:
            raise NotFound(_("“%s” is no file.") % key[-200:])
        return io.BufferedReader(ObjectFile(self, key, found.size_bytes or 0), PIECE_BYTES)

    def read(self, key: str, start: int, end: int) -> bytes:
        """Give the bytes from `start` up to `end`."""
        piece = self.ask(lambda: self.filesystem._cat_file(self.at(key), start=start, end=end), PIECE_S)
        return bytes(piece)

    def listing(self, key: str, after: str, most: int) -> Listing:
        """List a part of a folder. A store has no order of its own that fits, so the whole folder is asked for."""
        rows = self.ask(lambda: self.filesystem._ls(self.at(key), detail=True), LISTING_S)
        found = sorted((one for one in self.entries_of(key, rows)), key=lambda one: one.rank)
        behind = [one for one in found if one.rank > after]
        return Listing(tuple(behind[:most]), max(0, len(behind) - most), len(found))

    def entries_of(self, key: str, rows: list[dict[str, Any]]) -> Iterator[Entry]:
        top = f"{self.at(key)}/"
        for row in rows:
            name = str(row["name"]).strip("/").removeprefix(top)
            if is_name(name):
                yield described(name, row)

    def walk(self, key: str) -> Iterator[Entry]:
        """Give all files below a folder by their paths below it; empty objects that stand for folders are none."""
        found = self.ask(lambda: self.filesystem._find(self.at(key), detail=True), LISTING_S)
        top = f"{self.at(key)}/"
        for path, row in sorted(found.items()):
            below = str(path).lstrip("/").removeprefix(top)
            if is_path(below) and row["type"] == "file":
                yield described(below, row)

    def address(self, key: str, *, name: str, seconds: int) -> str:
        """Give a signed address of the store's own, or nothing where the kind or the credentials make none."""
        made = driver(self.connection.kind).address
        return self.ask(lambda: made(self.filesystem, self.connection, self.at(key), seconds))

    def put(self, key: str, source: Readable, size_bytes: int | None = None, *, replaces: bool = True) -> int:
        raise read_only()

    def delete(self, key: str) -> None:
        raise read_only()


class ObjectFile(io.RawIOBase):
    """An object as a file: pieces are asked for as they are read, from anywhere in it."""

    def __init__(self, store: ObjectStore, key: str, size_bytes: int) -> None:
        self.store = store
        self.key = key
        self.size_bytes = size_bytes
        self.place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.place, io.SEEK_END: self.size_bytes}[whence]
        self.place = max(0, base + offset)
        return self.place

    def readinto(self, buffer: Any) -> int:
        end = min(self.place + len(buffer), self.size_bytes)
        if self.place >= end:
            return 0
        piece = self.store.read(self.key, self.place, end)[: end - self.place]
        buffer[: len(piece)] = piece
        self.place += len(piece)
        return len(piece)


def read_only() -> Conflict:
    return Conflict(_("The studio only reads this datastore: store files in the workspace's own one."))


def described(path: str, row: dict[str, Any]) -> Entry:
    is_dir = row["type"] == "directory"
    return Entry(path, is_dir, None if is_dir else int(row["size"] or 0))


def is_name(text: str) -> bool:
    return "/" not in text and is_path(text)


def is_path(text: str) -> bool:
    try:
        return bool(text) and checked(text) == text
    except InvalidValue:
        return False


@lru_cache(STORES_KEPT)
def store_at(kind: str, facts: tuple[tuple[str, str], ...], secret: tuple[tuple[str, str], ...]) -> ObjectStore:
    """Open a store once for the same facts; its connections are kept."""
    connection = Connection(kind, **dict(facts), secret=Secret(secret))
    filesystem = ask(connection, lambda: driver(connection.kind).open(connection), seconds=ANSWER_S)
    return ObjectStore(connection, filesystem)


def opened(connection: Connection) -> ObjectStore:
    one = connection
    facts = (
        ("container", one.container), ("account", one.account), ("endpoint", one.endpoint), ("region", one.region)
    )  # fmt: skip
    return store_at(one.kind, facts, tuple(sorted(one.secret.items())))


def copied(source: BinaryIO, most: int) -> tuple[BinaryIO, bool]:
    """Copy up to so many bytes into a file of this machine that has no name; say whether that was all."""
    target = tempfile.TemporaryFile()  # noqa: SIM115  whom it is given to closes it
    left = most
    while left > 0 and (piece := source.read(min(PIECE_BYTES, left))):
        target.write(piece)
        left -= len(piece)
    is_whole = left > 0 or not source.read(1)
    target.flush()
    target.seek(0)
    return target, is_whole
