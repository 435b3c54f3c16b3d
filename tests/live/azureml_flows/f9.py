"""F9: curated environments and environments of a conda file; the second run builds nothing."""

from pathlib import Path

from azureml.core import Environment, Experiment, ScriptRunConfig, Workspace

SCRIPTS = Path(__file__).parent / "scripts"
ws = Workspace.from_config()
exp = Experiment(ws, "environments")
curated = Environment.get(workspace=ws, name="AzureML-Tutorial")
conda = Environment.from_conda_specification(name="sklearn-env", file_path=str(SCRIPTS / "conda.yaml"))
runs = []
for environment in (curated, conda, conda):
    src = ScriptRunConfig(
        source_directory=str(SCRIPTS), script="train_iris.py", compute_target="cpu-cluster", environment=environment
    )
    run = exp.submit(src)
    run.wait_for_completion()
    assert run.get_status() == "Completed"
    runs.append(run)
digests = [run.get_details()["runDefinition"]["environment"]["digest"] for run in runs]
assert digests[1] == digests[2] != digests[0], digests
said = [word for name, _since, word in runs[2]._job()["stages"] if name == "Preparing"]
assert not any(said), f"something was built for the second run: {said}"
print("F9 done")
