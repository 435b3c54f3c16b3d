"""Where the bytes are: one interface, on disk by default.

A file is visible whole or not at all: it is written beside its place, synced, and renamed. No step of a path follows a
symbolic link, so what a link points at is neither read, nor written, nor deleted.
"""

from __future__ import annotations

import errno
import hashlib
import heapq
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, BinaryIO, Protocol

from django.conf import settings
from django.utils.translation import gettext as _

from experiments.artifacts import hashes
from experiments.artifacts.paths import UPLOADING
from lib.errors import AlreadyExists, InvalidValue, NotFound, Unavailable
from lib.ids import new_id

CHUNK_BYTES = 1024 * 1024
# Of what comes in: larger pieces the allocator maps anew each time, and 200 MB cost 1.6 times the processor's time.
PIECE_BYTES = 64 * 1024
SENT_BYTES = 8 * 1024 * 1024
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

    @property
    def rank(self) -> str:
        """Say where it stands in its folder: folders first, each kind by name. Good as `after` of a listing."""
        return f"{'d' if self.is_dir else 'f'}{self.name}"


@dataclass(frozen=True)
class Listing:
    """A part of a folder in the order of `Entry.rank`; `rest` more come behind it, `total` is all of the folder."""

    entries: tuple[Entry, ...] = ()
    rest: int = 0
    total: int = 0


@dataclass(frozen=True)
class Tally:
    """What is below a folder; when there is more than was counted, `is_whole` is false."""

    files: int = 0
    size_bytes: int = 0
    is_whole: bool = True


