"""F7: train_iris by ScriptRunConfig, on this computer and on a cluster; and by hand."""

import subprocess
import sys
from pathlib import Path

from azureml.core import Environment, Experiment, ScriptRunConfig, Workspace

SCRIPTS = Path(__file__).parent / "scripts"
ws = Workspace.from_config()
exp = Experiment(workspace=ws, name="Tutorial-TrainIRIS")
src = ScriptRunConfig(
    source_directory=str(SCRIPTS), script="train_iris.py", arguments=["--kernel", "linear", "--penalty", 1.0]
)
run = exp.submit(config=src)
run.wait_for_completion(show_output=True)
metrics = run.get_metrics()
assert metrics["Kernel type"] == "linear"
assert metrics["Penalty"] == 1.0
assert metrics["Accuracy"] > 0.9
assert "outputs/model.joblib" in run.get_file_names()

remote = ScriptRunConfig(
    source_directory=str(SCRIPTS), script="train_iris.py", arguments=["--kernel", "rbf", "--penalty", 0.5],
    compute_target=ws.compute_targets["cpu-cluster"], environment=Environment.get(ws, name="AzureML-Tutorial"),
)  # fmt: skip
run = exp.submit(remote)
run.wait_for_completion(show_output=True)
assert run.get_metrics()["Kernel type"] == "rbf"
assert "outputs/model.joblib" in run.get_file_names()

done = subprocess.run([sys.executable, "train_iris.py"], cwd=SCRIPTS, capture_output=True, text=True)
assert done.returncode == 0, done.stderr
assert "Attempted to log metric Accuracy" in done.stdout
print("F7 done")
