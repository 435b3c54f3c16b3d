"""A page of many runs as JSON, of which the database writes the most: the same as `shapes.run`, which a test holds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from experiments import metrics
from experiments.mlflow_api import shapes
from experiments.models import Run, RunModel, RunParam, RunTag
from experiments.queries.runs import datasets_of, models_of, pairs_json

# Made once: json.dumps makes one a call when it is told how to write.
WRITE = json.JSONEncoder(separators=(",", ":"), allow_nan=False, ensure_ascii=False).encode


def runs_json(runs: Sequence[Run]) -> str:
    """Write runs as the items of a JSON list."""
    ids = [run.pk for run in runs]
    parts = {
        "metrics": metrics.latest_json(ids),
        "params": pairs_json(RunParam, ids),
        "tags": pairs_json(RunTag, ids),
    }
    datasets, links = datasets_of(ids), models_of(ids)
    written = []
    for run in runs:
        inputs = shapes.inputs(
            datasets[run.pk], [model_id for model_id, _step in links[run.pk, RunModel.Direction.INPUT]]
        )
        outputs = shapes.outputs(links[run.pk, RunModel.Direction.OUTPUT])
        written.append(
            f'{{"info":{text(shapes.run_info(run))},"data":{data(run.pk, parts)},'
            f'"inputs":{text(inputs)},"outputs":{text(outputs)}}}'
        )
    return ",".join(written)


def data(run_id: str, parts: Mapping[str, Mapping[str, str]]) -> str:
    found = ((name, by_run.get(run_id)) for name, by_run in parts.items())
    return "{" + ",".join(f'"{name}":[{items}]' for name, items in found if items) + "}"


def text(shape: shapes.Shape) -> str:
    return WRITE(shape) if shape else "{}"
