"""A page of many runs as JSON, of which the database writes the most: the same as `shapes.run`, which a test holds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from experiments.mlflow_api import shapes
from experiments.models import Run, RunModel
from experiments.queries.runs import datasets_of, models_of
from experiments.queries.written import written

# Made once: json.dumps makes one a call when it is told how to write.
WRITE = json.JSONEncoder(separators=(",", ":"), allow_nan=False, ensure_ascii=False).encode
DATA = ("metrics", "params", "tags")


def runs_json(runs: Sequence[Run]) -> str:
    """Write runs as the items of a JSON list."""
    parts = written([run.pk for run in runs])
    datasets, links = datasets_of(list(parts["datasets"])), models_of(list(parts["models"]))
    items = []
    for run in runs:
        inputs = shapes.inputs(
            datasets[run.pk], [model_id for model_id, _step in links[run.pk, RunModel.Direction.INPUT]]
        )
        outputs = shapes.outputs(links[run.pk, RunModel.Direction.OUTPUT])
        items.append(
            f'{{"info":{text(shapes.run_info(run))},"data":{data(run.pk, parts)},'
            f'"inputs":{text(inputs)},"outputs":{text(outputs)}}}'
        )
    return ",".join(items)


def data(run_id: str, parts: Mapping[str, Mapping[str, str]]) -> str:
    found = ((name, parts[name].get(run_id)) for name in DATA)
    return "{" + ",".join(f'"{name}":[{items}]' for name, items in found if items) + "}"


def text(shape: shapes.Shape) -> str:
    return WRITE(shape) if shape else "{}"
