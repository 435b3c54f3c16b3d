"""Open files of a folder that someone else writes, never through a link: links could lead to what only we may read."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Found:
    """A file below a folder: its path with "/", its size, and when it was last written."""

    path: str
    size_bytes: int
    changed_ns: int


def open_beneath(root: Path, path: str) -> BinaryIO:
    """Open a regular file below `root`; OSError where a step of the path is a link, or it is no regular file."""
    *folders, name = path.split("/")
    here = os.open(root, FOLDER)
    try:
        for folder in folders:
            below = os.open(folder, FOLDER, dir_fd=here)
            os.close(here)
            here = below
        # Without waiting: opening a pipe would last until someone writes to it.
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=here)
    finally:
        os.close(here)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(f"{path} is not a regular file")
    return os.fdopen(handle, "rb")


def files_beneath(root: Path, *, at_most: int = 100_000) -> Iterator[Found]:
    """List the regular files below a folder, in order; a folder that is not there, or is a link, has none."""
    try:
        handle = os.open(root, FOLDER)
    except OSError:
        return
    try:
        left = at_most
        for found in _walk(handle, ""):
            yield found
            left -= 1
            if left <= 0:
                return
    finally:
        os.close(handle)


def _walk(folder: int, prefix: str) -> Iterator[Found]:
    with os.scandir(folder) as scanned:
        entries = sorted(scanned, key=lambda entry: entry.name)
    for entry in entries:
        with contextlib.suppress(OSError):
            seen = os.stat(entry.name, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISREG(seen.st_mode):
                yield Found(f"{prefix}{entry.name}", seen.st_size, seen.st_mtime_ns)
            elif stat.S_ISDIR(seen.st_mode):
                below = os.open(entry.name, FOLDER, dir_fd=folder)
                try:
                    yield from _walk(below, f"{prefix}{entry.name}/")
                finally:
                    os.close(below)
