"""Every public method of MLflow's client, as a program of its own: `python mlflow_surface.py` in its environment.

A method that no flow below calls and no list names makes it fail: a new client's news are looked at, not missed.
"""

import contextlib
import io
import os
import sys
import tempfile
import time
import uuid
from pathlib import Path

os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"

import mlflow
import numpy as np
from mlflow import MlflowClient
from mlflow.entities import DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException

IS_3 = int(mlflow.__version__.split(".")[0]) >= 3
NAME = f"surface-{mlflow.__version__}-{uuid.uuid4().hex[:6]}"

# What the studio leaves out, and why. What of it talks to the server is refused at once, in MLflow's own words.
LEFT_OUT = {
    "traces of language model calls": """
        delete_trace_tag delete_traces end_span end_trace get_trace link_prompt_versions_to_trace link_traces_to_run
        search_traces set_trace_tag start_span start_trace unlink_traces_from_run log_assessment update_assessment
        delete_assessment""",
    "evaluation datasets": """
        add_dataset_to_experiments create_dataset delete_dataset delete_dataset_tag get_dataset
        remove_dataset_from_experiments search_datasets set_dataset_tags""",
    "a registry of tool servers": """
        create_mcp_access_endpoint create_mcp_server create_mcp_server_version delete_mcp_access_endpoint
        delete_mcp_server delete_mcp_server_alias delete_mcp_server_tag delete_mcp_server_version
        delete_mcp_server_version_tag get_latest_mcp_server_version get_mcp_access_endpoint get_mcp_server
        get_mcp_server_version get_mcp_server_version_by_alias refresh_mcp_server_version_tools
        search_mcp_access_endpoints search_mcp_server_versions search_mcp_servers set_mcp_server_alias
        set_mcp_server_tag set_mcp_server_version_tag update_mcp_access_endpoint update_mcp_server
        update_mcp_server_version""",
    "workspaces are made in a resource group, on the studio's own pages": """
        create_workspace update_workspace delete_workspace""",
}


class Recorded:
    """The client, which notes what is called of it."""

    def __init__(self):
        self.called = set()
        self.client = MlflowClient()

    def __getattr__(self, name):
        self.called.add(name)
        return getattr(self.client, name)


client = Recorded()


def experiments():
    made = client.create_experiment(NAME, tags={"team": "red"})
    assert client.get_experiment(made).tags == {"team": "red"}
    client.rename_experiment(made, f"{NAME}-renamed")
    assert client.get_experiment_by_name(f"{NAME}-renamed").experiment_id == made
    client.set_experiment_tag(made, "owner", "me")
    if IS_3:
        client.delete_experiment_tag(made, "team")
        assert client.get_experiment(made).tags == {"owner": "me"}
    client.delete_experiment(made)
    assert client.get_experiment(made).lifecycle_stage == "deleted"
    client.restore_experiment(made)
    assert [one.experiment_id for one in client.search_experiments(filter_string=f"name LIKE '{NAME}%'")] == [made]
    by_alias = client.search_experiments(filter_string="experiment_id = '0'")
    assert [one.name for one in by_alias] == [client.get_experiment("0").name]
    return made


def runs(experiment_id):
    made = client.create_run(experiment_id, run_name="one", tags={"mlflow.note.content": "n"}).info.run_id
    child = client.create_run(experiment_id, tags={"mlflow.parentRunId": made}).info.run_id
    assert client.get_parent_run(child).info.run_id == made
    client.log_metric(made, "loss", 1.5, step=1)
    client.log_param(made, "alpha", 0.5)
    client.set_tag(made, "kept", "yes")
    client.set_tag(made, "dropped", "yes")
    client.delete_tag(made, "dropped")
    client.log_batch(made, [Metric("loss", 0.5, 2, 2)], [Param("beta", "b")], [RunTag("late", "t")])
    client.update_run(made, name="renamed")
    data = mlflow.data.from_numpy(np.ones(3), name="ones")
    given = DatasetInput(data._to_mlflow_entity(), [InputTag("mlflow.data.context", "train")])
    client.log_inputs(made, [given])
    client.set_terminated(made, "FAILED")
    found = client.get_run(made)
    assert (found.info.status, found.info.run_name, found.data.tags["late"]) == ("FAILED", "renamed", "t")
    assert (found.data.params, found.data.metrics) == ({"alpha": "0.5", "beta": "b"}, {"loss": 0.5})
    assert found.inputs.dataset_inputs[0].tags[0].value == "train"
    assert "dropped" not in found.data.tags
    points = {(one.step, one.value) for one in client.get_metric_history(made, "loss")}
    assert points == {(1, 1.5), (2, 0.5)}
    client.delete_run(child)
    client.restore_run(child)
    assert {one.info.run_id for one in client.search_runs([experiment_id])} == {made, child}
    return made


