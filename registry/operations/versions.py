"""Versions of models: made from a run's or logged model's files, described, staged, named by aliases, deleted."""

from __future__ import annotations

import re
from collections.abc import Mapping

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from experiments.artifacts import of_model, of_run
from experiments.artifacts.disk import store
from experiments.models import Run
from lib.clock import now_ms
from lib.errors import InvalidValue, NotFound
from lib.mlflow import limits
from registry import events, holding, signals, sources
from registry.models import ModelAlias, ModelVersion, ModelVersionTag, RegisteredModel, Stage
from registry.operations.models import checked_description, checked_tag, register_model, touch
from registry.sources import Source
from workspaces.access import Actor, operation
from workspaces.models import Workspace

ALIAS = re.compile(r"[\w\-]+", re.ASCII)
RESERVED_ALIAS = re.compile(r"latest|v\d+", re.IGNORECASE)
PROMPT_TAG = "mlflow.prompt.is_prompt"


@operation("registry.write")
def create_version(
    actor: Actor,
    model: RegisteredModel,
    *,
    source: str,
    run_id: str = "",
    model_id: str = "",
    run_link: str = "",
    description: str = "",
    tags: Mapping[str, str] | None = None,
) -> ModelVersion:
    """Make the next version of a model. A number is never used again, whatever is deleted.

    Raises InvalidValue for a source that names no artifacts that the actor may read (see `registry.sources`).
    """
    tags = tags or {}
    is_prompt = tags.get(PROMPT_TAG, "").lower() == "true"
    found = sources.find(actor, model.workspace, source, run_id=run_id, model_id=model_id, is_prompt=is_prompt)
    if run_id and found.run is None:
        run = Run.objects.visible_to(actor).filter(pk=run_id, workspace=model.workspace).first()
        found = Source(run=run, model=found.model, path=found.path)
    return add(actor, model, source, found, description=description, run_link=run_link, tags=tags)


def add(
    actor: Actor,
    model: RegisteredModel,
    source: str,
    found: Source,
    *,
    description: str = "",
    run_link: str = "",
    tags: Mapping[str, str] | None = None,
) -> ModelVersion:
    # The row's lock gives concurrent callers different numbers.
    RegisteredModel.objects.filter(pk=model.pk).update(last_version=F("last_version") + 1, updated_ms=now_ms())
    model.refresh_from_db(fields=["last_version", "updated_ms"])
    version = ModelVersion.objects.create(
        model=model,
        version=model.last_version,
        source=source,
        run=found.run,
        logged_model=found.model,
        artifact_path=found.path,
        run_link=run_link[:2000],
        description=checked_description(description),
        created_by=actor.name,
    )
    write_tags(version, tags or {})
    events.version_created(version, tags or {})
    transaction.on_commit(lambda: signals.version_created.send(sender=ModelVersion, version=version))
    return version


@operation("registry.write")
def register_from_run(
    actor: Actor, workspace: Workspace, *, run: Run, path: str, name: str, description: str = ""
) -> ModelVersion:
    """Register what a run's Artifacts tab shows at `path`: a new model, or the next version of one with that name.

    Raises InvalidValue for a bad name or a path where no model is, NotFound for a run that is not in the workspace.
    """
    if run.workspace_id != workspace.pk:
        raise NotFound(_("There is no such run in this workspace."))
    found = sources.in_run(actor, workspace, f"{run.pk}/{path}", run.pk)
    place = (of_model(found.model) if found.model else of_run(run)).below(found.path)
    require_model_files(place.key, path)
    model = RegisteredModel.objects.filter(workspace=workspace, name=name).first()
    model = model or register_model(actor, workspace, name=name)
    return add(actor, model, place.uri, found, description=description)


def require_model_files(key: str, path: str) -> None:
    """Raise InvalidValue unless there are files: without an MLmodel a folder may still hold one bare model."""
    if not store().entries(key) and store().size(key) == 0:
        raise InvalidValue(_("There is no model at “%s”: choose a folder with an MLmodel file.") % path, field="path")


@operation("registry.write")
def update_version(actor: Actor, version: ModelVersion, *, description: str) -> ModelVersion:
    version.description = checked_description(description)
    save(version, "description")
    return version


def save(version: ModelVersion, *fields: str) -> None:
    version.updated_ms = now_ms()
    version.save(update_fields=[*fields, "updated_ms"])
    RegisteredModel.objects.filter(pk=version.model_id).update(updated_ms=version.updated_ms)


@operation("registry.write")
def transition_stage(
    actor: Actor, version: ModelVersion, *, stage: str, archive_existing: bool = False
) -> ModelVersion:
    """Move a version to a stage, written in any case; the others of that stage are archived when asked."""
    found = next((one for one in Stage if one.value.lower() == stage.strip().lower()), None)
    if found is None:
        raise InvalidValue(
            f"Invalid Model Version stage: {stage[:100]}. Value must be one of {', '.join(Stage.values)}.",
            field="stage",
        )
    if archive_existing and found not in (Stage.STAGING, Stage.PRODUCTION):
        raise InvalidValue(_("Only the stages Staging and Production archive the versions before."), field="stage")
    if archive_existing:
        others = ModelVersion.objects.filter(model=version.model, stage=found).exclude(pk=version.pk)
        others.update(stage=Stage.ARCHIVED, updated_ms=now_ms())
    version.stage = found
    save(version, "stage")
    return version


@operation("registry.write")
def delete_version(actor: Actor, version: ModelVersion) -> None:
    """Delete a version with its tags and aliases; its number is not used again. The files stay with their run.

    Raises Conflict when an endpoint serves it: its next replica would find nothing.
    """
    holding.require_unserved([version])
    model = version.model
    version.delete()
    touch(model)


def write_tags(version: ModelVersion, tags: Mapping[str, str]) -> None:
    rows = [
        ModelVersionTag(version=version, key=limits.check_key(key, "key"), value=checked_tag(value))
        for key, value in tags.items()
    ]
    ModelVersionTag.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["version", "key"], update_fields=["value"]
    )


@operation("registry.write")
def set_version_tag(actor: Actor, version: ModelVersion, *, key: str, value: str) -> None:
    write_tags(version, {key: value})
    save(version)
    events.version_tag_set(version, key, value)


@operation("registry.write")
def delete_version_tag(actor: Actor, version: ModelVersion, *, key: str) -> None:
    """An absent tag is no error, as in MLflow."""
    ModelVersionTag.objects.filter(version=version, key=key).delete()
    save(version)
    events.version_tag_deleted(version, key)


@operation("registry.write")
def set_alias(actor: Actor, version: ModelVersion, *, alias: str) -> None:
    """Let an alias name this version, and no other. Raises InvalidValue for a bad or reserved one."""
    if not ALIAS.fullmatch(alias) or len(alias) > limits.MAX_REGISTERED_MODEL_ALIAS_LENGTH:
        raise InvalidValue(
            _("Invalid alias name: '%s'. Use letters, digits, “-” and “_”.") % alias[:100], field="alias"
        )
    if RESERVED_ALIAS.fullmatch(alias):
        raise InvalidValue(_("'%s' alias name is reserved.") % alias, field="alias")
    ModelAlias.objects.update_or_create(model=version.model, name=alias, defaults={"version": version})
    touch(version.model)
    events.alias_set(version, alias)


@operation("registry.write")
def delete_alias(actor: Actor, model: RegisteredModel, *, alias: str) -> None:
    """An absent alias is no error, as in MLflow."""
    ModelAlias.objects.filter(model=model, name=alias).delete()
    touch(model)
    events.alias_deleted(model, alias)
