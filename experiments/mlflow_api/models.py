"""Logged models on the wire."""

from __future__ import annotations

import json

from experiments import operations, queries
from experiments.artifacts import of_model, store
from experiments.mlflow_api.shapes import Shape, file, model
from experiments.models import LoggedModel
from experiments.queries.models import DatasetRef, ModelOrder
from experiments.queries.runs import experiment_ids
from lib.errors import InvalidValue
from lib.mlflow import wire
from lib.mlflow.messages import Message, service
from lib.mlflow.paging import page
from lib.mlflow.rpc import rpc
from lib.search import dialects
from workspaces.access import Actor
from workspaces.models import Workspace

READ, WRITE = "experiments.read", "experiments.write"
MOST = 1_000


def answer(row: LoggedModel) -> Shape:
    [details] = queries.model_details([row])
    return {"model": model(details)}


@rpc(service.CreateLoggedModel, needs=WRITE)
def create_logged_model(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    made = operations.create_logged_model(
        actor,
        queries.experiment(actor, workspace, message.experiment_id),
        name=message.name,
        model_type=message.model_type,
        source_run_id=message.source_run_id,
        params={param.key: param.value for param in message.params},
        tags={tag.key: tag.value for tag in message.tags},
    )
    return answer(made)


@rpc(service.FinalizeLoggedModel, needs=WRITE)
def finalize_logged_model(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    if not message.HasField("status"):
        raise wire.missing("status")
    status = service.LoggedModelStatus.Name(message.status)
    found = queries.logged_model(actor, workspace, message.model_id)
    return answer(operations.finalize_logged_model(actor, found, status=status))


@rpc(service.GetLoggedModel, needs=READ)
def get_logged_model(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    return answer(queries.logged_model(actor, workspace, message.model_id))


@rpc(service.DeleteLoggedModel, needs=WRITE)
def delete_logged_model(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    operations.delete_logged_model(actor, queries.logged_model(actor, workspace, message.model_id))
    return {}


@rpc(service.SetLoggedModelTags, needs=WRITE)
def set_logged_model_tags(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    found = queries.logged_model(actor, workspace, message.model_id)
    tags = {tag.key: tag.value for tag in message.tags}
    return answer(operations.set_logged_model_tags(actor, found, tags=tags))


@rpc(service.DeleteLoggedModelTag, needs=WRITE)
def delete_logged_model_tag(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    found = queries.logged_model(actor, workspace, message.model_id)
    operations.delete_logged_model_tag(actor, found, key=message.tag_key)
    return {}


@rpc(service.LogLoggedModelParamsRequest, needs=WRITE)
def log_logged_model_params(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    found = queries.logged_model(actor, workspace, message.model_id)
    operations.log_model_params(actor, found, params={param.key: param.value for param in message.params})
    return {}


@rpc(service.ListLoggedModelArtifacts, needs=READ)
def list_logged_model_artifacts(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    root = of_model(queries.logged_model(actor, workspace, message.model_id))
    place = root.below(message.artifact_directory_path)
    prefix = place.key.removeprefix(root.key).lstrip("/")
    files = [file(one, f"{prefix}/{one.path}" if prefix else one.path) for one in store().entries(place.key)]
    return {"root_uri": root.uri, **({"files": files} if files else {})}


@rpc(service.SearchLoggedModels, needs=READ)
def search_logged_models(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    if not message.experiment_ids:
        raise wire.missing("experiment_ids")
    rows = queries.search_logged_models(
        actor,
        workspace,
        experiment_ids(workspace, list(message.experiment_ids)),
        text=message.filter,
        datasets=[dataset(one) for one in message.datasets],
        orders=[order(one) for one in message.order_by],
        dialect=dialects.MLFLOW_LOGGED_MODELS,
    )
    limit = message.max_results if message.HasField("max_results") else 100
    found, more = page(rows, token=message.page_token, limit=limit, most=MOST, binding=binding(message))
    return {"models": [model(details) for details in queries.model_details(found)], **more}


def dataset(one: Message) -> DatasetRef:
    if not one.dataset_name:
        raise InvalidValue("`dataset_name` in the `datasets` clause must be specified.", field="datasets")
    return DatasetRef(one.dataset_name, one.dataset_digest)


def order(one: Message) -> ModelOrder:
    if one.dataset_digest and not one.dataset_name:
        raise InvalidValue(
            "`dataset_digest` can only be specified if `dataset_name` is also specified.", field="order_by"
        )
    ascending = one.ascending if one.HasField("ascending") else True
    ref = DatasetRef(one.dataset_name, one.dataset_digest) if one.dataset_name else None
    return ModelOrder(one.field_name.strip(), ascending, ref)


def binding(message: Message) -> str:
    """Name the query that a token belongs to: going on with another one would mix two lists."""
    orders = [(one.field_name, one.ascending, one.dataset_name, one.dataset_digest) for one in message.order_by]
    return json.dumps([sorted(message.experiment_ids), message.filter, orders])[:600]
