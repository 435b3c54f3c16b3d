"""F2: an MLflow project on this computer, in the caller's own interpreter."""

import sys
from pathlib import Path

import mlflow
from azureml.core import Workspace
from mlflow.exceptions import ExecutionException

PROJECT = str(Path(__file__).parent / "project")
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
assert "model/MLmodel" in run.get_file_names(), run.get_file_names()
assert "model/model.pkl" in run.get_file_names()
assert "trained with 0.3" in run._files.text("user_logs/std_log.txt")
assert run.get_details()["target"] == "local"
assert run.get_snapshot_id()
assert next(iter(run.experiment.get_runs())).id == run.id, "the script's start_run made a second run"

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
