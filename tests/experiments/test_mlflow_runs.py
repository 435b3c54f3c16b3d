"""Experiments and runs as MLflow's clients meet them."""

import pytest

from experiments.models import Experiment
from tests.mlflow_client import Mlflow, Refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def run_id(mlflow):
    return mlflow("CreateRun", experiment_id="0", run_name="first")["run"]["info"]["run_id"]


def refused(call, *arguments, **fields):
    with pytest.raises(Refused) as caught:
        call(*arguments, **fields)
    return caught.value


def tags(run):
    return {tag["key"]: tag["value"] for tag in run["data"].get("tags", [])}


# ---- Experiments ----------------------------------------------------------------------------------------------------


def test_the_first_workspace_has_an_experiment_with_id_0_and_another_its_own(mlflow, bearer, charlie_user, elsewhere):
    assert mlflow("GetExperiment", experiment_id="0")["experiment"]["name"] == "Default"
    assert mlflow("GetExperiment", experiment_id="0")["experiment"]["experiment_id"] == "0"
    other = Mlflow(bearer(charlie_user), "/w/elsewhere")
    own = other("GetExperiment", experiment_id="0")["experiment"]
    assert own["experiment_id"] == str(Experiment.objects.get(workspace=elsewhere).pk) != "0"
    assert other("CreateRun", experiment_id="0")["run"]["info"]["experiment_id"] == own["experiment_id"]


def test_a_name_is_taken_in_the_bin_too(mlflow):
    made = mlflow("CreateExperiment", name="a", tags=[{"key": "k", "value": "v"}])["experiment_id"]
    assert refused(mlflow, "CreateExperiment", name="a").code == "RESOURCE_ALREADY_EXISTS"
    run = mlflow("CreateRun", experiment_id=made)["run"]["info"]["run_id"]
    mlflow("DeleteExperiment", experiment_id=made)
    assert refused(mlflow, "CreateExperiment", name="a").status == 400
    assert refused(mlflow, "DeleteExperiment", experiment_id=made).status == 404
    found = mlflow("GetExperimentByName", experiment_name="a")["experiment"]
    assert (found["lifecycle_stage"], found["tags"]) == ("deleted", [{"key": "k", "value": "v"}])
    assert mlflow("GetRun", run_id=run)["run"]["info"]["lifecycle_stage"] == "deleted"
    assert refused(mlflow, "CreateRun", experiment_id=made).code == "INVALID_PARAMETER_VALUE"
    mlflow("RestoreExperiment", experiment_id=made)
    assert mlflow("GetRun", run_id=run)["run"]["info"]["lifecycle_stage"] == "active"
    assert refused(mlflow, "RestoreExperiment", experiment_id=made).status == 404


def test_what_is_not_there_is_404_in_mlflows_words(mlflow):
    assert refused(mlflow, "GetExperimentByName", experiment_name="x").code == "RESOURCE_DOES_NOT_EXIST"
    assert refused(mlflow, "GetExperiment", experiment_id="999").code == "RESOURCE_DOES_NOT_EXIST"
    assert refused(mlflow, "GetExperiment", experiment_id="9" * 40).status == 404
    assert refused(mlflow, "GetRun", run_id="f" * 32).code == "RESOURCE_DOES_NOT_EXIST"
    assert refused(mlflow, "GetRun").code == "INVALID_PARAMETER_VALUE"


LOCATIONS = [
    "file:///etc",
    "/etc",
    "../..",
    "s3://b/../..",
    "javascript:1",
    "mlflow-artifacts:/../x",
    "FILE:x",
    "data:,",
]


@pytest.mark.parametrize("location", LOCATIONS)
def test_an_artifact_location_is_the_studios_to_choose(mlflow, location):
    assert refused(mlflow, "CreateExperiment", name="a", artifact_location=location).status == 400


