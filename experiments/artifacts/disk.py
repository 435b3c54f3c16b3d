"""Where the bytes are: one interface, on disk by default.

A file is visible whole or not at all: it is written beside its place, synced, and renamed. No step of a path follows a
symbolic link, so what a link points at is neither read, nor written, nor deleted.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, BinaryIO, Protocol

from django.conf import settings
from django.utils.translation import gettext as _

from experiments.artifacts.paths import UPLOADING
from lib.errors import InvalidValue, NotFound, Unavailable
from lib.ids import new_id

CHUNK_BYTES = 1024 * 1024
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


@dataclass(frozen=True)
class Entry:
    """A file or folder; `path` is below the place that was listed. Folders have no size."""

    path: str
    is_dir: bool
    size_bytes: int | None = None

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]


class Readable(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


class Store(Protocol):
    """What any store can do. Keys are checked, relative paths; a key that is not there is NotFound."""

    def put(self, key: str, source: Readable, size_bytes: int | None = None) -> int: ...
    def open(self, key: str) -> BinaryIO: ...
    def stat(self, key: str) -> Entry: ...
    def entries(self, key: str) -> list[Entry]: ...
    def delete(self, key: str) -> None: ...
    def size(self, key: str) -> int: ...
    def copy_to(self, key: str, folder: Path) -> None: ...
    def join(self, keys: Sequence[str], key: str) -> int: ...


class DiskStore:
    """Files below one folder, each step opened relative to the one before (O_NOFOLLOW all along)."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def folder(self, key: str, *, make: bool = False) -> Iterator[int]:
        """Open a folder; its descriptor is good inside the block."""
        if make:
            self.root.mkdir(parents=True, exist_ok=True)
        try:
            here = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise absent(key) from None
        try:
            for name in filter(None, key.split("/")):
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(name, dir_fd=here)
                below = os.open(name, FOLDER, dir_fd=here)
                os.close(here)
                here = below
            yield here
        finally:
            os.close(here)

    def put(self, key: str, source: Readable, size_bytes: int | None = None) -> int:
        """Store a file whole, over what was there. Raises InvalidValue when it ends before `size_bytes`."""
        parent, name = split(key)
        try:
            with self.folder(parent, make=True) as folder:
                return write(folder, name, source, size_bytes)
        except OSError as error:
            raise translated(error, key) from error

    def join(self, keys: Sequence[str], key: str) -> int:
        """Put files one behind the other into a new one, whole, over what was there; give its size."""
        parent, name = split(key)
        try:
            with self.folder(parent, make=True) as folder, draft(folder, name) as target:
                return sum(self.append(one, target) for one in keys)
        except OSError as error:
            raise translated(error, key) from error

    def append(self, key: str, target: IO[bytes]) -> int:
        with self.open(key) as source:
            wanted, sent = os.fstat(source.fileno()).st_size, 0
            while sent < wanted:  # the kernel copies; no byte comes here
                sent += os.sendfile(target.fileno(), source.fileno(), sent, wanted - sent)
            return sent

    def open(self, key: str) -> BinaryIO:
        parent, name = split(key)
        try:
            with self.folder(parent) as folder:
                descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
                return os.fdopen(descriptor, "rb")
        except OSError as error:
            raise translated(error, key) from error

    def stat(self, key: str) -> Entry:
        parent, name = split(key)
        try:
            with self.folder(parent) as folder:
                found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except OSError as error:
            raise translated(error, key) from error
        return entry(key, found)

    def entries(self, key: str) -> list[Entry]:
        """List a folder by name; an absent one, and a file, are empty."""
        try:
            with self.folder(key) as folder, os.scandir(folder) as found:
                return sorted(
                    (
                        entry(one.name, one.stat(follow_symlinks=False))
                        for one in found
                        if not one.name.startswith(UPLOADING) and not one.is_symlink()
                    ),
                    key=lambda one: one.path,
                )
        except (FileNotFoundError, NotADirectoryError, NotFound):
            return []
        except OSError as error:
            raise translated(error, key) from error

    def delete(self, key: str) -> None:
        """Delete a file, or a folder with all that it holds."""
        parent, name = split(key)
        try:
            with self.folder(parent) as folder:
                if self.stat(key).is_dir:
                    shutil.rmtree(name, dir_fd=folder)
                else:
                    os.unlink(name, dir_fd=folder)
        except OSError as error:
            raise translated(error, key) from error

    def size(self, key: str) -> int:
        """Add up the bytes of a file or of all files below a folder; of nothing they are 0."""
        try:
            found = self.stat(key)
        except NotFound:
            return 0
        if not found.is_dir:
            return found.size_bytes or 0
        return sum(self.size(f"{key}/{one.path}") if one.is_dir else one.size_bytes or 0 for one in self.entries(key))

    def copy_to(self, key: str, folder: Path) -> None:
        """Copy the content of a folder (or one file) into a folder of this machine.

        Copies, not hard links: whoever serves a model may own the files then, and must not own the stored ones.
        """
        folder.mkdir(parents=True, exist_ok=True)
        found = self.stat(key)
        if not found.is_dir:
            with self.open(key) as source, (folder / found.name).open("wb") as target:
                shutil.copyfileobj(source, target, CHUNK_BYTES)
            return
        for one in self.entries(key):
            self.copy_to(f"{key}/{one.path}", folder / one.path if one.is_dir else folder)


@contextmanager
def draft(folder: int, name: str) -> Iterator[IO[bytes]]:
    """Open a new file to write; it takes its name when the block ends well, and is gone when it does not."""
    hidden = f"{UPLOADING}{new_id()}"
    descriptor = os.open(
        hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644, dir_fd=folder
    )
    try:
        with os.fdopen(descriptor, "wb", buffering=0) as target:
            yield target
            os.fsync(target.fileno())
        os.replace(hidden, name, src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(hidden, dir_fd=folder)
        raise


def write(folder: int, name: str, source: Readable, size_bytes: int | None) -> int:
    with draft(folder, name) as target:
        written = pour(source, target)
        if size_bytes is not None and written != size_bytes:
            raise InvalidValue(_("The upload ended after %d of %d bytes.") % (written, size_bytes))
    return written


def pour(source: Readable, target: IO[bytes]) -> int:
    written = 0
    while chunk := source.read(CHUNK_BYTES):
        view = memoryview(chunk)
        while view:
            view = view[target.write(view) :]
        written += len(chunk)
    return written


def split(key: str) -> tuple[str, str]:
    parent, _slash, name = key.rpartition("/")
    return parent, name or "."


def entry(path: str, found: os.stat_result) -> Entry:
    is_dir = bool(found.st_mode & 0o170000 == 0o040000)
    return Entry(path, is_dir, None if is_dir else found.st_size)


def absent(key: str) -> NotFound:
    return NotFound(_("There is no artifact “%s”.") % key.rpartition("/artifacts/")[2][-200:])


def translated(error: OSError, key: str) -> Exception:
    """Say what a failed call of the system means to the user."""
    if isinstance(error, FileNotFoundError):
        return absent(key)
    if error.errno in NO_ROOM:
        return Unavailable(_("The artifact store is full or cannot be written. Make room and try again."))
    if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENOTEMPTY, errno.ENAMETOOLONG, errno.EEXIST):
        return InvalidValue(
            _("“%s” cannot be used: a file stands where a folder is needed, or the reverse.") % key[-200:]
        )
    return error


@cache
def store_at(root: Path) -> Store:
    return DiskStore(root)


def store() -> Store:
    return store_at(Path(settings.ARTIFACTS_DIR))
