"""F2: an MLflow project on this computer, in the caller's own interpreter."""

import sys
from pathlib import Path

import mlflow
from azureml.core import Model, Workspace
from mlflow.exceptions import ExecutionException
from sklearn.datasets import load_diabetes

PROJECT = str(Path(__file__).parent / "project")
FILE = "model/model.pkl" if mlflow.__version__.startswith("2.") else "model/model.skops"
ws = Workspace.from_config()
mlflow.set_tracking_uri(ws.get_mlflow_tracking_uri())
mlflow.set_experiment("projects-local")

backend_config = {"USE_CONDA": False}
local_env_run = mlflow.projects.run(
    uri=PROJECT, parameters={"alpha": 0.3}, backend="azureml", use_conda=False, backend_config=backend_config
)
run = ws.get_run(local_env_run.run_id)
assert run.get_status() == "Completed", run.get_details()
assert run.get_metrics() == {"alpha": 0.3}
assert {"model/MLmodel", FILE} <= set(run.get_file_names()), run.get_file_names()
assert "trained with 0.3" in run._files.text("user_logs/std_log.txt")
assert run.get_details()["target"] == "local"
assert run.get_snapshot_id()
assert next(iter(run.experiment.get_runs())).id == run.id, "the script's start_run made a second run"

# One registry for both: what the one has registered, the other loads.
rows = load_diabetes().data[:3]
by_sdk = run.register_model("diabetes-local", model_path="model")
assert len(mlflow.pyfunc.load_model(f"models:/diabetes-local/{by_sdk.version}").predict(rows)) == 3
assert len(mlflow.pyfunc.load_model(f"runs:/{run.id}/model").predict(rows)) == 3
by_mlflow = mlflow.register_model(f"runs:/{run.id}/model", "diabetes-by-mlflow")
downloaded = Path(Model(ws, "diabetes-by-mlflow", version=int(by_mlflow.version)).download("down", exist_ok=True))
assert {"MLmodel", FILE.removeprefix("model/")} <= {one.name for one in downloaded.iterdir()}

# Without USE_CONDA, and with a true one, the project gets an environment of its own on this computer.
own = mlflow.projects.run(
    uri=PROJECT, entry_point="versions", backend="azureml", backend_config={"COMPUTE": "local", "USE_CONDA": True}
)
run = ws.get_run(own.run_id)
assert run.get_status() == "Completed", run.get_details()
assert run.get_tags()["scikit-learn"] == "1.1.3", run.get_tags()
assert run.get_details()["target"] == "local"

try:
    mlflow.projects.run(uri=PROJECT, entry_point="broken", backend="azureml", use_conda=False)
except ExecutionException as error:
    print("refused as it should:", error)
else:
    sys.exit("a project that fails raised nothing")
failed = next(iter(run.experiment.get_runs()))
assert failed.get_status() == "Failed"
assert "ValueError: the data is missing" in failed._files.text("user_logs/std_log.txt")
print("F2 done")