def test_experiments_are_renamed_tagged_and_searched(mlflow):
    made = mlflow("CreateExperiment", name="old")["experiment_id"]
    mlflow("UpdateExperiment", experiment_id=made, new_name="new")
    mlflow("SetExperimentTag", experiment_id=made, key="team", value="red")
    found = mlflow("SearchExperiments", max_results=10, filter="name LIKE 'n%' AND tags.team = 'red'")
    assert [one["experiment_id"] for one in found["experiments"]] == [made]
    found = mlflow("SearchExperiments", max_results=10, filter=f"experiment_id IN ('{made}')")
    assert [one["name"] for one in found["experiments"]] == ["new"]
    found = mlflow("SearchExperiments", max_results=1, order_by=["name ASC"])
    assert (found["experiments"][0]["name"], "next_page_token" in found) == ("Default", True)
    rest = mlflow("SearchExperiments", max_results=1, order_by=["name ASC"], page_token=found["next_page_token"])
    assert (rest["experiments"][0]["name"], "next_page_token" in rest) == ("new", False)
    mlflow("DeleteExperimentTag", experiment_id=made, key="team")
    assert refused(mlflow, "DeleteExperimentTag", experiment_id=made, key="team").status == 404
    assert refused(mlflow, "SearchExperiments", max_results=0).status == 400
    assert refused(mlflow, "UpdateExperiment", experiment_id=made, new_name="Default").code == "RESOURCE_ALREADY_EXISTS"


# ---- Runs -----------------------------------------------------------------------------------------------------------


def test_a_run_is_created_ended_and_found_again(mlflow, run_id):
    mlflow("UpdateRun", run_id=run_id, status="FINISHED", end_time=5000)
    info = mlflow("GetRun", run_id=run_id)["run"]["info"]
    assert (info["status"], info["end_time"], info["run_uuid"]) == ("FINISHED", 5000, run_id)
    assert info["artifact_uri"] == f"mlflow-artifacts:/0/{run_id}/artifacts"
    assert refused(mlflow, "UpdateRun", run_id=run_id, status="ASLEEP").status == 400


def test_the_name_and_its_tag_are_one_datum(mlflow, run_id):
    assert tags(mlflow("GetRun", run_id=run_id)["run"])["mlflow.runName"] == "first"
    mlflow("SetTag", run_id=run_id, key="mlflow.runName", value="second")
    assert mlflow("GetRun", run_id=run_id)["run"]["info"]["run_name"] == "second"
    mlflow("UpdateRun", run_id=run_id, run_name="third")
    assert tags(mlflow("GetRun", run_id=run_id)["run"])["mlflow.runName"] == "third"
    differing = [{"key": "mlflow.runName", "value": "b"}]
    assert refused(mlflow, "CreateRun", experiment_id="0", run_name="a", tags=differing).status == 400
    unnamed = mlflow("CreateRun", experiment_id="0")["run"]
    assert unnamed["info"]["run_name"] == tags(unnamed)["mlflow.runName"] != ""


def test_params_are_written_once(mlflow, run_id):
    mlflow("LogParam", run_id=run_id, key="p", value="1")
    mlflow("LogParam", run_id=run_id, key="p", value="1")
    error = refused(mlflow, "LogParam", run_id=run_id, key="p", value="2")
    assert "Changing param values is not allowed" in error.message
    twice = [{"key": "q", "value": "1"}, {"key": "q", "value": "1"}]
    assert "Duplicate" in refused(mlflow, "LogBatch", run_id=run_id, params=twice).message
    mlflow("LogParam", run_id=run_id, key="long", value="x" * 9000)
    params = {one["key"]: one["value"] for one in mlflow("GetRun", run_id=run_id)["run"]["data"]["params"]}
    assert (params["p"], len(params["long"])) == ("1", 6000)


def test_a_batch_is_all_or_nothing(mlflow, run_id):
    mlflow("LogParam", run_id=run_id, key="p", value="1")
    point = {"key": "m", "value": 1.0, "timestamp": 1}
    changed = [{"key": "new", "value": "1"}, {"key": "p", "value": "2"}]
    assert refused(mlflow, "LogBatch", run_id=run_id, metrics=[point], params=changed).status == 400
    data = mlflow("GetRun", run_id=run_id)["run"]["data"]
    assert ("metrics" not in data, len(data["params"])) == (True, 1)
    too_many = [{**point, "step": step} for step in range(1001)]
    assert refused(mlflow, "LogBatch", run_id=run_id, metrics=too_many).status == 400


