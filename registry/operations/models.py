"""Registered models: a name, a note, tags."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from lib.clock import now_ms
from lib.errors import AlreadyExists, InvalidValue
from lib.mlflow import limits
from registry import events, holding
from registry.models import RegisteredModel, RegisteredModelTag
from workspaces.access import Actor, operation
from workspaces.models import Workspace

LONGEST_DESCRIPTION = 5000


@operation("registry.write")
def register_model(
    actor: Actor, workspace: Workspace, *, name: str, description: str = "", tags: Mapping[str, str] | None = None
) -> RegisteredModel:
    """Create a registered model with no versions.

    Raises InvalidValue for a name that is empty or holds "/" or ":", AlreadyExists when the workspace has it.
    """
    limits.check_model_name(name)
    try:
        with transaction.atomic():
            model = RegisteredModel.objects.create(
                workspace=workspace, name=name, description=checked_description(description), created_by=actor.name
            )
    except IntegrityError:
        raise taken(name) from None
    write_tags(model, tags or {})
    events.model_created(model, tags or {})
    return model


def taken(name: str) -> AlreadyExists:
    return AlreadyExists(f"Registered Model (name={name}) already exists.", field="name")


def checked_description(description: str) -> str:
    if len(description) > LONGEST_DESCRIPTION:
        raise InvalidValue(_("A note has at most %s characters.") % LONGEST_DESCRIPTION, field="description")
    return description


def touch(model: RegisteredModel, *fields: str) -> None:
    model.updated_ms = now_ms()
    model.save(update_fields=[*fields, "updated_ms"])


@operation("registry.write")
def rename_model(actor: Actor, model: RegisteredModel, *, name: str) -> RegisteredModel:
    """Rename; versions, tags and aliases stay. Raises as `register_model` does."""
    limits.check_model_name(name)
    model.name = name
    try:
        with transaction.atomic():
            touch(model, "name")
    except IntegrityError:
        raise taken(name) from None
    return model


@operation("registry.write")
def update_model(actor: Actor, model: RegisteredModel, *, description: str) -> RegisteredModel:
    model.description = checked_description(description)
    touch(model, "description")
    return model


@operation("registry.write")
def delete_model(actor: Actor, model: RegisteredModel) -> None:
    """Delete a model with all its versions, tags and aliases. The files stay with their runs.

    Raises Conflict when an endpoint serves one of them: its next replica would find nothing.
    """
    holding.require_unserved(model.versions.select_related("model"))
    model.delete()


def write_tags(model: RegisteredModel, tags: Mapping[str, str]) -> None:
    rows = [
        RegisteredModelTag(model=model, key=limits.check_key(key, "key"), value=checked_tag(value))
        for key, value in tags.items()
    ]
    RegisteredModelTag.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["model", "key"], update_fields=["value"]
    )


def checked_tag(value: str) -> str:
    most = limits.MAX_MODEL_REGISTRY_TAG_VALUE_LENGTH
    if len(value) > most:
        raise InvalidValue(_("'value' exceeds the maximum length of %s characters.") % most, field="value")
    return value


@operation("registry.write")
def set_model_tag(actor: Actor, model: RegisteredModel, *, key: str, value: str) -> None:
    write_tags(model, {key: value})
    touch(model)
    events.model_tag_set(model, key, value)


@operation("registry.write")
def delete_model_tag(actor: Actor, model: RegisteredModel, *, key: str) -> None:
    """An absent tag is no error, as in MLflow."""
    RegisteredModelTag.objects.filter(model=model, key=key).delete()
    touch(model)
    events.model_tag_deleted(model, key)
