"""Read a folder of code as a snapshot: its files, what they hash to, and the limits."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from studio_sdk.snapshots.ignore import Rules

FILES_MAX = 2_000
BYTES_MAX = 300 * 1024 * 1024


class FolderError(ValueError):
    """The folder cannot be a snapshot; the message names the limit and the folder."""


@dataclass(frozen=True)
class SnapshotFile:
    """One file: its path with "/", the SHA-256 of its content, its size, and whether it may be run."""

    path: str
    sha256: str
    size_bytes: int
    is_executable: bool = False


@dataclass(frozen=True)
class Folder:
    """A folder as it was read; `left_out` are links that were not followed."""

    root: Path
    files: tuple[SnapshotFile, ...]
    left_out: tuple[str, ...] = ()

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)


def read_folder(root: Path, *, lifts_file_limit: bool = False) -> Folder:
    """Read the files that the ignore files leave in. Links to folders, and out of the folder, are never followed.

    Raises FolderError beyond 300 MB or 2,000 files (`lifts_file_limit` takes the second away).
    """
    real = root.resolve()
    rules = Rules(lambda path: text_of(real / path))
    found: list[tuple[str, Path]] = []
    left_out: list[str] = []
    total = 0
    for path, file in walk(real, rules):
        if file.is_symlink() and not is_inside(real, file):
            left_out.append(path)
            continue
        found.append((path, file))
        total += file.stat().st_size
        check(real, files=len(found), size_bytes=total, lifts_file_limit=lifts_file_limit)
    files = tuple(one(path, file) for path, file in found)
    return Folder(real, files, tuple(left_out))


def check(root: Path, *, files: int, size_bytes: int, lifts_file_limit: bool = False) -> None:
    if size_bytes > BYTES_MAX:
        raise FolderError(
            f"The snapshot of {root} is larger than the limit of {BYTES_MAX // 1024**2} MB. "
            "Name what it does not need in an .amlignore file there."
        )
    if files > FILES_MAX and not lifts_file_limit:
        raise FolderError(
            f"The snapshot of {root} has more files than the limit of {FILES_MAX}. "
            "Name what it does not need in an .amlignore file there."
        )


def walk(root: Path, rules: Rules) -> Iterator[tuple[str, Path]]:
    for where, folders, names in os.walk(root, followlinks=False):
        below = Path(where).relative_to(root).as_posix()
        prefix = "" if below == "." else f"{below}/"
        kept = [name for name in sorted(folders) if not rules.leaves_out(f"{prefix}{name}", is_dir=True)]
        linked = [name for name in kept if (Path(where) / name).is_symlink()]
        folders[:] = [name for name in kept if name not in linked]
        for name in sorted([*names, *linked]):
            file = Path(where) / name
            if (file.is_file() or name in linked) and not rules.leaves_out(f"{prefix}{name}"):
                yield f"{prefix}{name}", file


def is_inside(root: Path, link: Path) -> bool:
    target = link.resolve()
    return target.is_file() and target.is_relative_to(root)


def text_of(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return None


def one(path: str, file: Path) -> SnapshotFile:
    digest = hashlib.sha256()
    size = 0
    with file.open("rb") as opened:
        while piece := opened.read(1024 * 1024):
            digest.update(piece)
            size += len(piece)
    return SnapshotFile(path, digest.hexdigest(), size, os.access(file, os.X_OK))
