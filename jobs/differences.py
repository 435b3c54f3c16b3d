"""What differs between the code of two jobs."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal

from experiments.artifacts import store
from jobs import snapshots
from jobs.models import Snapshot
from lib.snapshots import SnapshotFile

TEXT_MAX = 200_000
LINES_MAX = 2_000
FILES_MAX = 200


@dataclass(frozen=True)
class Line:
    """A line of a comparison; `kind` says how it is shown."""

    kind: Literal["same", "added", "removed", "place"]
    text: str


@dataclass(frozen=True)
class Difference:
    """A file that is not the same on both sides; without `lines` it is too large, or no text."""

    path: str
    kind: Literal["added", "removed", "changed"]
    lines: tuple[Line, ...] = ()


def between(base: Snapshot, other: Snapshot) -> list[Difference]:
    """List what is different in `other`, seen from `base`, by path; equal contents are known by their hash."""
    before = {file.path: file for file in snapshots.files_of(base)}
    after = {file.path: file for file in snapshots.files_of(other)}
    paths = [path for path in sorted({*before, *after}) if hash_in(before, path) != hash_in(after, path)]
    return [difference(base.workspace_id, path, before.get(path), after.get(path)) for path in paths[:FILES_MAX]]


def hash_in(files: dict[str, SnapshotFile], path: str) -> str:
    return files[path].sha256 if path in files else ""


def difference(workspace_id: int, path: str, before: SnapshotFile | None, after: SnapshotFile | None) -> Difference:
    old, new = text_of(workspace_id, before), text_of(workspace_id, after)
    kind: Literal["added", "removed", "changed"] = "changed" if before and after else "added" if after else "removed"
    if old is None or new is None:
        return Difference(path, kind)
    found = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=3)
    lines = [line_of(text) for text in list(found)[2 : 2 + LINES_MAX]]
    return Difference(path, kind, tuple(lines))


def text_of(workspace_id: int, file: SnapshotFile | None) -> str | None:
    """Give a side's text: empty where there is no file, None for what cannot be shown line by line."""
    if file is None:
        return ""
    if file.size_bytes > TEXT_MAX:
        return None
    with store().open(snapshots.blob(workspace_id, file.sha256).key) as source:
        content = source.read()
    try:
        return None if b"\0" in content else content.decode()
    except UnicodeDecodeError:
        return None


def line_of(text: str) -> Line:
    if text.startswith("@@"):
        return Line("place", text)
    kinds: dict[str, Literal["added", "removed"]] = {"+": "added", "-": "removed"}
    return Line(kinds.get(text[:1], "same"), text[1:])
