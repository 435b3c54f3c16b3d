"""What the registry tells webhooks, in MLflow's names and shapes; prompts, models with a tag, have their own names."""

from __future__ import annotations

from collections.abc import Mapping

from registry.models import ModelVersion, RegisteredModel, RegisteredModelTag
from workspaces.events import emit

PROMPT_TAG = "mlflow.prompt.is_prompt"
TEMPLATE_TAG = "mlflow.prompt.text"
# What a client marks prompts with is not told among their tags.
MARKS = {PROMPT_TAG, "_mlflow_prompt_type"}

Tags = Mapping[str, str]


def says_prompt(tags: Tags) -> bool:
    return tags.get(PROMPT_TAG, "").lower() == "true"


def is_prompt(model: RegisteredModel) -> bool:
    return RegisteredModelTag.objects.filter(model=model, key=PROMPT_TAG, value__iexact="true").exists()


def unmarked(tags: Tags) -> dict[str, str]:
    return {key: value for key, value in tags.items() if key not in MARKS}


def model_created(model: RegisteredModel, tags: Tags) -> None:
    event = "prompt.created" if says_prompt(tags) else "registered_model.created"
    told = unmarked(tags) if says_prompt(tags) else dict(tags)
    emit(model.workspace, event, {"name": model.name, "tags": told, "description": model.description})


def version_created(version: ModelVersion, tags: Tags) -> None:
    model = version.model
    content = {"name": model.name, "version": str(version.version), "description": version.description or None}
    if says_prompt(tags):
        told = {key: value for key, value in unmarked(tags).items() if key != TEMPLATE_TAG}
        template = tags.get(TEMPLATE_TAG)
        emit(model.workspace, "prompt_version.created", {**content, "template": template, "tags": told})
    else:
        more = {"source": version.source, "run_id": version.run_id, "tags": dict(tags)}
        emit(model.workspace, "model_version.created", {**content, **more})


def model_tag_set(model: RegisteredModel, key: str, value: str) -> None:
    """MLflow has this event for prompts only."""
    if is_prompt(model):
        emit(model.workspace, "prompt_tag.set", {"name": model.name, "key": key, "value": value})


def model_tag_deleted(model: RegisteredModel, key: str) -> None:
    if is_prompt(model):
        emit(model.workspace, "prompt_tag.deleted", {"name": model.name, "key": key})


def version_tag_set(version: ModelVersion, key: str, value: str) -> None:
    emit_of_version(version, "version_tag.set", {"key": key, "value": value})


def version_tag_deleted(version: ModelVersion, key: str) -> None:
    emit_of_version(version, "version_tag.deleted", {"key": key})


def emit_of_version(version: ModelVersion, event: str, more: Mapping[str, str]) -> None:
    model = version.model
    kind = "prompt" if is_prompt(model) else "model"
    emit(model.workspace, f"{kind}_{event}", {"name": model.name, "version": str(version.version), **more})


def alias_set(version: ModelVersion, alias: str) -> None:
    model = version.model
    content = {"name": model.name, "alias": alias, "version": str(version.version)}
    emit(model.workspace, f"{alias_of(model)}.created", content)


def alias_deleted(model: RegisteredModel, alias: str) -> None:
    emit(model.workspace, f"{alias_of(model)}.deleted", {"name": model.name, "alias": alias})


def alias_of(model: RegisteredModel) -> str:
    return "prompt_alias" if is_prompt(model) else "model_version_alias"
