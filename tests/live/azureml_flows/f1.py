"""F1: track a local run."""

import mlflow
from azureml.core import Workspace

ws = Workspace.from_config()
uri = ws.get_mlflow_tracking_uri()
assert uri.startswith("azureml://"), uri
assert "studio_" not in uri, "a secret is in the address"
mlflow.set_tracking_uri(uri)
mlflow.set_experiment("experiment_with_mlflow")

with mlflow.start_run() as mlflow_run:
    mlflow.log_metric("alpha", 0.03)
    mlflow.log_text("kept", "notes/readme.txt")

run = ws.experiments["experiment_with_mlflow"].get_runs()
found = next(iter(run))
assert found.id == mlflow_run.info.run_id
assert found.get_metrics() == {"alpha": 0.03}
assert found.get_status() == "Completed"
assert found.get_file_names() == ["notes/readme.txt"]
print("F1 done")
