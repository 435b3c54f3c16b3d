"""F3: the same project on a cluster; USE_CONDA has no say there."""

from pathlib import Path

import mlflow
from azureml.core import Workspace
from azureml.core.compute import AmlCompute, ComputeTarget

PROJECT = Path(__file__).parent / "project"
ws = Workspace.from_config()
mlflow.set_tracking_uri(ws.get_mlflow_tracking_uri())
mlflow.set_experiment("projects-remote")
ComputeTarget.create(ws, "cpu-cluster", AmlCompute.provisioning_configuration("STANDARD_D2_V2", max_nodes=2))

submitted = mlflow.projects.run(
    uri=str(PROJECT), parameters={"alpha": 0.3}, backend="azureml",
    backend_config={"COMPUTE": "cpu-cluster", "USE_CONDA": False},
)  # fmt: skip
run = ws.get_run(submitted.run_id)
assert run.get_status() == "Completed", run.get_details()
assert run.get_details()["target"] == "cpu-cluster"
assert run.get_metrics() == {"alpha": 0.3}
assert {"model/MLmodel", "model/model.pkl"} <= set(run.get_file_names())
assert run.get_tags() == {}, "MLflow's own tags are no tags of the user"

Path("backend_config.json").write_text('{"COMPUTE": "cpu-cluster", "USE_CONDA": "False", "STREAM_OUTPUT": "False"}')
submitted = mlflow.projects.run(
    uri=str(PROJECT), entry_point="versions", parameters={"alpha": 0.5}, backend="azureml",
    backend_config="backend_config.json", synchronous=False,
)  # fmt: skip
assert submitted.wait()
run = ws.get_run(submitted.run_id)
assert run.get_details()["target"] == "cpu-cluster"
assert run.get_metrics() == {"alpha": 0.5}
assert run.get_tags()["scikit-learn"] == "1.1.3", "the cluster's environment is not that of conda.yaml"
print("F3 done")
