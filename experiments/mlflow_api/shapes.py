"""Rows as MLflow's messages have them. What is unset is left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from experiments.artifacts import Entry, of_experiment, of_model, of_run
from experiments.metrics import Latest
from experiments.models import Experiment, LoggedModelMetric, Run, RunDataset
from experiments.queries import ModelDetails, RunDetails, View
from lib.mlflow import wire
from lib.mlflow.messages import service

Shape = dict[str, Any]


def present(shape: Shape) -> Shape:
    """Leave out what is empty; zero and false are values."""
    return {key: value for key, value in shape.items() if value not in (None, "", [], {})}


def pairs(values: Mapping[str, str]) -> list[Shape]:
    return [{"key": key, "value": value} for key, value in values.items()]


def stage(row: Any) -> str:
    return "active" if row.deleted_ms is None else "deleted"


def experiment(row: Experiment) -> Shape:
    return present(
        {
            "experiment_id": str(row.pk),
            "name": row.name,
            "artifact_location": of_experiment(row.pk).uri,
            "lifecycle_stage": stage(row),
            "last_update_time": row.updated_ms,
            "creation_time": row.created_ms,
            "tags": [{"key": tag.key, "value": tag.value} for tag in row.tags.all()],
        }
    )


def run_info(row: Run) -> Shape:
    return present(
        {
            "run_id": row.pk,
            "run_uuid": row.pk,
            "run_name": row.name,
            "experiment_id": str(row.experiment_id),
            "user_id": row.user_name,
            "status": row.status,
            "start_time": row.start_ms,
            "end_time": row.end_ms,
            "artifact_uri": of_run(row).uri,
            "lifecycle_stage": stage(row),
        }
    )


def run(details: RunDetails) -> Shape:
    return {
        "info": run_info(details.run),
        "data": present(
            {
                "metrics": [metric(one) for one in details.metrics.values()],
                "params": pairs(details.params),
                "tags": pairs(details.tags),
            }
        ),
        "inputs": inputs(details.datasets, details.inputs),
        "outputs": outputs(details.outputs),
    }


def inputs(datasets: Sequence[RunDataset], model_ids: Sequence[str]) -> Shape:
    return present(
        {
            "dataset_inputs": [dataset(use) for use in datasets],
            "model_inputs": [{"model_id": model_id} for model_id in model_ids],
        }
    )


def outputs(models: Sequence[tuple[str, int]]) -> Shape:
    return present({"model_outputs": [{"model_id": model_id, "step": step} for model_id, step in models]})


def metric(one: Latest) -> Shape:
    return {"key": one.key, "value": wire.number(one.value), "timestamp": one.at_ms, "step": one.step}


def dataset(use: RunDataset) -> Shape:
    names = ("name", "digest", "source_type", "source", "schema", "profile")
    return present({"tags": pairs(use.tags), "dataset": present({name: getattr(use.dataset, name) for name in names})})


def model(details: ModelDetails, registrations: Iterable[Shape] = ()) -> Shape:
    row = details.model
    info = {
        "model_id": row.pk,
        "experiment_id": str(row.experiment_id),
        "name": row.name,
        "creation_timestamp_ms": row.created_ms,
        "last_updated_timestamp_ms": row.updated_ms,
        "artifact_uri": of_model(row).uri,
        "status": row.status,
        "model_type": row.model_type,
        "source_run_id": row.source_run_id,
        "status_message": row.status_message,
        "tags": pairs(details.tags),
        "registrations": list(registrations),
    }
    data = {"params": pairs(details.params), "metrics": [model_metric(one) for one in details.metrics]}
    return {"info": present(info), "data": present(data)}


def model_metric(one: LoggedModelMetric) -> Shape:
    return present(
        {
            "key": one.key,
            "value": wire.number(one.value),
            "timestamp": one.at_ms,
            "step": one.step,
            "dataset_name": one.dataset_name,
            "dataset_digest": one.dataset_digest,
            "model_id": one.model_id,
            "run_id": one.run_id,
        }
    )


def file(entry: Entry, path: str) -> Shape:
    shape: Shape = {"path": path, "is_dir": entry.is_dir}
    return shape if entry.is_dir else {**shape, "file_size": entry.size_bytes}


VIEWS = {
    service.ACTIVE_ONLY: View.ACTIVE,
    service.DELETED_ONLY: View.DELETED,
    service.ALL: View.ALL,
}