# What each filter finds of three runs: a, b and c, of which c lacks all but its name.
FILTERS = {
    "metrics.m = 1": "a", "metrics.m != 1": "b", "metrics.m > 1": "b", "metrics.m >= 1": "ab",
    "metrics.m < 2": "a", "metrics.m <= 2": "ab",
    "params.p = 'One'": "a", "params.p != 'One'": "b", "params.p LIKE 'O%'": "a", "params.p ILIKE 'o%'": "a",
    "params.p LIKE 'o%'": "", "params.`p q` = '1'": "b", 'params."p q" = "1"': "b",
    "tags.t = 'x'": "a", "tags.t != 'x'": "b", "tags.t LIKE '%'": "ab", "tags.t ILIKE 'X'": "a",
    "run_name = 'a'": "a", "attributes.run_name LIKE '%b'": "b", "run_name ILIKE 'C'": "c", "run_name != 'a'": "bc",
    "status = 'FINISHED'": "a", "status != 'FINISHED'": "bc", "start_time > 1500": "bc", "start_time <= 2000": "ab",
    "start_time = 3000": "c", "end_time < 9000": "a", "user_id = 'nobody'": "", "artifact_uri LIKE '%artifacts'": "abc",
    "dataset.name = 'd'": "b", "dataset.context IN ('train', 'x')": "b", "dataset.digest != 'x'": "b",
    "metrics.m > 0 AND params.p = 'One' and tags.t = 'x'": "a",
}  # fmt: skip
FILTERS_OF_3 = {
    "tags.t IS NULL": "c", "params.p IS NOT NULL": "ab", "params.p IS NULL AND start_time > 0": "c",
}  # fmt: skip


def filters():
    """Ask with every comparator, order by every kind, walk in pages."""
    where = client.create_experiment(f"{NAME}-filters")
    ids = {name: client.create_run(where, start, run_name=name).info.run_id for name, start in STARTS.items()}
    at = [Metric("m", 1.0, 5, 0)], [Metric("m", 2.0, 5, 0)]
    client.log_batch(ids["a"], at[0], [Param("p", "One")], [RunTag("t", "x")])
    client.log_batch(ids["b"], at[1], [Param("p", "two"), Param("p q", "1")], [RunTag("t", "y")])
    data = mlflow.data.from_numpy(np.zeros(2), name="d")._to_mlflow_entity()
    client.log_inputs(ids["b"], [DatasetInput(data, [InputTag("mlflow.data.context", "train")])])
    client.set_terminated(ids["a"], "FINISHED", end_time=5000)
    named = {
        f"run_id IN ('{ids['a']}', '{ids['c']}')": "ac",
        f"run_id NOT IN ('{ids['a']}', '{ids['c']}')": "b",
        f"attributes.run_id = '{ids['b']}'": "b",
    }
    for text, wanted in {**FILTERS, **(FILTERS_OF_3 if IS_3 else {}), **named}.items():
        found = "".join(sorted(one.info.run_name for one in client.search_runs([where], text)))
        assert found == wanted, (text, found, wanted)
    orders = {
        "metrics.m": "abc", "metrics.m DESC": "bac", "params.p ASC": "abc", "tags.t DESC": "bac",
        "attributes.start_time ASC": "abc", "run_name DESC": "cba", "status": "acb",
    }  # fmt: skip
    for order, wanted in orders.items():
        found = "".join(one.info.run_name for one in client.search_runs([where], order_by=[order]))
        assert found == wanted, (order, found)
    first = client.search_runs([where], max_results=2)
    second = client.search_runs([where], max_results=2, page_token=first.token)
    assert ([one.info.run_name for one in [*first, *second]], second.token) == (["c", "b", "a"], None)
    for text in ("metrics.m = 'x'", "params.p > 1", "a OR b", "metrics.m ~ 1", "metrics.m >", "nothing.x = 1"):
        refused("INVALID_PARAMETER_VALUE", client.search_runs, [where], text)


