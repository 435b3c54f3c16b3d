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

Path("backend_config.json").write_text('{"COMPUTE": "cpu-cluster", "USE_CONDA": "False"}')
for config in ({"COMPUTE": "cpu-cluster", "USE_CONDA": False}, "backend_config.json"):
    submitted = mlflow.projects.run(
        uri=str(PROJECT), parameters={"alpha": 0.3}, backend="azureml", backend_config=config
    )
    run = ws.get_run(submitted.run_id)
    assert run.get_status() == "Completed", run.get_details()
    assert run.get_details()["target"] == "cpu-cluster"
    assert run.get_metrics() == {"alpha": 0.3}
    assert "model/MLmodel" in run.get_file_names()
print("F3 done")
