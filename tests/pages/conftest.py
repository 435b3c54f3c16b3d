"""A run as a client leaves it: metrics, params, a model beside it and some files."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from experiments import operations, queries  # noqa: F401  queries first: it puts MLflow's bare parent in place
from experiments.metrics import Point
from experiments.models import Experiment, LoggedModel, Run

MLMODEL = """\
flavors:
  python_function: {loader_module: mlflow.sklearn, python_version: 3.11.7}
  sklearn: {pickled_model: model.pkl, sklearn_version: 1.7.2}
mlflow_version: 3.17.2
signature:
  inputs: '[{"type": "double", "name": "bmi", "required": true}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1]}}]'
"""


@pytest.fixture(autouse=True)
def artifact_root(settings, tmp_path):
    settings.ARTIFACTS_DIR = tmp_path / "artifacts"


@pytest.fixture
def experiment(alice, workspace) -> Experiment:
    return operations.create_experiment(alice, workspace, name="diabetes")


@pytest.fixture
def make_run(alice, experiment) -> Callable[..., Run]:
    def make(name: str, rmse: float = 53.0, *, ends: bool = True, **params: str) -> Run:
        run = operations.create_run(alice, experiment, name=name, user_name="alice")
        points = [Point("val_rmse", rmse + 10 - step, 1_700_000_000_000 + step, step) for step in range(11)]
        operations.log_batch(alice, run, metrics=points, params=list(params.items()))
        return operations.update_run(alice, run, status="FINISHED") if ends else run

    return make


@pytest.fixture
def put(alice):
    def put_file(owner: Run | LoggedModel, path: str, body: bytes | str) -> None:
        content = body.encode() if isinstance(body, str) else body
        operations.put_artifact(alice, owner, path=path, source=io.BytesIO(content), size_bytes=len(content))

    return put_file


@pytest.fixture
def run(make_run) -> Run:
    return make_run("bright-heron", 53.18, alpha="0.01", model="ridge")


@pytest.fixture
def logged_model(alice, run, put) -> LoggedModel:
    model = operations.create_logged_model(alice, run.experiment, name="model", source_run_id=run.pk)
    put(model, "MLmodel", MLMODEL)
    put(model, "model.pkl", b"\x80\x04cos\nsystem\n(S'touch /tmp/opened'\ntR.")
    put(model, "requirements.txt", "scikit-learn==1.7.2\n")
    return model