STARTS = {"a": 1000, "b": 2000, "c": 3000}


def files(experiment_id, run_id):
    with tempfile.TemporaryDirectory() as folder:
        local = Path(folder)
        (local / "deep" / "er").mkdir(parents=True)
        (local / "deep" / "er" / "x y.txt").write_text("x")
        (local / "top.bin").write_bytes(os.urandom(1000))
        client.log_artifact(run_id, str(local / "top.bin"), "one")
        client.log_artifacts(run_id, folder, "all")
        back = Path(client.download_artifacts(run_id, "", folder))
        assert (back / "all" / "top.bin").read_bytes() == (local / "top.bin").read_bytes()
        assert (back / "all" / "deep" / "er" / "x y.txt").read_text() == "x"
    client.log_text(run_id, "hello", "text/hello.txt")
    client.log_dict(run_id, {"a": [1]}, "d.yaml")
    client.log_figure(run_id, figure(), "figure.png")
    client.log_image(run_id, np.zeros((4, 4, 3), dtype=np.uint8), key="image", step=1, synchronous=True)
    client.log_image(run_id, np.zeros((4, 4, 3), dtype=np.uint8), "plain.png")
    client.log_table(run_id, {"question": ["a"], "answer": [1]}, "table.json")
    client.log_table(run_id, {"question": ["b"], "answer": [2]}, "table.json")
    assert len(client.load_table(experiment_id, "table.json", [run_id])) == 2
    wanted = {"one", "all", "text", "d.yaml", "figure.png", "images", "plain.png", "table.json"}
    if IS_3:
        client.log_stream(run_id, io.BytesIO(b"s" * 100_000), "stream.bin")
        wanted.add("stream.bin")
    assert {one.path for one in client.list_artifacts(run_id)} == wanted
    assert {one.path for one in client.list_artifacts(run_id, "all/deep")} == {"all/deep/er"}


def figure():
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    made, axes = pyplot.subplots()
    axes.plot([1, 2])
    return made


def registry(run_id):
    name = f"{NAME}-model"
    client.create_registered_model(name, tags={"a": "b"}, description="d")
    client.update_registered_model(name, description="e")
    client.set_registered_model_tag(name, "c", "d")
    client.delete_registered_model_tag(name, "a")
    found = client.get_registered_model(name)
    assert (found.description, found.tags) == ("e", {"c": "d"})
    for number in ("1", "2"):
        made = client.create_model_version(name, f"runs:/{run_id}/all", run_id=run_id, tags={"n": number})
        assert str(made.version) == number
    client.update_model_version(name, "1", description="first")
    client.set_model_version_tag(name, "1", "checked", "yes")
    client.delete_model_version_tag(name, "1", key="n")
    version = client.get_model_version(name, "1")
    assert (version.description, version.tags) == ("first", {"checked": "yes"})
    assert client.get_model_version_download_uri(name, "1").endswith(f"{run_id}/artifacts/all")
    assert "Production" in client.get_model_version_stages(name, "1")
    client.transition_model_version_stage(name, "1", "production")
    client.transition_model_version_stage(name, "2", "Production", archive_existing_versions=True)
    assert client.get_model_version(name, "1").current_stage == "Archived"
    assert [str(one.version) for one in client.get_latest_versions(name, ["Production"])] == ["2"]
    client.set_registered_model_alias(name, "champion", "2")
    assert str(client.get_model_version_by_alias(name, "champion").version) == "2"
    client.delete_registered_model_alias(name, "champion")
    client.copy_model_version(f"models:/{name}/1", f"{name}-copy")
    assert [str(one.version) for one in client.search_model_versions(f"name = '{name}'")] == ["2", "1"]
    client.delete_model_version(name, "1")
    client.rename_registered_model(name, f"{name}-new")
    found = client.search_registered_models(f"name ILIKE '{name}%'", order_by=["name DESC"], max_results=5)
    assert [one.name for one in found] == [f"{name}-new", f"{name}-copy"]
    client.delete_registered_model(f"{name}-new")
    refused("RESOURCE_DOES_NOT_EXIST", client.get_registered_model, f"{name}-new")


