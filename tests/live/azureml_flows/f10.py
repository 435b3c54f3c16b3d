"""F10: a dataset, a run on this computer and a job that read it, and parameters tuned over it."""

from pathlib import Path

from azureml.core import Dataset, Environment, Experiment, ScriptRunConfig, Workspace
from azureml.train.hyperdrive import (
    BanditPolicy,
    GridParameterSampling,
    HyperDriveConfig,
    PrimaryMetricGoal,
    choice,
)

SCRIPTS = Path(__file__).parent / "scripts"
ws = Workspace.from_config()
store = ws.get_default_datastore()
Path("points.csv").write_text("x,y\n1,2\n2,4\n3,6\n")
store.upload_files(["points.csv"], target_path="points", overwrite=False)
points = Dataset.File.from_files(path=(store, "points/*.csv")).register(ws, "points")
table = Dataset.Tabular.from_delimited_files(path=(store, "points/points.csv")).register(ws, "points-table")
assert Dataset.get_by_name(ws, "points-table").to_pandas_dataframe()["y"].tolist() == [2, 4, 6]

exp = Experiment(ws, "tuning")


def script(data, slope, **where):
    return ScriptRunConfig(str(SCRIPTS), script="slope.py", arguments=["--data", data, "--slope", slope], **where)


named = points.as_named_input("points")
cluster = {"compute_target": "local-cluster", "environment": Environment.get(ws, "AzureML-Minimal")}
tuned = exp.submit(
    HyperDriveConfig(
        run_config=script(named, 0, **cluster),
        hyperparameter_sampling=GridParameterSampling({"--slope": choice(1, 2)}),
        policy=BanditPolicy(slack_factor=0.1, evaluation_interval=2),
        primary_metric_name="error",
        primary_metric_goal=PrimaryMetricGoal.MINIMIZE,
        max_total_runs=2,
        max_concurrent_runs=2,
    )
)
job = exp.submit(script(named.as_mount(), 3, **cluster))
local = exp.submit(script(named.as_download(), 2))

local.wait_for_completion(show_output=True)
assert local.get_metrics() == {"error": 0, "rows": 3}, local.get_metrics()
assert local.input_datasets["points"].id == points.id
job.wait_for_completion(show_output=True)
assert job.get_metrics() == {"error": 14, "rows": 3}, job.get_metrics()
tuned.wait_for_completion(show_output=True)
best = tuned.get_best_run_by_primary_metric()
assert best.get_metrics()["error"] == 0
assert '"--slope": "2"' in tuned.get_hyperparameters()[best.id]
print("F10 done")
