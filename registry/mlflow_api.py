"""Registered models and versions as MLflow's clients speak to them."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET

from experiments.artifacts import of_model, of_run
from experiments.mlflow_api.artifacts import send
from lib.errors import NotFound
from lib.mlflow import wire
from lib.mlflow.messages import Message
from lib.mlflow.messages import registry as messages
from lib.mlflow.paging import page
from lib.mlflow.rpc import rpc
from lib.search import dialects
from registry import operations, queries
from registry.models import ModelVersion, RegisteredModel
from registry.sources import is_of_run
from workspaces import access
from workspaces.access import Actor
from workspaces.models import Workspace
from workspaces.request import Request

Shape = dict[str, Any]
READ, WRITE = "registry.read", "registry.write"
MOST_MODELS, MOST_VERSIONS = 1_000, 200_000


def pairs(rows: Any) -> list[Shape]:
    return [{"key": tag.key, "value": tag.value} for tag in rows.all()]


def present(shape: Shape) -> Shape:
    return {key: value for key, value in shape.items() if value not in (None, "", [])}


def one_model(row: RegisteredModel) -> HttpResponse:
    """Raises NotFound when the model was deleted meanwhile."""
    found = queries.models_json([row.pk])
    if not found:
        raise NotFound(f"Registered Model with name={row.name} not found")
    return HttpResponse(f'{{"registered_model":{found[0]}}}', content_type="application/json")


def version_shape(row: ModelVersion) -> Shape:
    return present(
        {
            "name": row.model.name,
            "version": str(row.version),
            "creation_timestamp": row.created_ms,
            "last_updated_timestamp": row.updated_ms,
            "user_id": row.created_by,
            "current_stage": row.stage,
            "description": row.description,
            "source": row.source,
            "run_id": row.run_id,
            "model_id": row.logged_model_id,
            "run_link": row.run_link,
            "status": "READY",
            "tags": pairs(row.tags),
            "aliases": [one.name for one in row.aliases.all()],
        }
    )


def tags_of(message: Message) -> dict[str, str]:
    return {tag.key: tag.value for tag in message.tags}


# ---- Models ---------------------------------------------------------------------------------------------------------


@rpc(messages.CreateRegisteredModel, needs=WRITE)
def create_registered_model(actor: Actor, workspace: Workspace, message: Message) -> HttpResponse:
    wire.require(message, "name")
    made = operations.register_model(
        actor, workspace, name=message.name, description=message.description, tags=tags_of(message)
    )
    return one_model(made)


@rpc(messages.GetRegisteredModel, needs=READ)
def get_registered_model(actor: Actor, workspace: Workspace, message: Message) -> HttpResponse:
    return one_model(queries.model(actor, workspace, message.name))


@rpc(messages.RenameRegisteredModel, needs=WRITE)
def rename_registered_model(actor: Actor, workspace: Workspace, message: Message) -> HttpResponse:
    wire.require(message, "new_name")
    found = queries.model(actor, workspace, message.name)
    return one_model(operations.rename_model(actor, found, name=message.new_name))


@rpc(messages.UpdateRegisteredModel, needs=WRITE)
def update_registered_model(actor: Actor, workspace: Workspace, message: Message) -> HttpResponse:
    found = queries.model(actor, workspace, message.name)
    if message.HasField("description"):
        operations.update_model(actor, found, description=message.description)
    return one_model(found)


@rpc(messages.DeleteRegisteredModel, needs=WRITE)
def delete_registered_model(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    operations.delete_model(actor, queries.model(actor, workspace, message.name))
    return {}


@rpc(messages.SearchRegisteredModels, needs=READ)
def search_registered_models(actor: Actor, workspace: Workspace, message: Message) -> HttpResponse:
    rows = queries.search_models(
        actor,
        workspace,
        text=message.filter,
        order_by=list(message.order_by),
        dialect=dialects.MLFLOW_MODELS,
    )
    found, more = page(
        rows.prefetch_related(None), token=message.page_token, limit=message.max_results, most=MOST_MODELS
    )
    token = f',"next_page_token":"{more["next_page_token"]}"' if more else ""
    models = ",".join(queries.models_json([row.pk for row in found]))
    return HttpResponse(f'{{"registered_models":[{models}]{token}}}', content_type="application/json")


@rpc(messages.GetLatestVersions, needs=READ)
def get_latest_versions(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    found = queries.latest_versions(actor, queries.model(actor, workspace, message.name), list(message.stages))
    return {"model_versions": [version_shape(one) for one in found]}


@rpc(messages.SetRegisteredModelTag, needs=WRITE)
def set_registered_model_tag(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    wire.require(message, "key")
    found = queries.model(actor, workspace, message.name)
    operations.set_model_tag(actor, found, key=message.key, value=message.value)
    return {}


@rpc(messages.DeleteRegisteredModelTag, needs=WRITE)
def delete_registered_model_tag(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    wire.require(message, "key")
    operations.delete_model_tag(actor, queries.model(actor, workspace, message.name), key=message.key)
    return {}


# ---- Versions -------------------------------------------------------------------------------------------------------


def find_version(actor: Actor, workspace: Workspace, message: Message) -> ModelVersion:
    wire.require(message, "name", "version")
    return queries.version(actor, workspace, message.name, message.version)


@rpc(messages.CreateModelVersion, needs=WRITE)
def create_model_version(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    wire.require(message, "name", "source")
    made = operations.create_version(
        actor,
        queries.model(actor, workspace, message.name),
        source=message.source,
        run_id=message.run_id,
        model_id=message.model_id,
        run_link=message.run_link,
        description=message.description,
        tags=tags_of(message),
    )
    return {"model_version": version_shape(made)}


@rpc(messages.GetModelVersion, needs=READ)
def get_model_version(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    return {"model_version": version_shape(find_version(actor, workspace, message))}


@rpc(messages.UpdateModelVersion, needs=WRITE)
def update_model_version(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    found = find_version(actor, workspace, message)
    if message.HasField("description"):
        operations.update_version(actor, found, description=message.description)
    return {"model_version": version_shape(found)}


@rpc(messages.TransitionModelVersionStage, needs=WRITE)
def transition_model_version_stage(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    wire.require(message, "stage")
    found = find_version(actor, workspace, message)
    moved = operations.transition_stage(
        actor, found, stage=message.stage, archive_existing=message.archive_existing_versions
    )
    return {"model_version": version_shape(moved)}


@rpc(messages.DeleteModelVersion, needs=WRITE)
def delete_model_version(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    operations.delete_version(actor, find_version(actor, workspace, message))
    return {}


@rpc(messages.SearchModelVersions, needs=READ)
def search_model_versions(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    rows = queries.search_versions(
        actor,
        workspace,
        text=message.filter,
        order_by=list(message.order_by),
        dialect=dialects.MLFLOW_VERSIONS,
    )
    found, more = page(rows, token=message.page_token, limit=message.max_results, most=MOST_VERSIONS)
    return {"model_versions": [version_shape(row) for row in found], **more}


@rpc(messages.GetModelVersionDownloadUri, needs=READ)
def get_model_version_download_uri(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    """Give the store's own address, which every client can fetch; a source may be `models:/…`, which old ones
    cannot.
    """
    found = find_version(actor, workspace, message)
    if found.logged_model is not None:
        return {"artifact_uri": of_model(found.logged_model).below(found.artifact_path).uri}
    if found.run is not None and is_of_run(found.source):
        return {"artifact_uri": of_run(found.run).below(found.artifact_path).uri}
    return {"artifact_uri": found.source}


@rpc(messages.SetModelVersionTag, needs=WRITE)
def set_model_version_tag(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    wire.require(message, "key")
    found = find_version(actor, workspace, message)
    operations.set_version_tag(actor, found, key=message.key, value=message.value)
    return {}


@rpc(messages.DeleteModelVersionTag, needs=WRITE)
def delete_model_version_tag(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    wire.require(message, "key")
    operations.delete_version_tag(actor, find_version(actor, workspace, message), key=message.key)
    return {}


# ---- Aliases --------------------------------------------------------------------------------------------------------


@rpc(messages.SetRegisteredModelAlias, needs=WRITE)
def set_registered_model_alias(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    wire.require(message, "alias")
    operations.set_alias(actor, find_version(actor, workspace, message), alias=message.alias)
    return {}


@rpc(messages.DeleteRegisteredModelAlias, needs=WRITE)
def delete_registered_model_alias(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    wire.require(message, "alias")
    operations.delete_alias(actor, queries.model(actor, workspace, message.name), alias=message.alias)
    return {}


@rpc(messages.GetModelVersionByAlias, needs=READ)
def get_model_version_by_alias(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    wire.require(message, "alias")
    return {"model_version": version_shape(queries.version_by_alias(actor, workspace, message.name, message.alias))}


# ---- What is no rpc -------------------------------------------------------------------------------------------------


@access.needs(READ)
@require_GET
def get_version_artifact(request: Request) -> HttpResponseBase:
    name, number = request.GET.get("name", ""), request.GET.get("version", "")
    found = queries.version(request.actor, request.workspace, name, number)
    return send(request, queries.model_files(found).below(request.GET.get("path", "")))


def patterns() -> list[URLPattern]:
    return [path("model-versions/get-artifact", get_version_artifact)]
