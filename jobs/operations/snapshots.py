"""Code is kept once, however often it is submitted: the list first, then the contents that are missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import IO, Any

from jobs import snapshots
from jobs.models import Snapshot
from jobs.operations.unused import hold_contents, renew
from lib.clock import now_ms
from lib.snapshots import SnapshotFile
from workspaces.access import Actor, operation
from workspaces.models import Workspace


@dataclass(frozen=True)
class Begun:
    """A snapshot that was listed: `missing` are the SHA-256 of contents still to come; with none it is there."""

    digest: str
    missing: list[str]
    snapshot: Snapshot | None


@operation("jobs.write")
def list_snapshot(
    actor: Actor, workspace: Workspace, *, files: Iterable[Mapping[str, Any]], lifts_file_limit: bool = False
) -> Begun:
    """Make the snapshot of listed files if all their contents are stored, else say which are missing.

    Raises InvalidValue for bad paths, for sizes that are not the contents' own, and beyond 300 MB or 2,000 files.
    """
    listed = snapshots.listed(files, lifts_file_limit=lifts_file_limit)
    hold_contents(workspace.pk)
    missing = snapshots.missing(workspace.pk, listed)
    digest = snapshots.digest_of(listed)
    if missing:
        renew(workspace.pk, (file.sha256 for file in listed))
    return Begun(digest, missing, None if missing else kept(workspace, listed))


@operation("jobs.write")
def store_contents(actor: Actor, workspace: Workspace, *, archive: IO[bytes]) -> int:
    """Store contents from a tar archive whose members are named by their SHA-256. Raises InvalidValue."""
    return snapshots.put_archive(workspace.pk, archive)


@operation("jobs.write")
def store_snapshot(actor: Actor, workspace: Workspace, *, files: Mapping[str, bytes]) -> Snapshot:
    """Keep a folder of code that is at hand. Raises InvalidValue for bad paths and beyond the limits."""
    hold_contents(workspace.pk)
    return kept(workspace, snapshots.from_files(workspace.pk, files))


def kept(workspace: Workspace, files: Iterable[SnapshotFile]) -> Snapshot:
    files = tuple(files)
    size = sum(file.size_bytes for file in files)
    defaults = {"files": len(files), "size_bytes": size, "manifest": snapshots.as_json(files)}
    found, is_new = Snapshot.objects.get_or_create(
        workspace=workspace, digest=snapshots.digest_of(files), defaults=defaults
    )
    if not is_new and not Snapshot.objects.filter(pk=found.pk).update(asked_ms=now_ms()):
        return kept(workspace, files)  # it went as unused in this very moment
    return found
