"""Unpacks a snapshot: files and folders, below one folder, and nothing else.

Not by tarfile's `data` filter: Pythons that are still in use (Debian 12's 3.11.2) do not have it.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path, PurePosixPath


def unpack(archive: Path, folder: Path) -> None:
    """Write the archive's files below `folder`, which must hold none of them; raises TarError for any other content."""
    with tarfile.open(archive) as opened:
        for member in opened:
            target = place(member, folder)
            if member.isdir():
                target.mkdir(parents=True, exist_ok=True)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                write(opened, member, target)


def place(member: tarfile.TarInfo, folder: Path) -> Path:
    """Say where a member goes."""
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts:
        raise tarfile.TarError(f"{member.name!r} leads out of the folder")
    if not (member.isreg() or member.isdir()):
        raise tarfile.TarError(f"{member.name!r} is neither a file nor a folder")
    return folder / path


def write(opened: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    """Write one file anew, never through a link; of its permissions only that it can be run is kept."""
    content = opened.extractfile(member)
    assert content is not None  # it is a regular file
    mode = 0o755 if member.mode & 0o100 else 0o644
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode), "wb") as file:
        shutil.copyfileobj(content, file)