class Readable(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


class Store(Protocol):
    """What any store can do. Keys are checked, relative paths; a key that is not there is NotFound."""

    def put(self, key: str, source: Readable, size_bytes: int | None = None, *, replaces: bool = True) -> int: ...
    def open(self, key: str) -> BinaryIO: ...
    def stat(self, key: str) -> Entry: ...
    def entries(self, key: str) -> list[Entry]: ...
    def listing(self, key: str, after: str, most: int) -> Listing: ...
    def walk(self, key: str) -> Iterator[Entry]: ...
    def tally(self, key: str, most: int) -> Tally: ...
    def sha256(self, key: str) -> str: ...
    def kept_sha256(self, key: str) -> str: ...
    def address(self, key: str, *, name: str, seconds: int) -> str: ...
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

    def put(self, key: str, source: Readable, size_bytes: int | None = None, *, replaces: bool = True) -> int:
        """Store a file whole, over what was there.

        Raises InvalidValue when it ends before `size_bytes`, and AlreadyExists for a name that is taken when it
        must not be replaced: of two who send one name at once, one wins.
        """
        if not replaces and exists(self, key):
            raise taken(key)
        parent, name = split(key)
        try:
            with self.folder(parent, make=True) as folder:
                return write(folder, name, source, size_bytes, replaces=replaces)
        except FileExistsError:
            raise taken(key) from None
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
        with self.scan(key) as found:
            return sorted(described(found), key=lambda one: one.path)

    def listing(self, key: str, after: str, most: int) -> Listing:
        """List a part of a folder: only what is shown is asked for its size, and no more than `most` names are held."""
        total = passed = 0

        def behind(found: Iterator[os.DirEntry[str]]) -> Iterator[os.DirEntry[str]]:
            nonlocal total, passed
            for one in found:
                total += 1
                if rank(one) > after:
                    yield one
                else:
                    passed += 1

        with self.scan(key) as found:
            shown = tuple(described(heapq.nsmallest(most, behind(found), key=rank)))
        return Listing(shown, total - passed - len(shown), total)

    def walk(self, key: str) -> Iterator[Entry]:
        """Give all files below a folder, with paths below it, a folder's files before those of its folders."""
        folders = [""]
        while folders:
            inside = folders.pop()
            found = self.entries(f"{key}/{inside}".rstrip("/"))
            below = [Entry(f"{inside}/{one.path}".lstrip("/"), one.is_dir, one.size_bytes) for one in found]
            yield from (one for one in below if not one.is_dir)
            folders += [one.path for one in reversed(below) if one.is_dir]

    @contextmanager
    def scan(self, key: str) -> Iterator[Iterator[os.DirEntry[str]]]:
        """Read a folder without links and what is not whole yet; an absent one, and a file, are empty."""
        with ExitStack() as stack:
            found: Iterable[os.DirEntry[str]] = ()
            try:
                found = stack.enter_context(os.scandir(stack.enter_context(self.folder(key))))
            except (FileNotFoundError, NotADirectoryError, NotFound):
                pass
            except OSError as error:
                raise translated(error, key) from error
            yield (one for one in found if not one.name.startswith(UPLOADING) and not one.is_symlink())

    def sha256(self, key: str) -> str:
        """Hash a file, once: the sum stays beside the bytes, as an attribute of the file, for as long as they do."""
        with self.open(key) as file:
            if kept := hashes.kept(file):
                return kept
            return hashes.keep(file, digest(file))

    def kept_sha256(self, key: str) -> str:
        """Give the sum that is known already, or nothing."""
        with self.open(key) as file:
            return hashes.kept(file)

    def tally(self, key: str, most: int) -> Tally:
        """Count the files below a folder and their bytes, up to `most` files; a file is one."""
        found = self.stat(key)
        if not found.is_dir:
            return Tally(1, found.size_bytes or 0)
        files = size_bytes = 0
        for one in self.walk(key):
            if files == most:
                return Tally(files, size_bytes, is_whole=False)
            files, size_bytes = files + 1, size_bytes + (one.size_bytes or 0)
        return Tally(files, size_bytes)

    def address(self, key: str, *, name: str, seconds: int) -> str:
        """Give an address where a client gets the bytes from the store itself; a disk has none."""
        return ""

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
        return sum(one.size_bytes or 0 for one in self.walk(key))

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
def draft(folder: int, name: str, *, replaces: bool = True) -> Iterator[IO[bytes]]:
    """Open a new file to write; it takes its name when the block ends well, and is gone when it does not."""
    hidden = f"{UPLOADING}{new_id()}"
    descriptor = os.open(
        hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644, dir_fd=folder
    )
    try:
        with os.fdopen(descriptor, "wb", buffering=0) as target:
            yield target
            os.fsync(target.fileno())
        if replaces:
            os.replace(hidden, name, src_dir_fd=folder, dst_dir_fd=folder)
        else:
            os.link(hidden, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
            os.unlink(hidden, dir_fd=folder)
        os.fsync(folder)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(hidden, dir_fd=folder)
        raise


def write(folder: int, name: str, source: Readable, size_bytes: int | None, *, replaces: bool = True) -> int:
    with draft(folder, name, replaces=replaces) as target:
        written = pour(source, target)
        if size_bytes is not None and written != size_bytes:
            raise InvalidValue(_("The upload ended after %d of %d bytes.") % (written, size_bytes))
    return written


def pour(source: Readable, target: IO[bytes]) -> int:
    """Write all of it; what is written is sent to the disk as it grows, so that the sync at the end finds little."""
    written = sent = 0
    while chunk := source.read(PIECE_BYTES):
        view = memoryview(chunk)
        while view:
            view = view[target.write(view) :]
        written += len(chunk)
        if written - sent >= SENT_BYTES:
            os.posix_fadvise(target.fileno(), sent, written - sent, os.POSIX_FADV_DONTNEED)
            sent = written
    return written


def digest(file: BinaryIO) -> str:
    made = hashlib.sha256()
    while chunk := file.read(CHUNK_BYTES):
        made.update(chunk)
    return made.hexdigest()


def split(key: str) -> tuple[str, str]:
    parent, _slash, name = key.rpartition("/")
    return parent, name or "."


def entry(path: str, found: os.stat_result) -> Entry:
    is_dir = bool(found.st_mode & 0o170000 == 0o040000)
    return Entry(path, is_dir, None if is_dir else found.st_size)


def described(found: Iterable[os.DirEntry[str]]) -> Iterator[Entry]:
    for one in found:
        with suppress(FileNotFoundError):  # deleted since the folder was read
            yield entry(one.name, one.stat(follow_symlinks=False))


def rank(found: os.DirEntry[str]) -> str:
    return f"{'d' if found.is_dir(follow_symlinks=False) else 'f'}{found.name}"


def exists(store: Store, key: str) -> bool:
    try:
        store.stat(key)
    except NotFound:
        return False
    return True


def taken(key: str) -> AlreadyExists:
    return AlreadyExists(_("There is a file “%s” already.") % key.rpartition("/artifacts/")[2][-200:])


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
