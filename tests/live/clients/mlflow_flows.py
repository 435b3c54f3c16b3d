"""What users do with MLflow, as a program of its own: `python mlflow_flows.py <flow>` in a client's environment.

Runs with MLflow 2.22 and 3.17 alike; the address and the token come from the environment, as `script/run` prints them.
"""

# The client prints much; the asserts are what counts.

import hashlib
import os
import sys
import tempfile
import threading
from pathlib import Path

os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"

import mlflow
import numpy as np
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression

IS_3 = int(mlflow.__version__.split(".")[0]) >= 3
NAME = f"client-{mlflow.__version__}"
X, y = load_diabetes(return_X_y=True, as_frame=True)
client = MlflowClient()


def log_model(model):
    where = {"name": "model"} if IS_3 else {"artifact_path": "model"}
    return mlflow.sklearn.log_model(model, input_example=X.head(2), **where)


def tracking():
    """Log by hand, with steps, odd numbers, nesting and a dataset; find the runs again."""
    mlflow.set_experiment(f"{NAME}-tracking")
    with mlflow.start_run(run_name="hand", tags={"team": "red"}) as run:
        mlflow.log_params({"alpha": 0.5, "solver": "x"})
        for step in range(20):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_metrics({"acc": 0.9, "nan": float("nan"), "inf": float("inf")})
        data = mlflow.data.from_pandas(X.assign(target=y), name="diabetes", targets="target")
        mlflow.log_input(data, context="training")
        with mlflow.start_run(nested=True, run_name="child"):
            mlflow.log_metric("loss", 3)
    run_id = run.info.run_id
    found = client.get_run(run_id)
    assert (found.info.status, found.info.run_name) == ("FINISHED", "hand")
    assert found.data.params == {"alpha": "0.5", "solver": "x"}
    assert found.data.metrics["acc"] == 0.9
    assert np.isnan(found.data.metrics["nan"])
    assert found.inputs.dataset_inputs[0].dataset.name == "diabetes"
    assert [one.step for one in client.get_metric_history(run_id, "loss")] == list(range(20))
    table = mlflow.search_runs(
        filter_string="metrics.loss < 0.1 AND params.alpha = '0.5' AND tags.team LIKE 'r%'",
        order_by=["metrics.acc DESC"],
    )
    assert table["run_id"].tolist() == [run_id]
    assert len(mlflow.search_runs(filter_string=f"tags.mlflow.parentRunId = '{run_id}'")) == 1
    refused("Changing param values", client.log_param, run_id, "alpha", "0.6")
    client.delete_run(run_id)
    assert client.get_run(run_id).info.lifecycle_stage == "deleted"
    refused("'active' state", client.set_tag, run_id, "a", "b")
    client.restore_run(run_id)
    experiment = client.get_experiment_by_name(f"{NAME}-tracking")
    client.set_experiment_tag(experiment.experiment_id, "owner", "me")
    assert client.search_experiments(filter_string="tags.owner = 'me'")[0].name == f"{NAME}-tracking"
    assert client.get_experiment_by_name("absent") is None
    batches()