@pytest.mark.parametrize("key", ["../a", "/a", "a//b", "", "a%", "x" * 251, ".", "a\n"])
def test_a_bad_key_is_refused(mlflow, run_id, key):
    for name, fields in [
        ("LogMetric", {"value": 1.0, "timestamp": 1}),
        ("LogParam", {"value": "1"}),
        ("SetTag", {"value": "1"}),
    ]:
        assert refused(mlflow, name, run_id=run_id, key=key, **fields).status == 400
    assert refused(mlflow, "LogBatch", run_id=run_id, metrics=[{"key": key, "value": 1, "timestamp": 1}]).status == 400


def test_metrics_keep_the_latest_and_the_whole_history(mlflow, run_id):
    for value, step in ((1.0, 1), (3.0, 3), (2.0, 2)):
        mlflow("LogMetric", run_id=run_id, key="m", value=value, timestamp=step * 10, step=step)
    mlflow("LogMetric", run_uuid=run_id, key="m", value=2.0, timestamp=20, step=2)
    mlflow("LogBatch", run_id=run_id, metrics=[{"key": "odd", "value": "NaN", "timestamp": 1}])
    mlflow("LogMetric", run_id=run_id, key="inf", value="-Infinity", timestamp=1)
    found = {one["key"]: one for one in mlflow("GetRun", run_id=run_id)["run"]["data"]["metrics"]}
    assert (found["m"]["value"], found["m"]["step"]) == (3.0, 3)
    assert (found["odd"]["value"], found["inf"]["value"]) == ("NaN", -1.7976931348623157e308)
    history = mlflow("GetMetricHistory", run_id=run_id, metric_key="m")
    assert [one["value"] for one in history["metrics"]] == [1.0, 2.0, 3.0]
    first = mlflow("GetMetricHistory", run_id=run_id, metric_key="m", max_results=2)
    last = mlflow("GetMetricHistory", run_id=run_id, metric_key="m", max_results=2, page_token=first["next_page_token"])
    assert ([one["step"] for one in last["metrics"]], "next_page_token" in last) == ([3], False)
    bulk = mlflow("GetMetricHistoryBulkInterval", run_ids=[run_id, "f" * 32], metric_key="m", start_step=2, end_step=9)
    assert [(one["run_id"], one["step"]) for one in bulk["metrics"]] == [(run_id, 2), (run_id, 3)]


@pytest.mark.parametrize(
    "point",
    [
        {"value": 1.0},
        {"timestamp": 1},
        {"value": 1.0, "timestamp": -1},
        {"value": True, "timestamp": 1},
        {"value": 1.0, "timestamp": 1, "step": 2**63},
        {"value": 1.0, "timestamp": 1, "step": 1.5},
        {"value": {}, "timestamp": 1},
    ],
)
def test_a_point_that_is_none_is_refused(mlflow, run_id, point):
    assert refused(mlflow, "LogMetric", run_id=run_id, key="m", **point).code == "INVALID_PARAMETER_VALUE"
    assert refused(mlflow, "LogBatch", run_id=run_id, metrics=[{"key": "m", **point}]).status == 400


def test_a_run_in_the_bin_takes_nothing_and_comes_back(mlflow, run_id):
    mlflow("DeleteRun", run_id=run_id)
    for name, fields in [
        ("SetTag", {"key": "a", "value": "b"}),
        ("LogParam", {"key": "a", "value": "b"}),
        ("LogMetric", {"key": "a", "value": 1.0, "timestamp": 1}),
        ("LogBatch", {}),
        ("UpdateRun", {"status": "FAILED"}),
        ("DeleteRun", {}),
    ]:
        assert "'active' state" in refused(mlflow, name, run_id=run_id, **fields).message
    assert mlflow("SearchRuns", experiment_ids=["0"])["runs"] == []
    found = mlflow("SearchRuns", experiment_ids=["0"], run_view_type="DELETED_ONLY")["runs"]
    assert [one["info"]["run_id"] for one in found] == [run_id]
    mlflow("RestoreRun", run_id=run_id)
    assert refused(mlflow, "RestoreRun", run_id=run_id).status == 400
    assert len(mlflow("SearchRuns", experiment_ids=["0"])["runs"]) == 1