def prompts(run_id):
    name = f"{NAME}-prompt"
    first = client.register_prompt(name, "Say {{ what }}", commit_message="first", tags={"k": "v"})
    client.register_prompt(name, "Tell {{ what }}")
    client.set_prompt_alias(name, "best", 1)
    assert client.load_prompt(f"prompts:/{name}@best").template == "Say {{ what }}" == first.template
    assert client.parse_prompt_uri(f"prompts:/{name}/2") == (name, "2")
    assert all(one.name != name for one in client.search_registered_models()), "models hide prompts"
    if IS_3:
        prompts_of_3(name, run_id)
    else:
        client.log_prompt(run_id, f"prompts:/{name}/1")
        assert [one.name for one in client.list_logged_prompts(run_id)] == [name]
        client.detach_prompt_from_run(run_id, f"prompts:/{name}/1")
        assert client.list_logged_prompts(run_id) == []
        client.delete_prompt_alias(name, "best")
        client.delete_prompt(name, 1)


def prompts_of_3(name, run_id):
    client.create_prompt(f"{name}-2", description="d", tags={"a": "b"})
    assert client.get_prompt(f"{name}-2").tags["a"] == "b"
    client.create_prompt_version(f"{name}-2", "Ask {{ it }}", tags={"x": "y"})
    client.set_prompt_tag(f"{name}-2", "c", "d")
    client.delete_prompt_tag(f"{name}-2", "a")
    assert client.get_prompt(f"{name}-2").tags == {"c": "d"}
    client.set_prompt_version_tag(f"{name}-2", "1", "z", "1")
    client.delete_prompt_version_tag(f"{name}-2", "1", "x")
    assert client.get_prompt_version(f"{name}-2", "1").tags == {"z": "1"}
    assert client.get_prompt_version_by_alias(name, "best").version == 1
    assert {one.name for one in client.search_prompts(f"name LIKE '{name}%'")} == {name, f"{name}-2"}
    with contextlib.suppress(MlflowException):  # the client itself refuses it for all but one vendor's registries
        client.search_prompt_versions(name)
    client.link_prompt_version_to_run(run_id, f"prompts:/{name}/1")
    assert name in client.get_run(run_id).data.tags["mlflow.linkedPrompts"]
    client.set_prompt_version_tag(name, "1", "mlflow.prompt.associatedRunIds", run_id)  # where clients of 2 look
    assert [one.name for one in client.list_logged_prompts(run_id)] == [name]
    model = client.create_logged_model("0", name="prompted")
    client.link_prompt_version_to_model(name, "2", model.model_id)
    assert name in client.get_logged_model(model.model_id).tags["mlflow.linkedPrompts"]
    client.detach_prompt_from_run(run_id, f"prompts:/{name}/1")
    client.delete_prompt_alias(name, "best")
    client.delete_prompt_version(f"{name}-2", "1")
    client.delete_prompt(f"{name}-2")
    assert client.get_prompt(f"{name}-2") is None


def logged_models(experiment_id, run_id):
    from mlflow.entities import LoggedModelInput, LoggedModelOutput

    made = client.create_logged_model(experiment_id, "m", run_id, tags={"a": "b"}, params={"p": "1"}, model_type="t")
    client.log_model_params(made.model_id, {"q": "2"})
    client.set_logged_model_tags(made.model_id, {"c": "d"})
    client.delete_logged_model_tag(made.model_id, "a")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "w.bin").write_bytes(b"w")
        client.log_model_artifacts(made.model_id, folder)
        client.log_model_artifact(made.model_id, str(Path(folder) / "w.bin"), "one")
    assert {one.path for one in client.list_logged_model_artifacts(made.model_id)} == {"w.bin", "one"}
    assert client.finalize_logged_model(made.model_id, "READY").status == "READY"
    client.log_metric(run_id, "quality", 0.9, model_id=made.model_id)
    client.log_inputs(run_id, models=[LoggedModelInput(made.model_id)])
    client.log_outputs(run_id, [LoggedModelOutput(made.model_id, 3)])
    found = client.get_run(run_id)
    assert [one.model_id for one in found.inputs.model_inputs] == [made.model_id]
    assert [(one.model_id, one.step) for one in found.outputs.model_outputs] == [(made.model_id, 3)]
    model = client.get_logged_model(made.model_id)
    assert (model.params, model.tags["c"], model.metrics[0].value) == ({"p": "1", "q": "2"}, "d", 0.9)
    by_metric = [{"field_name": "metrics.quality", "ascending": False}]
    asked = "metrics.quality > 0.5 AND params.q = '2' AND tags.c = 'd' AND name = 'm'"
    assert [one.model_id for one in client.search_logged_models([experiment_id], asked, order_by=by_metric)] == [
        made.model_id
    ]
    client.delete_logged_model(made.model_id)
    refused("RESOURCE_DOES_NOT_EXIST", client.get_logged_model, made.model_id)