def batches():
    """Log from many threads at once, and later points before earlier ones."""
    with mlflow.start_run(run_name="threads") as run:
        threads = [threading.Thread(target=log_points, args=(run.info.run_id, start)) for start in range(0, 400, 50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        mlflow.log_metric("later", 1.0, step=1, synchronous=False)
        mlflow.flush_async_logging()
    history = client.get_metric_history(run.info.run_id, "m")
    assert sorted(one.step for one in history) == list(range(400))
    assert client.get_run(run.info.run_id).data.metrics == {"m": 399.0, "later": 1.0}


def log_points(run_id, start):
    points = [mlflow.entities.Metric("m", float(step), step, step) for step in range(start, start + 50)]
    client.log_batch(run_id, metrics=points)
    client.log_batch(run_id, metrics=points)


def models():
    """Log a model, register it by all its addresses, and load it back by all of them."""
    mlflow.set_experiment(f"{NAME}-models")
    model = LinearRegression().fit(X, y)
    with mlflow.start_run() as run:
        info = log_model(model)
    run_id, name = run.info.run_id, f"{NAME}-diabetes"
    first = mlflow.register_model(info.model_uri, name, tags={"a": "1"})
    second = mlflow.register_model(f"runs:/{run_id}/model", name)
    assert (first.version, second.version, first.run_id, first.status) in [
        ("1", "2", run_id, "READY"),
        (1, 2, run_id, "READY"),
    ]
    client.set_registered_model_alias(name, "champion", "1")
    for uri in (f"models:/{name}@champion", f"models:/{name}/2", f"runs:/{run_id}/model", info.model_uri):
        assert np.allclose(mlflow.pyfunc.load_model(uri).predict(X), model.predict(X)), uri
    assert client.get_model_version_by_alias(name, "champion").version in ("1", 1)
    assert len(client.search_model_versions(f"name='{name}'")) == 2
    assert [one.name for one in client.search_registered_models(f"name LIKE '{NAME}%'")] == [name]
    client.copy_model_version(f"models:/{name}@champion", f"{name}-copy")
    assert np.allclose(mlflow.pyfunc.load_model(f"models:/{name}-copy/1").predict(X), model.predict(X))
    client.update_model_version(name, "1", description="the first")
    client.set_model_version_tag(name, "1", "checked", "yes")
    client.delete_model_version(name, "2")
    assert mlflow.register_model(f"runs:/{run_id}/model", name).version in ("3", 3)
    refused("not found", client.get_model_version_by_alias, name, "absent")
    if IS_3:
        logged_models(run_id, info.model_id)


def logged_models(run_id, model_id):
    found = mlflow.get_logged_model(model_id)
    assert (str(found.status), found.source_run_id) in [("READY", run_id), ("LoggedModelStatus.READY", run_id)]
    mlflow.log_metric("quality", 1, model_id=model_id, run_id=run_id)
    assert [one.key for one in mlflow.get_logged_model(model_id).metrics] == ["quality"]
    assert client.get_run(run_id).outputs.model_outputs[0].model_id == model_id
    experiment = client.get_run(run_id).info.experiment_id
    by_metric = mlflow.search_logged_models([experiment], filter_string="metrics.quality > 0.5", output_format="list")
    assert [one.model_id for one in by_metric] == [model_id]


def files():
    """Send files and folders up, odd names and an empty file too; list them and fetch them; let autolog do its part."""
    mlflow.set_experiment(f"{NAME}-files")
    with mlflow.start_run() as run, tempfile.TemporaryDirectory() as folder:
        local = Path(folder)
        (local / "sub").mkdir()
        (local / "sub" / "a b ü.txt").write_text("text")
        (local / "empty").touch()
        (local / "big.bin").write_bytes(os.urandom(30_000_000))
        mlflow.log_artifacts(folder, "folder")
        mlflow.log_text("hello", "notes/hello.txt")
        mlflow.log_dict({"a": 1}, "d.json")
        run_id = run.info.run_id
        assert {one.path for one in client.list_artifacts(run_id)} == {"folder", "notes", "d.json"}
        sizes = {one.path: one.file_size for one in client.list_artifacts(run_id, "folder")}
        assert sizes == {"folder/big.bin": 30_000_000, "folder/empty": 0, "folder/sub": None}
        copy = Path(mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="folder"))
        assert (copy / "sub" / "a b ü.txt").read_text() == "text"
        assert (copy / "big.bin").read_bytes() == (local / "big.bin").read_bytes()
        assert (copy / "empty").stat().st_size == 0
        assert mlflow.artifacts.load_text(f"runs:/{run_id}/notes/hello.txt") == "hello"
    autolog()


def parts():
    """Send a large file in parts, as a client of the 3 line does by itself, and fetch it again; choose a workspace."""
    if not IS_3:
        return
    os.environ["MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE"] = os.environ["MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE"] = str(
        5 << 20
    )
    mlflow.set_workspace(mlflow.list_workspaces()[0].name)
    content = os.urandom(12 << 20)
    with tempfile.TemporaryDirectory() as folder, mlflow.start_run() as run:
        path = Path(folder) / "large.bin"
        path.write_bytes(content)
        mlflow.log_artifact(str(path), "data")
        found = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="data/large.bin")
        assert Path(found).read_bytes() == content


def large():
    """Send a file that fits no buffer, and fetch it again."""
    block = os.urandom(1_000_000)
    sent, got = hashlib.sha256(), hashlib.sha256()
    with tempfile.TemporaryDirectory(dir=".") as folder, mlflow.start_run() as run:
        path = Path(folder) / "large.bin"
        with path.open("wb") as file:
            for number in range(int(sys.argv[2])):
                piece = number.to_bytes(8, "big") + block[8:]
                sent.update(piece)
                file.write(piece)
        mlflow.log_artifact(str(path))
        path.unlink()
        found = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="large.bin", dst_path=folder)
        with Path(found).open("rb") as file:
            while piece := file.read(1_000_000):
                got.update(piece)
        assert sent.digest() == got.digest()


def autolog():
    mlflow.autolog(silent=True)
    with mlflow.start_run() as run:
        LinearRegression().fit(X, y)
    found = client.get_run(run.info.run_id)
    assert "fit_intercept" in found.data.params
    assert found.data.metrics["training_r2_score"] > 0.4
    model = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
    assert len(model.predict(X)) == len(X)


def refused(words, call, *arguments):
    try:
        call(*arguments)
    except MlflowException as error:
        assert words in str(error), error
    else:
        raise AssertionError(f"{call.__name__}{arguments} was not refused")


if __name__ == "__main__":
    flows = {"tracking": tracking, "models": models, "files": files, "parts": parts, "large": large}
    flows[sys.argv[1]]()
    print("passed", sys.argv[1], mlflow.__version__)
