"""F7: train_iris by ScriptRunConfig, on this computer and on a cluster; and by hand."""

import contextlib
import io
import subprocess
import sys
import zipfile
from pathlib import Path

from azureml.core import Environment, Experiment, ScriptRunConfig, Workspace

SCRIPTS = Path(__file__).parent / "scripts"


def streamed(run):
    with contextlib.redirect_stdout(io.StringIO()) as said:
        run.wait_for_completion(show_output=True)
    print(said.getvalue())
    assert said.getvalue().startswith(f"RunId: {run.id}\nWeb View: {run.get_portal_url()}\n"), said.getvalue()
    assert "Execution Summary\n=================\n" in said.getvalue()
    return said.getvalue()


ws = Workspace.from_config()
exp = Experiment(workspace=ws, name="Tutorial-TrainIRIS")
src = ScriptRunConfig(
    source_directory=str(SCRIPTS), script="train_iris.py", arguments=["--kernel", "linear", "--penalty", 1.0]
)
run = exp.submit(config=src)
said = streamed(run)
assert "Accuracy of SVM classifier on test set" in said, said
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
said = streamed(run)
assert "Streaming user_logs/std_log.txt" in said and "Accuracy of SVM classifier on test set" in said, said
assert run.get_metrics()["Kernel type"] == "rbf"
assert "outputs/model.joblib" in run.get_file_names()

sent = zipfile.ZipFile(run.restore_snapshot(path="code")).namelist()
assert "train_iris.py" in sent and "secret.txt" not in sent, sent

done = subprocess.run([sys.executable, "train_iris.py"], cwd=SCRIPTS, capture_output=True, text=True)
assert done.returncode == 0, done.stderr
assert "Attempted to log metric Accuracy" in done.stdout
print("F7 done")
