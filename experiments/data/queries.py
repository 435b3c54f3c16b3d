"""What is asked about data."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.translation import gettext as _

from experiments.artifacts.disk import Listing
from experiments.data import stores
from experiments.data.models import DatasetVersion, Datastore, RegisteredDataset, RunInput
from lib.errors import InvalidValue, NotFound
from workspaces import access
from workspaces.access import Actor
from workspaces.models import Workspace

LISTED_MAX = 1000
LATEST = "latest"


def datastores(actor: Actor, workspace: Workspace) -> QuerySet[Datastore]:
    """List the workspace's datastores, its own one first."""
    stores.default_of(workspace)
    rows: QuerySet[Datastore] = Datastore.objects.visible_to(actor).filter(workspace=workspace)
    return rows.order_by("-kind", "name")


def datastore(actor: Actor, workspace: Workspace, name: str) -> Datastore:
    """Give one by its name; `default` is the workspace's own."""
    if name in ("default", stores.DEFAULT):
        stores.default_of(workspace)
        name = stores.DEFAULT
    found: Datastore = access.fetch(actor, Datastore.objects.filter(workspace=workspace), name=name)
    return found


def datasets(actor: Actor, workspace: Workspace) -> QuerySet[RegisteredDataset]:
    """List datasets, those that changed last first, with what their newest version has."""
    newest = DatasetVersion.objects.filter(dataset=OuterRef("pk")).order_by("-number")
    rows: QuerySet[RegisteredDataset] = RegisteredDataset.objects.visible_to(actor).filter(workspace=workspace)
    return rows.annotate(
        newest=Subquery(newest.values("number")[:1]),
        size_bytes=Subquery(newest.values("size_bytes")[:1]),
        file_count=Subquery(newest.values("file_count")[:1]),
    ).order_by("-updated_ms", "pk")


def dataset(actor: Actor, workspace: Workspace, name: str) -> RegisteredDataset:
    return access.fetch(actor, datasets(actor, workspace), name=name)


def versions(actor: Actor, dataset: RegisteredDataset) -> QuerySet[DatasetVersion]:
    """List a dataset's versions, the newest first, without their lists of files."""
    rows: QuerySet[DatasetVersion] = DatasetVersion.objects.visible_to(actor).filter(dataset=dataset)
    return rows.select_related("dataset", "datastore", "workspace").defer("files", "profile").order_by("-number")


def version(actor: Actor, workspace: Workspace, name: str, number: str | int = LATEST) -> DatasetVersion:
    """Give a version by the dataset's name and its number, or the newest. Raises NotFound when there is none."""
    rows: QuerySet[DatasetVersion] = DatasetVersion.objects.visible_to(actor).filter(
        workspace=workspace, dataset__name=name
    )
    rows = rows.select_related("dataset", "datastore", "workspace")
    text = str(number)
    if text == LATEST:
        found = rows.order_by("-number").first()
    else:
        is_number = text.isascii() and text.isdigit() and len(text) <= 9
        found = rows.filter(number=int(text)).first() if is_number else None
    if found is None:
        wanted = {"name": name[:200], "number": text[:20]}
        raise NotFound(_("There is no dataset “%(name)s” with the version “%(number)s”.") % wanted)
    return found


def named(actor: Actor, workspace: Workspace, text: str) -> DatasetVersion:
    """Read `name@version`, `name@latest` or `name`. Raises InvalidValue for an empty name."""
    name, _at, number = text.rpartition("@") if "@" in text else (text, "", LATEST)
    if not name:
        raise InvalidValue(_("Name a dataset: name@version."), field="inputs")
    return version(actor, workspace, name, number or LATEST)


def listing(datastore: Datastore, path: str, after: str = "", most: int = LISTED_MAX) -> Listing:
    """List a part of a folder of a datastore, names without the folder."""
    store, key = stores.located(datastore, path)
    return store.listing(key, after, most)


@dataclass(frozen=True)
class Use:
    """A run that was given a version, under which name."""

    run_id: str
    run_name: str
    status: str
    experiment: str
    start_ms: int
    name: str
    number: int


def uses(actor: Actor, dataset: RegisteredDataset, most: int = 100) -> list[Use]:
    """List the runs that were given any version, the newest first."""
    access.require(actor, "experiments.read", dataset)
    rows = RunInput.objects.filter(version__dataset=dataset, run__deleted_ms=None, run__workspace=dataset.workspace_id)
    rows = rows.select_related("run__experiment", "version").defer("version__files", "version__profile")
    return [
        Use(
            one.run_id, one.run.name, one.run.status, one.run.experiment.name, one.run.start_ms, one.name,
            int(one.reference.rpartition("@")[2]),
        )
        for one in rows.order_by("-run__start_ms", "pk")[:most]
    ]  # fmt: skip
