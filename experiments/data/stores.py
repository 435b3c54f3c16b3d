"""Opens a datastore. No text that a client sent is ever opened as a path: it is a checked path below a folder that the
server chose, and no step of it follows a link.
"""

from __future__ import annotations

import os
import stat
from functools import cache
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.utils.translation import gettext as _

from experiments.artifacts import Place, checked
from experiments.artifacts import store as own_store
from experiments.artifacts.disk import DiskStore, Entry, Readable, Store, split, translated
from experiments.data.models import Datastore, DatastoreKind
from lib.errors import Conflict, InvalidValue, NotFound, Unavailable
from workspaces.models import Workspace

DEFAULT = "workspaceblobstore"  # the name that scripts written for the cloud studio ask for


class FolderStore(DiskStore):
    """An operator's folder, only read. What is no regular file is not there: a pipe would be waited for without end."""

    def open(self, key: str) -> BinaryIO:
        parent, name = split(key)
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            with self.folder(parent) as folder:
                handle = os.open(name, flags, dir_fd=folder)
        except OSError as error:
            raise translated(error, key) from error
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise NotFound(_("“%s” is no file.") % name[:200])
        return os.fdopen(handle, "rb")

    def put(self, key: str, source: Readable, size_bytes: int | None = None, *, replaces: bool = True) -> int:
        raise read_only()

    def delete(self, key: str) -> None:
        raise read_only()


def read_only() -> Conflict:
    return Conflict(_("The studio only reads this datastore: store files in the workspace's own one."))


@cache
def folder_at(root: Path) -> Store:
    return FolderStore(root)


def default_of(workspace: Workspace) -> Datastore:
    """Give the workspace's own datastore, made when it is first asked for."""
    found, _made = Datastore.objects.get_or_create(
        workspace=workspace, kind=DatastoreKind.OWN, defaults={"name": DEFAULT}
    )
    return found


def place_of(datastore: Datastore) -> Place:
    """Say where the workspace's own datastore lies: where no artifact's address leads."""
    return Place(f"datastores/{datastore.pk}")


def folders() -> dict[str, Path]:
    """Give the folders that the operator offers, by name."""
    offered: dict[str, Path] = settings.DATA_FOLDERS
    return offered


def opened(datastore: Datastore) -> tuple[Store, str]:
    """Give the store of a datastore and the key of its top."""
    if datastore.kind == DatastoreKind.OWN:
        return own_store(), place_of(datastore).key
    if datastore.folder not in folders():
        raise Unavailable(
            _("The folder “%s” is no longer offered by the studio's operator (STUDIO_DATA_FOLDERS).") % datastore.folder
        )
    return folder_at(folders()[datastore.folder]), datastore.path


def located(datastore: Datastore, path: str) -> tuple[Store, str]:
    """Give the store and the key of a path from outside. Raises InvalidValue for one that could lead elsewhere."""
    store, top = opened(datastore)
    return store, "/".join(filter(None, [top, checked(path)]))


def stat_of(datastore: Datastore, path: str) -> Entry:
    """Describe a file or folder; the top is there before anything is in it."""
    path = checked(path)
    if not path and datastore.can_write:
        return Entry("", is_dir=True)
    store, key = located(datastore, path)
    found = store.stat(key)
    return Entry(path, found.is_dir, found.size_bytes)


def open_file(datastore: Datastore, path: str) -> BinaryIO:
    store, key = located(datastore, path)
    return store.open(key)


def file_path(path: str) -> str:
    """Check the path of a file from outside. Raises InvalidValue when there is none."""
    path = checked(path)
    if not path:
        raise InvalidValue(_("Name the file by its path in the datastore."), field="path")
    return path