def test_tags_are_overwritten_and_deleted(mlflow, run_id):
    mlflow("SetTag", run_id=run_id, key="a", value="1")
    mlflow("LogBatch", run_id=run_id, tags=[{"key": "a", "value": "2"}, {"key": "a", "value": "3"}])
    assert tags(mlflow("GetRun", run_id=run_id)["run"])["a"] == "3"
    mlflow("DeleteTag", run_id=run_id, key="a")
    assert refused(mlflow, "DeleteTag", run_id=run_id, key="a").code == "RESOURCE_DOES_NOT_EXIST"


def test_datasets_and_models_stand_with_their_run(mlflow, run_id):
    dataset = {"name": "d", "digest": "1", "source_type": "local", "source": "{}"}
    use = {"tags": [{"key": "mlflow.data.context", "value": "training"}], "dataset": dataset}
    mlflow("LogInputs", run_id=run_id, datasets=[use])
    mlflow("LogInputs", run_id=run_id, datasets=[use])
    model = mlflow("CreateLoggedModel", experiment_id="0", name="m", source_run_id=run_id)["model"]["info"]["model_id"]
    mlflow("LogOutputs", run_id=run_id, models=[{"model_id": model, "step": 4}])
    run = mlflow("GetRun", run_id=run_id)["run"]
    assert run["inputs"]["dataset_inputs"] == [use]
    assert run["outputs"]["model_outputs"] == [{"model_id": model, "step": 4}]
    found = mlflow("SearchRuns", experiment_ids=["0"], filter="dataset.context = 'training' AND dataset.name = 'd'")
    assert len(found["runs"]) == 1
    assert mlflow("SearchDatasets", experiment_ids=["0"]) == {
        "dataset_summaries": [{"experiment_id": "0", "name": "d", "digest": "1", "context": "training"}]
    }
    assert refused(mlflow, "LogOutputs", run_id=run_id, models=[{"model_id": "m-1", "step": 0}]).status == 404


def test_ids_of_another_workspace_find_nothing(mlflow, bearer, charlie_user):
    theirs = mlflow("CreateExperiment", name="walled")["experiment_id"]
    run_id = mlflow("CreateRun", experiment_id=theirs)["run"]["info"]["run_id"]
    mlflow("CreateLoggedModel", experiment_id=theirs, name="m", source_run_id=run_id)
    dataset = {"name": "d", "digest": "1", "source_type": "local", "source": "{}"}
    mlflow("LogInputs", run_id=run_id, datasets=[{"tags": [], "dataset": dataset}])
    searches = [("SearchRuns", "runs"), ("SearchLoggedModels", "models"), ("SearchDatasets", "dataset_summaries")]
    stranger = Mlflow(bearer(charlie_user), "/w/elsewhere")
    for message, name in searches:
        assert len(mlflow(message, experiment_ids=[theirs, "999999"])[name]) == 1
        assert stranger(message, experiment_ids=[theirs, "0"]).get(name, []) == []


def test_a_submitted_run_is_ended_by_its_job_alone(mlflow, alice, workspace):
    from experiments import operations

    experiment = Experiment.objects.get(workspace=workspace)
    run = operations.create_run(alice, experiment, is_submitted=True)
    assert mlflow("UpdateRun", run_id=run.pk, status="FINISHED", end_time=1)["run_info"]["status"] == "RUNNING"
    operations.finish_submitted_run(alice, run, status="FAILED", end_ms=9)
    assert mlflow("GetRun", run_id=run.pk)["run"]["info"]["end_time"] == 9


