"""Uploads in parts: a large file comes in pieces, in any order and several at once, and is put together at the end.

The parts lie in a folder of the experiment that no path from outside can name. An upload's id is signed and says where
the file goes, so nothing is kept in the database, and who holds the id may send parts of that one file for a day.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.core import signing
from django.utils.translation import gettext as _

from experiments.artifacts.disk import Readable, store
from experiments.artifacts.paths import UPLOADING
from experiments.artifacts.places import Place
from lib.errors import InvalidValue, NotFound
from lib.ids import new_id

FOLDER = f"{UPLOADING}parts"
SALT = "experiments.artifacts.uploads"
LONGEST_S = 24 * 3600
MOST_PARTS = 10_000


@dataclass(frozen=True)
class Upload:
    """`target` is where the file will be, `folder` where its parts are."""

    target: str
    folder: str

    def part(self, number: int) -> str:
        if not 1 <= number <= MOST_PARTS:
            raise InvalidValue(_("A part's number is from 1 to %s.") % MOST_PARTS, field="part_number")
        return f"{self.folder}/{number:05}"


@dataclass(frozen=True)
class Part:
    number: int
    etag: str


def begin(place: Place) -> str:
    """Make the id of a new upload."""
    experiment = place.key.partition("/")[0]
    return signing.dumps([place.key, f"{experiment}/{FOLDER}/{new_id()}"], salt=SALT)


def find(upload_id: str) -> Upload:
    """Read an id. Raises NotFound for one that the studio did not make, or more than a day ago."""
    try:
        target, folder = signing.loads(upload_id[:4000], salt=SALT, max_age=LONGEST_S)
    except (signing.BadSignature, ValueError):
        raise NotFound(_("There is no such upload, or it began more than a day ago."), field="upload_id") from None
    return Upload(target, folder)


def put_part(upload: Upload, number: int, source: Readable, size_bytes: int | None = None) -> str:
    """Store a part, over the same one sent before; give its tag."""
    key = upload.part(number)
    store().put(key, source, size_bytes)
    return tag(key)


def tag(key: str) -> str:
    """Name a stored part: another one put in its place has another name."""
    with store().open(key) as file:
        found = os.fstat(file.fileno())
    return f'"{found.st_size:x}-{found.st_ino:x}-{found.st_mtime_ns:x}"'


def complete(upload: Upload, parts: Sequence[Part]) -> int:
    """Put the parts together into the file, in the order of their numbers, and forget them; give its size.

    Raises InvalidValue when a part is absent or is not the one that was acknowledged.
    """
    ordered = sorted(parts, key=lambda part: part.number)
    if [part.number for part in ordered] != list(range(1, len(ordered) + 1)) or not ordered:
        raise InvalidValue(_("Name every part once, from 1 on."), field="parts")
    keys = [upload.part(part.number) for part in ordered]
    for part, key in zip(ordered, keys, strict=True):
        if not is_stored(key, part.etag):
            raise InvalidValue(_("Part %s was not received as it was sent: send it again.") % part.number)
    size = store().join(keys, upload.target)
    abort(upload)
    return size


def is_stored(key: str, etag: str) -> bool:
    try:
        return tag(key).strip('"') == etag.strip('"')
    except NotFound:
        return False


def abort(upload: Upload) -> None:
    """Forget the parts; an upload that has none is forgotten already."""
    try:
        store().delete(upload.folder)
    except NotFound:
        return


def forget_old() -> int:
    """Delete the parts of uploads that can no longer be completed; give how many."""
    oldest, count = time.time() - LONGEST_S, 0
    for folder in settings.ARTIFACTS_DIR.glob(f"*/{FOLDER}/*"):
        if folder.stat().st_mtime < oldest:
            store().delete(str(folder.relative_to(settings.ARTIFACTS_DIR)))
            count += 1
    return count
