"""F4: a remote run by ScriptRunConfig, and its model registered."""

from pathlib import Path

import mlflow
from azureml.core import Environment, Experiment, ScriptRunConfig, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget

SCRIPTS = Path(__file__).parent / "scripts"
ws = Workspace.from_config()
exp = Experiment(workspace=ws, name="remote-mlflow")
cluster = ComputeTarget.create(ws, "cpu-cluster", AmlCompute.provisioning_configuration("STANDARD_D2_V2", max_nodes=2))
cluster.wait_for_completion(show_output=True)
mlflow_env = Environment.from_conda_specification(name="mlflow-env", file_path=str(SCRIPTS / "conda.yaml"))
src = ScriptRunConfig(source_directory=str(SCRIPTS), script="train.py")
src.run_config.target = "cpu-cluster"
src.run_config.environment = mlflow_env

before = {one.id for one in exp.get_runs()}
run = exp.submit(src)
run.wait_for_completion(show_output=True)
assert run.get_status() == "Completed"
assert run.get_metrics() == {"example": 1.23}, run.get_metrics()
assert {one.id for one in exp.get_runs()} - before == {run.id}, "the script's start_run made a second run"
assert "secret.txt" not in run.get_file_names()
assert ws.get_details()["name"] == ws.name

model = run.register_model(model_name="my-model", model_path="model")
assert model.run_id == run.id
assert run.id in model.tags.values(), model.tags
target = Path(model.download("down", exist_ok=True))
assert {"MLmodel", "model.pkl", "conda.yaml"} <= {one.name for one in target.iterdir()}, list(target.iterdir())
mlflow.set_tracking_uri(ws.get_mlflow_tracking_uri())
assert mlflow.models.get_model_info(f"models:/my-model/{model.version}").flavors["sklearn"]
print("F4 done")
