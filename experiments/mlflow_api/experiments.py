"""Experiments on the wire."""

from __future__ import annotations

from experiments import operations, queries
from experiments.mlflow_api.shapes import VIEWS, Shape, experiment
from experiments.models import Experiment
from lib.errors import NotFound
from lib.mlflow import wire
from lib.mlflow.messages import Message, service
from lib.mlflow.paging import page
from lib.mlflow.rpc import rpc
from lib.search import dialects
from workspaces.access import Actor
from workspaces.models import Workspace

READ, WRITE = "experiments.read", "experiments.write"
MOST = 50_000


@rpc(service.CreateExperiment, needs=WRITE)
def create_experiment(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    wire.require(message, "name")
    made = operations.create_experiment(
        actor,
        workspace,
        name=message.name,
        tags={tag.key: tag.value for tag in message.tags},
        artifact_location=message.artifact_location,
    )
    return {"experiment_id": str(made.pk)}


@rpc(service.GetExperiment, needs=READ)
def get_experiment(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    return {"experiment": experiment(queries.experiment(actor, workspace, message.experiment_id))}


@rpc(service.GetExperimentByName, needs=READ)
def get_experiment_by_name(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    wire.require(message, "experiment_name")
    rows = Experiment.objects.visible_to(actor).filter(workspace=workspace, name=message.experiment_name)
    found = rows.first()
    if found is None:
        raise NotFound(f"Could not find experiment with name '{message.experiment_name[:500]}'")
    return {"experiment": experiment(found)}


@rpc(service.SearchExperiments, needs=READ)
def search_experiments(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    rows = queries.search_experiments(
        actor,
        workspace,
        text=message.filter,
        order_by=list(message.order_by),
        view=VIEWS[message.view_type],
        dialect=dialects.MLFLOW_EXPERIMENTS,
    )
    found, more = page(rows, token=message.page_token, limit=message.max_results, most=MOST)
    return {"experiments": [experiment(row) for row in found], **more}


@rpc(service.UpdateExperiment, needs=WRITE)
def update_experiment(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    found = queries.experiment(actor, workspace, message.experiment_id)
    if message.HasField("new_name"):
        operations.update_experiment(actor, found, name=message.new_name)
    return {}


@rpc(service.DeleteExperiment, needs=WRITE)
def delete_experiment(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    operations.delete_experiment(actor, queries.experiment(actor, workspace, message.experiment_id))
    return {}


@rpc(service.RestoreExperiment, needs=WRITE)
def restore_experiment(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    operations.restore_experiment(actor, queries.experiment(actor, workspace, message.experiment_id))
    return {}


@rpc(service.SetExperimentTag, needs=WRITE)
def set_experiment_tag(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    wire.require(message, "key")
    found = queries.experiment(actor, workspace, message.experiment_id)
    operations.set_experiment_tag(actor, found, key=message.key, value=message.value)
    return {}


@rpc(service.DeleteExperimentTag, needs=WRITE)
def delete_experiment_tag(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    found = queries.experiment(actor, workspace, message.experiment_id)
    operations.delete_experiment_tag(actor, found, key=message.key)
    return {}
