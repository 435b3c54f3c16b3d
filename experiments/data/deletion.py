"""How a workspace's data goes: datasets, then the files of its own datastore, then the datastores."""

from __future__ import annotations

from django.utils.translation import gettext as _

from experiments.artifacts.disk import store
from experiments.data.models import DatasetVersion, Datastore, DatastoreKind, RegisteredDataset
from experiments.data.stores import place_of
from lib.errors import NotFound
from workspaces.deletion import Count, Participant
from workspaces.models import Workspace

BATCH = 100


def count(workspace: Workspace) -> list[Count]:
    own = Datastore.objects.filter(workspace=workspace, kind=DatastoreKind.OWN)
    size = sum(store().size(place_of(one).key) for one in own)
    return [Count(_("datasets"), RegisteredDataset.objects.filter(workspace=workspace).count(), size)]


def delete_next_batch(workspace: Workspace) -> bool:
    """Delete some versions, else some datasets, else a datastore; operators' folders are left as they are."""
    for rows in (DatasetVersion.objects, RegisteredDataset.objects):
        ids = list(rows.filter(workspace=workspace).values_list("pk", flat=True)[:BATCH])
        if ids:
            rows.filter(pk__in=ids).delete()
            return True
    datastore = Datastore.objects.filter(workspace=workspace).first()
    if datastore is None:
        return False
    if datastore.kind == DatastoreKind.OWN:
        remove(place_of(datastore).key)
    datastore.delete()
    return True


def remove(key: str) -> None:
    try:
        store().delete(key)
    except NotFound:
        return


PARTICIPANT = Participant(order=41, name="data", count=count, delete_next_batch=delete_next_batch)