def webhooks():
    # Never called: it is disabled from the start. Another test hears deliveries.
    about = {"events": ["registered_model.created"], "secret": "s" * 20, "status": "DISABLED"}
    made = client.create_webhook(f"{NAME}-hook", "https://1.1.1.1/in", **about)
    changed = client.update_webhook(made.webhook_id, description="d")
    assert (changed.description, client.get_webhook(made.webhook_id).description) == ("d", "d")
    assert made.webhook_id in [one.webhook_id for one in client.list_webhooks()]
    client.delete_webhook(made.webhook_id)
    refused("RESOURCE_DOES_NOT_EXIST", client.test_webhook, made.webhook_id)


def workspaces():
    found = client.list_workspaces()
    assert client.get_workspace(found[0].name).name == found[0].name
    assert client.get_workspace_store_uri().startswith("http")
    refused("NOT_IMPLEMENTED", client.create_workspace, f"w{NAME[-6:]}")


def left_out():
    """What is not served says so at once, as an error of MLflow's, and is not tried again for minutes."""
    began = time.monotonic()
    refused("", client.search_traces, ["0"])
    refused("", client.delete_traces, "0", max_timestamp_millis=1)
    if IS_3:
        refused("evaluation datasets", client.create_dataset, "d", experiment_id="0")
        refused("", client.search_mcp_servers)
    assert time.monotonic() - began < 20


def everything_was_called():
    public = {name for name in dir(MlflowClient) if not name.startswith("_")}
    listed = {name for names in LEFT_OUT.values() for name in names.split()}
    missing = {name for name in public if callable(getattr(MlflowClient, name))} - client.called - listed
    assert not missing, f"neither called nor left out: {sorted(missing)}"


def asynchronous():
    """Log without waiting, from the client's own queue, and wait for all of it at the end."""
    with mlflow.start_run(run_name="async") as run:
        for step in range(300):
            mlflow.log_metric("loss", step, step=step, synchronous=False)
        waited = [
            mlflow.log_metrics({"a": 1.0, "b": 2.0}, synchronous=False),
            mlflow.log_param("p", 1, synchronous=False),
        ]
        waited.append(mlflow.set_tag("t", "v", synchronous=False))
        for one in waited:
            one.wait()
        mlflow.flush_async_logging()
    found = MlflowClient().get_run(run.info.run_id).data
    assert (found.metrics, found.params["p"], found.tags["t"]) == ({"loss": 299.0, "a": 1.0, "b": 2.0}, "1", "v")
    assert len(MlflowClient().get_metric_history(run.info.run_id, "loss")) == 300


def system():
    """Let the client watch its own machine."""
    mlflow.set_system_metrics_sampling_interval(0.2)
    mlflow.set_system_metrics_samples_before_logging(2)
    with mlflow.start_run(log_system_metrics=True) as run:
        deadline = time.monotonic() + 30
        while "system/cpu_utilization_percentage" not in MlflowClient().get_run(run.info.run_id).data.metrics:
            assert time.monotonic() < deadline, "no system metrics came"
            time.sleep(0.2)
    found = MlflowClient().get_run(run.info.run_id).data.metrics
    assert found["system/system_memory_usage_megabytes"] > 0
    assert len(MlflowClient().get_metric_history(run.info.run_id, "system/cpu_utilization_percentage")) > 0


def refused(words, call, *arguments, **options):
    try:
        call(*arguments, **options)
    except MlflowException as error:
        assert words in f"{error.error_code} {error}", error
    else:
        raise AssertionError(f"{arguments} was not refused")


def main():
    experiment_id = experiments()
    run_id = runs(experiment_id)
    filters()
    files(experiment_id, run_id)
    registry(run_id)
    prompts(run_id)
    if IS_3:
        logged_models(experiment_id, run_id)
        webhooks()
        workspaces()
    left_out()
    everything_was_called()
    asynchronous()
    system()


if __name__ == "__main__":
    main()
    print("passed", sys.argv[0], mlflow.__version__)
