"""A folder as one zip, made while it is sent: no temporary file, and no more than a piece of a file in memory.

Files are stored, not packed: models and pictures hardly shrink, and packing would cost more than sending. Sizes are
written behind each file (zip64), for they are known only once it went through.
"""

from __future__ import annotations

import time
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from experiments.artifacts.disk import CHUNK_BYTES, store
from experiments.artifacts.paths import checked
from experiments.artifacts.places import Place
from lib.errors import InvalidValue, NotFound

FILE_MODE = 0o100644
FORBIDDEN = frozenset('/\\:*?"<>|')


@dataclass(frozen=True)
class Member:
    """A file to put into a zip under `name`."""

    name: str
    place: Place


def members(place: Place, folder: str = "") -> Iterator[Member]:
    """List the files below a place, under a folder of the zip; of one file, that by the folder's name.

    A name that could lead out of it is left out.
    """
    if folder and is_file(place):
        yield Member(checked(folder), place)
        return
    for one in store().walk(place.key):
        try:
            name = checked(f"{folder}/{one.path}" if folder else one.path)
        except InvalidValue:  # put there by other hands than the studio's
            continue
        yield Member(name, Place(f"{place.key}/{one.path}"))


def is_file(place: Place) -> bool:
    try:
        return not store().stat(place.key).is_dir
    except NotFound:
        return False


class Pipe:
    """What zipfile writes, taken away piece by piece."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self.pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """There is nothing behind it to flush."""

    def take(self) -> bytes:
        taken = b"".join(self.pieces)
        self.pieces.clear()
        return taken


def stream(files: Iterable[Member]) -> Iterator[bytes]:
    """Give a zip of the files in pieces. A reader who goes away ends it: the file that is open is closed."""
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:  # type: ignore[call-overload]
        for member in files:
            try:
                source = store().open(member.place.key)
            except (NotFound, InvalidValue):  # deleted meanwhile
                continue
            with source, archive.open(described(member.name), "w", force_zip64=True) as target:
                while piece := source.read(CHUNK_BYTES):
                    target.write(piece)
                    yield pipe.take()
            yield pipe.take()
    yield pipe.take()


def described(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, time.gmtime()[:6])
    info.external_attr = FILE_MODE << 16
    return info


def folder_name(name: str) -> str:
    """Make a name that every system takes as one folder: no slash, no colon, no device of Windows."""
    plain = "".join("_" if letter in FORBIDDEN or ord(letter) < 32 else letter for letter in name).strip(" .")
    return plain[:100] or "artifacts"
