"""Versions and models go for good with their files: those that no other version has, and none that is served."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models import QuerySet

from experiments.models import LoggedModel, Purge, PurgeKind, Run
from experiments.purging import Kept, Kind, Tally, Weight, files, kinds, ledger
from experiments.purging.neighbours import Holder
from lib.clock import now_ms
from lib.errors import NotFound
from registry import holding
from registry.models import ModelVersion, RegisteredModel
from registry.queries import model_files


def versions(purge: Purge) -> QuerySet[ModelVersion]:
    rows = ModelVersion.objects.filter(model__workspace=purge.workspace_id)
    rows = rows.filter(pk__in=purge.names) if purge.kind == PurgeKind.VERSION else rows.filter(model__in=purge.names)
    return rows.select_related("model", "run", "logged_model").order_by("pk")


def key_of(version: ModelVersion) -> str:
    """Give the key of a version's files: all of a logged model, or a path of a run; empty when they are elsewhere."""
    if version.logged_model is not None:
        return files.of_model(version.logged_model)
    try:
        return model_files(version).key
    except NotFound:
        return ""


def others(version: ModelVersion, going: Sequence[ModelVersion] = ()) -> list[ModelVersion]:
    """List the other versions with any of the same files."""
    gone = {version.pk, *(one.pk for one in going)}
    if version.logged_model is not None:
        same = holding.with_files_at(version.logged_model, "")
    elif version.run is not None and key_of(version):
        same = holding.with_files_at(version.run, version.artifact_path)
    else:
        same = []
    return [one for one in same if one.pk not in gone]


def weigh(purge: Purge, _seconds: float) -> Weight:
    going, total, kept, seen = list(versions(purge)), Tally(), list[Kept](), set[str]()
    served = holding.served([one.pk for one in going])
    leaving = [one for one in going if one.pk not in served]
    for version in leaving:
        total += Tally(versions=1)
        shared = others(version, leaving)
        if shared:
            kept.append(stays(version, "files", shared))
        elif (key := key_of(version)) and key not in seen:
            seen.add(key)
            total += files.weigh(key) + Tally(logged_models=int(version.logged_model is not None))
    kept += [
        Kept("version", str(one.pk), str(one), [Holder("endpoint", name) for name in served[one.pk]])
        for one in going
        if one.pk in served
    ]
    if purge.kind == PurgeKind.MODEL and not served:
        total += Tally(models=RegisteredModel.objects.filter(pk__in=purge.names).count())
    return Weight(total, kept, len(kept))


def stays(version: ModelVersion, kind: str, shared: Sequence[ModelVersion]) -> Kept:
    return Kept(kind, str(version.pk), str(version), [Holder("version", str(one)) for one in shared])


def next_batch(purge: Purge) -> bool:
    """Delete one version, or the model when it has none left; say whether there was anything to deal with."""
    if purge.cursor.get("phase") == "model":
        return False
    last = int(purge.cursor.get("after") or 0)
    found = versions(purge).filter(pk__gt=last).first()
    if found is not None:
        delete_version(purge, found)
    elif purge.kind == PurgeKind.MODEL:
        delete_model(purge)
    return found is not None


@transaction.atomic
def delete_version(purge: Purge, version: ModelVersion) -> None:
    """Delete a version and, when no other has them, its files; who would make another of the same files waits."""
    key = key_of(version)
    weight = files.weigh(key) if key else Tally()
    lock_source(version)
    if ModelVersion.objects.select_for_update().filter(pk=version.pk).first() is None:
        ledger.advance(purge, "versions", str(version.pk), Tally())  # somebody deleted it meanwhile
        return
    if names := holding.served([version.pk]).get(version.pk):
        kept = [Kept("version", str(version.pk), str(version), [Holder("endpoint", name) for name in names])]
        ledger.advance(purge, "versions", str(version.pk), Tally(), kept)
        return
    shared, gone = others(version), Tally(versions=1)
    # With a later version of this purge they go when that one's turn comes.
    going = set(versions(purge).filter(pk__in=[one.pk for one in shared]).values_list("pk", flat=True))
    elsewhere = [one for one in shared if one.pk not in going]
    if key and not shared:
        files.write_down([files.place(purge, key, weight, is_whole=version.logged_model is not None)])
        gone += Tally(logged_models=delete_logged_model(version))
    kept = [stays(version, "files", elsewhere)] if elsewhere else []
    pk, model_id = version.pk, version.model_id
    ledger.advance(purge, "versions", str(pk), gone, kept)
    ModelVersion.objects.filter(pk=pk).delete()
    RegisteredModel.objects.filter(pk=model_id).update(updated_ms=now_ms())


def lock_source(version: ModelVersion) -> None:
    if version.logged_model_id:
        LoggedModel.objects.select_for_update().filter(pk=version.logged_model_id).first()
    elif version.run_id:
        Run.objects.select_for_update().filter(pk=version.run_id).first()


def delete_logged_model(version: ModelVersion) -> int:
    if version.logged_model_id is None:
        return 0
    LoggedModel.objects.filter(pk=version.logged_model_id).delete()
    return 1


@transaction.atomic
def delete_model(purge: Purge) -> None:
    """Delete the emptied model; one with versions that stayed, or came meanwhile, stays too."""
    rows = RegisteredModel.objects.select_for_update().filter(pk__in=purge.names, workspace=purge.workspace_id)
    model = rows.first()
    gone = model is not None and not model.versions.exists()
    ledger.advance(purge, "model", "", Tally(models=int(gone)))
    if model is not None and gone:
        model.delete()


def join() -> None:
    for name in (PurgeKind.VERSION, PurgeKind.MODEL):
        kinds.register(name, Kind(weigh, next_batch))