# ---- Logged models --------------------------------------------------------------------------------------------------


def test_a_logged_model_is_made_filled_and_finalized(mlflow, run_id):
    made = mlflow("CreateLoggedModel", experiment_id="0", name="m", source_run_id=run_id, model_type="agent")["model"]
    model_id = made["info"]["model_id"]
    assert made["info"]["status"] == "LOGGED_MODEL_PENDING"
    assert made["info"]["artifact_uri"] == f"mlflow-artifacts:/0/models/{model_id}/artifacts"
    mlflow("LogLoggedModelParamsRequest", model_id=model_id, params=[{"key": "p", "value": "1"}])
    mlflow("SetLoggedModelTags", model_id=model_id, tags=[{"key": "a/b", "value": "1"}, {"key": "c", "value": "2"}])
    mlflow("DeleteLoggedModelTag", model_id=model_id, tag_key="a/b")
    mlflow("LogMetric", run_id=run_id, key="acc", value=0.5, timestamp=1, model_id=model_id, dataset_name="d")
    done = mlflow("FinalizeLoggedModel", model_id=model_id, status="LOGGED_MODEL_READY")["model"]
    assert (done["info"]["status"], done["info"]["tags"]) == ("LOGGED_MODEL_READY", [{"key": "c", "value": "2"}])
    found = mlflow("GetLoggedModel", model_id=model_id)["model"]["data"]
    assert (found["metrics"][0]["value"], found["metrics"][0]["dataset_name"]) == (0.5, "d")
    for text in ("metrics.acc > 0.4", "params.p = '1'", "name = 'm' AND status = 'READY'", "model_type LIKE 'a%'"):
        assert len(mlflow("SearchLoggedModels", experiment_ids=["0"], filter=text)["models"]) == 1, text
    order = [{"field_name": "metrics.acc", "ascending": False}]
    assert len(mlflow("SearchLoggedModels", experiment_ids=["0"], order_by=order)["models"]) == 1
    other = [{"dataset_name": "other"}]
    assert mlflow("SearchLoggedModels", experiment_ids=["0"], datasets=other)["models"] == []
    mlflow("DeleteLoggedModel", model_id=model_id)
    assert refused(mlflow, "GetLoggedModel", model_id=model_id).status == 404


# ---- Who may --------------------------------------------------------------------------------------------------------


def test_a_reader_reads_and_a_stranger_sees_nothing(mlflow, bearer, bob_user, charlie_user, run_id):
    bob, charlie = Mlflow(bearer(bob_user)), Mlflow(bearer(charlie_user))
    assert bob("GetRun", run_id=run_id)["run"]["info"]["run_id"] == run_id
    assert refused(bob, "SetTag", run_id=run_id, key="a", value="b").code == "PERMISSION_DENIED"
    assert refused(bob, "CreateRun", experiment_id="0").status == 403
    assert refused(charlie, "GetRun", run_id=run_id).status == 404
    own = Mlflow(bearer(charlie_user), "")
    assert refused(own, "GetRun", run_id=run_id).status == 404
    assert own("SearchRuns", experiment_ids=["0"])["runs"] == []
    assert own("SearchExperiments", max_results=9)["experiments"][0]["experiment_id"] != "0"


def test_an_rpc_that_is_not_served_says_so_at_once(mlflow):
    error = refused(mlflow, "StartTrace", experiment_id="0")
    assert (error.status, error.code) == (501, "NOT_IMPLEMENTED")


def test_a_method_that_a_path_lacks_is_405(mlflow):
    response = mlflow.client.delete("/w/main/api/2.0/mlflow/runs/get")
    assert (response.status_code, response["Allow"]) == (405, "GET")


def test_the_server_tells_of_workspaces(mlflow):
    info = mlflow.client.get("/api/3.0/mlflow/server-info").json()
    assert info["workspaces_enabled"] is True
    assert [one["name"] for one in mlflow("ListWorkspaces")["workspaces"]] == ["main"]
    assert refused(mlflow, "GetWorkspace", workspace_name="elsewhere").status == 404
