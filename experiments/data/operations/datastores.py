"""Every change to datastores and the files in them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from experiments.artifacts import checked
from experiments.artifacts.disk import Readable
from experiments.data import stores
from experiments.data.drivers import DRIVERS, driver
from experiments.data.drivers.base import ENDPOINT_PATH, Connection, Secret
from experiments.data.models import Datastore, DatastoreKind
from experiments.data.objects import read_only
from lib import outbound, secretbox
from lib.errors import AlreadyExists, Conflict, InvalidValue
from workspaces.access import Actor, operation, require
from workspaces.models import Workspace

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
SECRET_MAX = 20_000


@operation("workspace.write")
def create_datastore(
    actor: Actor,
    workspace: Workspace,
    *,
    name: str,
    kind: str = DatastoreKind.FOLDER,
    path: str = "",
    folder: str = "",
    container: str = "",
    account: str = "",
    endpoint: str = "",
    region: str = "",
    secret: Secret | None = None,
) -> Datastore:
    """Open a folder that the operator offers, or a container of an object store, or a folder below it, to be read.

    Nothing is connected to: `check_datastore` does that. Raises InvalidValue for a bad name, an unknown kind or folder,
    credentials that are not the kind's, and an endpoint that the studio's rules for outgoing connections refuse.
    """
    if not NAME.fullmatch(name):
        raise InvalidValue(_("A datastore's name has letters, digits, “_” and “-”, at most 100."), field="name")
    connection = Connection(kind, container, account, endpoint, region, secret or Secret())
    made = described(workspace, connection, folder=folder, path=path)
    made.name, made.created_by = name, actor.name
    if name == stores.DEFAULT:
        raise taken(name)
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError:
        raise taken(name) from None
    return made


def described(workspace: Workspace, connection: Connection, *, folder: str, path: str) -> Datastore:
    """Give the row of a datastore to be, without a name. Raises InvalidValue for what cannot be one."""
    made = Datastore(workspace=workspace, kind=connection.kind, path=checked(path.strip("/")))
    if connection.kind in DRIVERS:
        check_connection(connection)
        made.container, made.account = connection.container, connection.account
        made.endpoint, made.region = connection.endpoint, connection.region
        made.sealed = sealed(connection.secret)
        return made
    if connection.kind != DatastoreKind.FOLDER:
        raise InvalidValue(_("“%s” is no kind of datastore that can be added.") % connection.kind[:60], field="kind")
    if folder not in stores.folders():
        offered = ", ".join(sorted(stores.folders())) or _("none")
        raise InvalidValue(_("The operator offers no folder of this name; offered: %s.") % offered, field="folder")
    made.folder = folder
    return made


def check_connection(connection: Connection) -> None:
    """Raise InvalidValue for facts and credentials that are not the kind's, and for an endpoint that is refused."""
    known = driver(connection.kind)
    for fact in ("account", "endpoint", "region"):
        if getattr(connection, fact) and fact not in known.facts:
            raise InvalidValue(_("This kind of datastore has no “%s”.") % fact, field=fact)
    if any(len(text) > SECRET_MAX for text in connection.secret.values()):
        raise InvalidValue(_("The credentials are too long."), field="secret")
    known.checked(connection)
    if not connection.endpoint:
        return
    try:
        target = outbound.check(connection.endpoint, allowed=settings.OUTBOUND_ALLOWED)
    except InvalidValue as error:
        raise InvalidValue(error.message, field="endpoint") from None
    if not ENDPOINT_PATH.fullmatch(target.path):
        raise InvalidValue(_("The endpoint is an address without a query."), field="endpoint")


def sealed(secret: Mapping[str, str]) -> str:
    return secretbox.seal(json.dumps(dict(secret)), purpose=stores.PURPOSE) if secret else ""


@operation("workspace.write")
def replace_credentials(actor: Actor, datastore: Datastore, *, secret: Secret) -> Datastore:
    """Give an object store other credentials, or none. Raises InvalidValue for those that are not its kind's."""
    if not datastore.is_remote:
        raise InvalidValue(_("This datastore has no credentials."), field="secret")
    check_connection(
        Connection(datastore.kind, datastore.container, datastore.account, datastore.endpoint, datastore.region, secret)
    )
    datastore.sealed = sealed(secret)
    datastore.save(update_fields=["sealed"])
    return datastore


def check_datastore(
    actor: Actor, workspace: Workspace, *, connection: Connection, folder: str = "", path: str = ""
) -> int:
    """List the top of a datastore to be; give how many names there are.

    Asks for the permission itself: as an `operation` it would hold a transaction open while a store is waited for.
    Raises what `create_datastore` would, NotFound, Conflict for refused credentials, Unavailable for no answer.
    """
    require(actor, "workspace.write", workspace)
    store, top = stores.opened(described(workspace, connection, folder=folder, path=path))
    return store.listing(top, "", 1).total


def taken(name: str) -> AlreadyExists:
    return AlreadyExists(_("There is “%s” already.") % name, field="name")


@operation("workspace.write")
def delete_datastore(actor: Actor, datastore: Datastore) -> None:
    """Forget a folder or store; its files stay. Raises Conflict for the workspace's own one, and while it is used."""
    if datastore.kind == DatastoreKind.OWN:
        raise Conflict(_("The workspace's own datastore goes with the workspace."))
    if datastore.versions.exists():
        raise Conflict(_("Datasets are made of files of this datastore: delete those first."))
    datastore.delete()


def put_file(
    actor: Actor,
    datastore: Datastore,
    *,
    path: str,
    source: Readable,
    size_bytes: int | None = None,
    replaces: bool = False,
) -> int:
    """Store a file whole; give its size.

    Asks for the permission itself: as an `operation` it would hold a transaction open for as long as the bytes take.
    Raises AlreadyExists for a name that is taken unless it `replaces`, and Conflict when a version is made of it.
    """
    require(actor, "experiments.write", datastore)
    path = stores.file_path(path)
    if not datastore.can_write:
        raise read_only()
    if replaces:
        require_unused(datastore, path)
    store, key = stores.located(datastore, path)
    return store.put(key, source, size_bytes, replaces=replaces)


@operation("experiments.write")
def delete_file(actor: Actor, datastore: Datastore, *, path: str) -> None:
    """Delete a file for good. Raises NotFound for an absent one, Conflict when a version is made of it."""
    path = stores.file_path(path)
    if not datastore.can_write:
        raise read_only()
    require_unused(datastore, path)
    store, key = stores.located(datastore, path)
    if store.stat(key).is_dir:
        raise InvalidValue(_("“%s” is a folder: delete its files.") % path[-200:], field="path")
    store.delete(key)


def require_unused(datastore: Datastore, path: str) -> None:
    """Raise Conflict when a version is made of the file: a version never changes."""
    version = datastore.versions.filter(files__contains=[{"path": path}]).select_related("dataset").first()
    if version is not None:
        raise Conflict(_("“%(version)s” is made of this file.") % {"version": str(version)})
