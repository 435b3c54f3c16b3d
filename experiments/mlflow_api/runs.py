"""Runs on the wire, and what they log."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse

from experiments import operations, queries
from experiments.metrics import Point
from experiments.mlflow_api.pages import runs_json
from experiments.mlflow_api.shapes import VIEWS, Shape, run, run_info
from experiments.models import Dataset
from experiments.models import Run as RunRow
from experiments.operations.logging import NAME_TAG, ModelPoint
from experiments.queries.runs import experiment_ids
from lib.errors import InvalidValue
from lib.mlflow import batch, limits, wire
from lib.mlflow.messages import Message, service
from lib.mlflow.paging import page
from lib.mlflow.rpc import rpc
from lib.search import dialects
from workspaces.access import Actor
from workspaces.models import Workspace

READ, WRITE = "experiments.read", "experiments.write"
MOST = 50_000
MOST_EXPERIMENTS = 20


def find(actor: Actor, workspace: Workspace, message: Message) -> RunRow:
    """Give the run that a message names, by its old field too."""
    old = message.run_uuid if "run_uuid" in message.DESCRIPTOR.fields_by_name else ""
    return queries.run(actor, workspace, message.run_id or old)


@rpc(service.CreateRun, needs=WRITE)
def create_run(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    tags = {tag.key: tag.value for tag in message.tags}
    made = operations.create_run(
        actor,
        queries.experiment(actor, workspace, message.experiment_id or "0"),
        name=message.run_name,
        tags=tags,
        start_ms=message.start_time if message.HasField("start_time") else None,
        user_name=message.user_id,
    )
    # A new run has its tags and nothing else: no need to ask.
    kept = {key: limits.tag_value(value) for key, value in {**tags, NAME_TAG: made.name}.items()}
    return {"run": run(queries.RunDetails(made, tags=dict(sorted(kept.items()))))}


@rpc(service.GetRun, needs=READ)
def get_run(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    [details] = queries.run_details([find(actor, workspace, message)])
    return {"run": run(details)}


@rpc(service.UpdateRun, needs=WRITE)
def update_run(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    status = service.RunStatus.Name(message.status) if message.HasField("status") else None
    changed = operations.update_run(
        actor,
        find(actor, workspace, message),
        status=status,
        end_ms=message.end_time if message.HasField("end_time") else None,
        name=message.run_name or None,
    )
    return {"run_info": run_info(changed)}


@rpc(service.DeleteRun, needs=WRITE)
def delete_run(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    operations.delete_run(actor, find(actor, workspace, message))
    return {}


@rpc(service.RestoreRun, needs=WRITE)
def restore_run(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    operations.restore_run(actor, find(actor, workspace, message))
    return {}


@rpc(service.SearchRuns, needs=READ)
def search_runs(actor: Actor, workspace: Workspace, message: Message) -> HttpResponse:
    rows = queries.search_runs(
        actor,
        workspace,
        experiment_ids(workspace, list(message.experiment_ids)),
        text=message.filter,
        order_by=list(message.order_by),
        view=VIEWS[message.run_view_type],
        dialect=dialects.MLFLOW_RUNS,
    )
    found, more = page(rows, token=message.page_token, limit=message.max_results, most=MOST)
    token = f',"next_page_token":"{more["next_page_token"]}"' if more else ""
    return HttpResponse(f'{{"runs":[{runs_json(found)}]{token}}}', content_type="application/json")


# ---- What a run logs ------------------------------------------------------------------------------------------------


@rpc(service.LogBatch, needs=WRITE, takes="json")
def log_batch(actor: Actor, workspace: Workspace, content: dict[str, Any]) -> Shape:
    given = batch.read(content)
    operations.log_batch(
        actor,
        queries.run(actor, workspace, given.run_id),
        metrics=list(map(Point._make, given.points)),
        params=given.params,
        tags=given.tags,
        model_points=list(map(model_point, given.of_models)),
    )
    return {}


def model_point(one: Any) -> ModelPoint:
    """Take the model's part of a metric, from a message or from a batch: their fields have the same names."""
    point = Point(one.key, one.value, one.timestamp, one.step)
    return ModelPoint(one.model_id, point, one.dataset_name, one.dataset_digest)


@rpc(service.LogMetric, needs=WRITE)
def log_metric(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    for name in ("value", "timestamp"):
        if not message.HasField(name):
            raise wire.missing(name)
    limits.check_timestamp(message.timestamp)
    operations.log_metric(
        actor,
        find(actor, workspace, message),
        point=Point(message.key, message.value, message.timestamp, message.step),
        model_point=model_point(message) if message.model_id else None,
    )
    return {}


@rpc(service.LogParam, needs=WRITE)
def log_param(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    wire.require(message, "key")
    operations.log_param(actor, find(actor, workspace, message), key=message.key, value=message.value)
    return {}


@rpc(service.SetTag, needs=WRITE)
def set_tag(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    wire.require(message, "key")
    operations.set_tag(actor, find(actor, workspace, message), key=message.key, value=message.value)
    return {}


@rpc(service.DeleteTag, needs=WRITE)
def delete_tag(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    wire.require(message, "key")
    operations.delete_tag(actor, find(actor, workspace, message), key=message.key)
    return {}


@rpc(service.LogModel, needs=WRITE)
def log_model(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    wire.require(message, "model_json")
    try:
        model = json.loads(message.model_json)
    except (ValueError, RecursionError):
        model = None
    if not isinstance(model, dict) or not {"artifact_path", "flavors", "utc_time_created", "run_id"} <= model.keys():
        raise InvalidValue(
            "Malformed model info: it must be JSON with artifact_path, flavors, utc_time_created, run_id."
        )
    operations.record_model(actor, find(actor, workspace, message), model=model)
    return {}


@rpc(service.LogInputs, needs=WRITE)
def log_inputs(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    operations.log_inputs(
        actor,
        find(actor, workspace, message),
        datasets=[dataset_use(one) for one in message.datasets],
        model_ids=[one.model_id for one in message.models],
    )
    return {}


def dataset_use(one: Message) -> operations.DatasetUse:
    given = one.dataset
    return operations.DatasetUse(
        name=given.name,
        digest=given.digest,
        source_type=given.source_type,
        source=given.source,
        schema=given.schema,
        profile=given.profile,
        tags={tag.key: tag.value for tag in one.tags},
    )


@rpc(service.LogOutputs, needs=WRITE)
def log_outputs(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    models = [(one.model_id, one.step) for one in message.models]
    operations.log_outputs(actor, find(actor, workspace, message), models=models)
    return {}


@rpc(service.SearchDatasets, needs=READ)
def search_datasets(actor: Actor, workspace: Workspace, message: Message) -> Shape:
    """Summarise the datasets of experiments, with the contexts in which runs read them."""
    ids = experiment_ids(workspace, list(message.experiment_ids))
    if len(message.experiment_ids) > MOST_EXPERIMENTS:
        raise InvalidValue(f"experiment_ids holds more than {MOST_EXPERIMENTS} ids.", field="experiment_ids")
    rows = Dataset.objects.filter(experiment__in=ids, experiment__workspace=workspace, used_by__run__deleted_ms=None)
    uses = rows.values_list("experiment_id", "name", "digest", "used_by__tags").order_by("pk")[:5000]
    summaries = {
        (pk, name, digest, (tags or {}).get("mlflow.data.context", "")): None for pk, name, digest, tags in uses
    }
    return {
        "dataset_summaries": [
            {"experiment_id": str(pk), "name": name, "digest": digest, **({"context": context} if context else {})}
            for pk, name, digest, context in list(summaries)[:1000]
        ]
    }
