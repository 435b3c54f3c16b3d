"""A file of a snapshot, and how many of them there may be."""

from __future__ import annotations

from dataclasses import dataclass

FILES_MAX = 2_000
BYTES_MAX = 300 * 1024 * 1024


@dataclass(frozen=True)
class SnapshotFile:
    """One file: its path with "/", the SHA-256 of its content, its size, and whether it may be run."""

    path: str
    sha256: str
    size_bytes: int
    is_executable: bool = False
