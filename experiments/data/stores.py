"""Opens a datastore. No text that a client sent is ever opened as a path: it is a checked path below a folder that the
server chose, and no step of it follows a link. Object stores are reached by `objects`, whose loop judges each address.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import BinaryIO, Protocol

from django.conf import settings
from django.utils.translation import gettext as _

from experiments.artifacts import Place, checked
from experiments.artifacts import store as own_store
from experiments.artifacts.disk import DiskStore, Entry, Listing, Readable, split, translated
from experiments.data import objects
from experiments.data.drivers import Connection, Secret
from experiments.data.models import Datastore, DatastoreKind
from experiments.data.objects import read_only
from lib import secretbox
from lib.errors import InvalidValue, NotFound, Unavailable
from workspaces.models import Workspace

DEFAULT = "workspaceblobstore"  # the name that scripts written for the cloud studio ask for
PURPOSE = "datastore credentials"


class Files(Protocol):
    """What a datastore of any kind can do; `put` and `delete` raise Conflict where the studio only reads."""

    def put(self, key: str, source: Readable, size_bytes: int | None = None, *, replaces: bool = True) -> int: ...
    def open(self, key: str) -> BinaryIO: ...
    def stat(self, key: str) -> Entry: ...
    def listing(self, key: str, after: str, most: int) -> Listing: ...
    def walk(self, key: str) -> Iterator[Entry]: ...
    def address(self, key: str, *, name: str, seconds: int) -> str: ...
    def delete(self, key: str) -> None: ...


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


@cache
def folder_at(root: Path) -> Files:
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


def connection_of(datastore: Datastore) -> Connection:
    """Say how an object store is reached. Raises Conflict when its credentials can no longer be decrypted."""
    secret = json.loads(secretbox.unseal(datastore.sealed, purpose=PURPOSE)) if datastore.sealed else {}
    return Connection(
        kind=datastore.kind,
        container=datastore.container,
        account=datastore.account,
        endpoint=datastore.endpoint,
        region=datastore.region,
        secret=Secret(secret),
    )


def opened(datastore: Datastore) -> tuple[Files, str]:
    """Give the store of a datastore and the key of its top."""
    if datastore.kind == DatastoreKind.OWN:
        return own_store(), place_of(datastore).key
    if datastore.is_remote:
        return objects.opened(connection_of(datastore)), datastore.path
    if datastore.folder not in folders():
        raise Unavailable(
            _("The folder “%s” is no longer offered by the studio's operator (STUDIO_DATA_FOLDERS).") % datastore.folder
        )
    return folder_at(folders()[datastore.folder]), datastore.path


def located(datastore: Datastore, path: str) -> tuple[Files, str]:
    """Give the store and the key of a path from outside. Raises InvalidValue for one that could lead elsewhere."""
    store, top = opened(datastore)
    return store, "/".join(filter(None, [top, checked(path)]))


def stat_of(datastore: Datastore, path: str) -> Entry:
    """Describe a file or folder; the top is there before anything is in it."""
    path = checked(path)
    if not path and not datastore.folder:
        return Entry("", is_dir=True)
    store, key = located(datastore, path)
    found = store.stat(key)
    return Entry(path, found.is_dir, found.size_bytes)


def open_file(datastore: Datastore, path: str) -> BinaryIO:
    store, key = located(datastore, path)
    return store.open(key)


def open_here(datastore: Datastore, path: str, most: int) -> tuple[BinaryIO, bool]:
    """Open a file that has a descriptor, for another process: of an object a copy of at most so many bytes.

    Says whether that is all of it.
    """
    file = open_file(datastore, path)
    if not datastore.is_remote:
        return file, True
    with file:
        return objects.copied(file, most)


def address_of(datastore: Datastore, path: str, seconds: int) -> str:
    """Give an address where the bytes come from the store itself, or nothing."""
    store, key = located(datastore, path)
    return store.address(key, name=path.rpartition("/")[2], seconds=seconds)


def file_path(path: str) -> str:
    """Check the path of a file from outside. Raises InvalidValue when there is none."""
    path = checked(path)
    if not path:
        raise InvalidValue(_("Name the file by its path in the datastore."), field="path")
    return path
