"""A page of many runs as JSON, of which the database writes the most: the same as `shapes.run`, which a test holds."""

from __future__ import annotations

import json
from collections.abc import Sequence

from experiments.mlflow_api import shapes
from experiments.models import Run, RunModel
from experiments.queries.runs import datasets_of, models_of
from experiments.queries.written import Written, written

# Made once: json.dumps makes one a call when it is told how to write.
WRITE = json.JSONEncoder(separators=(",", ":"), allow_nan=False, ensure_ascii=False).encode
NO_LINKS = '"inputs":{},"outputs":{}'


def runs_json(runs: Sequence[Run]) -> str:
    """Write runs as the items of a JSON list."""
    parts = {one.run_id: one for one in written([run.pk for run in runs])}
    linked = links([one.run_id for one in parts.values() if one.has_datasets or one.has_models])
    return ",".join(
        f'{{"info":{WRITE(shapes.run_info(run))},"data":{data(parts[run.pk])},{linked.get(run.pk, NO_LINKS)}}}'
        for run in runs
    )


def data(one: Written) -> str:
    found = (("metrics", one.metrics), ("params", one.params), ("tags", one.tags))
    return "{" + ",".join(f'"{name}":[{items}]' for name, items in found if items) + "}"


def links(ids: Sequence[str]) -> dict[str, str]:
    """Write what runs read and made: datasets and models."""
    datasets, models = datasets_of(ids), models_of(ids)
    found = {}
    for run_id in ids:
        read = [model_id for model_id, _step in models[run_id, RunModel.Direction.INPUT]]
        inputs = shapes.inputs(datasets[run_id], read)
        outputs = shapes.outputs(models[run_id, RunModel.Direction.OUTPUT])
        found[run_id] = f'"inputs":{WRITE(inputs)},"outputs":{WRITE(outputs)}'
    return found
