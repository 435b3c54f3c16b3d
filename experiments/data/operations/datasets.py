"""Every change to datasets and their versions."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from experiments.data import profiling
from experiments.data.choosing import choose
from experiments.data.models import (
    DatasetKind,
    DatasetVersion,
    Datastore,
    ProfileState,
    RegisteredDataset,
    RunInput,
)
from experiments.data.operations.datastores import taken
from experiments.data.tables import options_of
from experiments.models import RUN_ENDED
from lib.clock import now_ms
from lib.errors import Conflict, InvalidValue
from workspaces.access import Actor, operation
from workspaces.models import Workspace

NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._-]{0,253}[A-Za-z0-9._-])?")
TAGS_MAX, TAG_KEY_MAX, TAG_MAX, TEXT_MAX = 50, 250, 5000, 20_000


@operation("experiments.write")
def create_dataset(
    actor: Actor,
    workspace: Workspace,
    *,
    name: str,
    kind: str,
    datastore: Datastore,
    paths: Sequence[str],
    description: str = "",
    tags: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
) -> DatasetVersion:
    """Register a dataset with its first version.

    Raises AlreadyExists for a name that is taken, InvalidValue for a bad name, kind, tag or option, and for paths that
    mean no files.
    """
    if not NAME.fullmatch(name):
        raise InvalidValue(
            _("A dataset's name has letters, digits, spaces, “.”, “_” and “-”, at most 255."), field="name"
        )
    if kind not in DatasetKind.values:
        raise InvalidValue(_("A dataset is of the kind “file” or “tabular”."), field="kind")
    dataset = RegisteredDataset(
        workspace=workspace,
        name=name,
        kind=kind,
        description=checked_text(description),
        tags=checked_tags(tags or {}),
        created_by=actor.name,
    )
    try:
        with transaction.atomic():
            dataset.save(force_insert=True)
    except IntegrityError:
        raise taken(name) from None
    return add_version(actor, dataset, datastore, paths, options or {}, "")


@operation("experiments.write")
def create_dataset_version(
    actor: Actor,
    dataset: RegisteredDataset,
    *,
    datastore: Datastore,
    paths: Sequence[str],
    options: Mapping[str, Any] | None = None,
    description: str = "",
) -> DatasetVersion:
    """Add a version. Raises InvalidValue as `create_dataset` does."""
    return add_version(actor, dataset, datastore, paths, options or {}, checked_text(description))


def add_version(
    actor: Actor,
    dataset: RegisteredDataset,
    datastore: Datastore,
    paths: Sequence[str],
    options: Mapping[str, Any],
    description: str,
) -> DatasetVersion:
    if datastore.workspace_id != dataset.workspace_id:
        raise InvalidValue(_("The datastore is not this workspace's."), field="datastore")
    files = choose(datastore, paths)
    is_table = dataset.kind == DatasetKind.TABULAR
    read_as = options_of(files, options) if is_table else {}
    locked = RegisteredDataset.objects.select_for_update(of=["self"]).get(pk=dataset.pk)
    number = locked.last_version + 1
    listed = [asdict(one) for one in files]
    version = DatasetVersion.objects.create(
        workspace_id=dataset.workspace_id,
        dataset=dataset,
        number=number,
        datastore=datastore,
        paths=list(paths),
        files=listed,
        options=read_as,
        file_count=len(files),
        size_bytes=sum(one.size_bytes for one in files),
        digest=digest_of(dataset.pk, number, listed),
        description=description,
        profile_state=ProfileState.QUEUED if is_table else ProfileState.NONE,
        created_by=actor.name,
    )
    dataset.last_version, dataset.updated_ms = number, now_ms()
    dataset.save(update_fields=["last_version", "updated_ms"])
    if is_table:
        transaction.on_commit(lambda: profiling.send(version.pk))
    return version


def digest_of(dataset_id: int, number: int, files: list[dict[str, Any]]) -> str:
    """Name the version's list of files: to MLflow two versions are two digests of one dataset."""
    return hashlib.sha256(json.dumps([dataset_id, number, files]).encode()).hexdigest()[:32]


def checked_text(text: str) -> str:
    if len(text) > TEXT_MAX:
        raise InvalidValue(_("A description has at most %s characters.") % TEXT_MAX, field="description")
    return text.replace("\x00", "")


def checked_tags(tags: Mapping[str, str]) -> dict[str, str]:
    is_long = any(not 0 < len(key) <= TAG_KEY_MAX or len(value) > TAG_MAX for key, value in tags.items())
    if len(tags) > TAGS_MAX or is_long or any("\x00" in key + value for key, value in tags.items()):
        raise InvalidValue(_("There are too many tags, or one is too long."), field="tags")
    return dict(tags)


@operation("experiments.write")
def update_dataset(
    actor: Actor,
    dataset: RegisteredDataset,
    *,
    description: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> RegisteredDataset:
    """Describe it anew; what is None stays."""
    if description is not None:
        dataset.description = checked_text(description)
    if tags is not None:
        dataset.tags = checked_tags(tags)
    dataset.updated_ms = now_ms()
    dataset.save(update_fields=["description", "tags", "updated_ms"])
    return dataset


@operation("experiments.write")
def delete_dataset(actor: Actor, dataset: RegisteredDataset) -> None:
    """Delete a dataset with its versions; files stay where they lie. Raises Conflict while a run waits for one."""
    versions = DatasetVersion.objects.select_for_update(of=["self"]).filter(dataset=dataset)
    require_unwanted([one.pk for one in versions.only("pk")])
    dataset.delete()


@operation("experiments.write")
def delete_dataset_version(actor: Actor, version: DatasetVersion) -> None:
    """Delete one version, and with the last one the dataset. Raises Conflict while a run waits for it."""
    dataset = RegisteredDataset.objects.select_for_update(of=["self"]).get(pk=version.dataset_id)
    locked = DatasetVersion.objects.select_for_update(of=["self"]).get(pk=version.pk)
    require_unwanted([locked.pk])
    locked.delete()
    if not dataset.versions.exists():
        dataset.delete()


def require_unwanted(version_ids: Sequence[int]) -> None:
    rows = RunInput.objects.filter(version__in=version_ids).exclude(run__status__in=RUN_ENDED)
    if waiting := rows.select_related("run").first():
        raise Conflict(_("The run “%s” has not ended and reads it.") % waiting.run.name)


@operation("experiments.write")
def profile_version(actor: Actor, version: DatasetVersion) -> None:
    """Ask for the profile once more. Raises InvalidValue for a version that is no table."""
    if version.profile_state == ProfileState.NONE:
        raise InvalidValue(_("Only tables have a profile."))
    DatasetVersion.objects.filter(pk=version.pk).update(
        profile_state=ProfileState.QUEUED, profile_tries=0, profile_error="", profile_ms=0
    )
    transaction.on_commit(lambda: profiling.send(version.pk))
