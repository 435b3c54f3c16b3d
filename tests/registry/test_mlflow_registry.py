"""The registry as MLflow's clients meet it."""

import io

import pytest

from experiments import operations as experiments
from experiments.models import Experiment, LoggedModel, Run
from lib.errors import InvalidValue, NotFound
from registry import operations, queries
from registry.models import ModelVersion
from tests.experiments.test_mlflow_runs import refused
from tests.mlflow_client import Mlflow

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(alice, workspace) -> Run:
    made = experiments.create_run(alice, Experiment.objects.get(workspace=workspace), name="r")
    experiments.put_artifact(alice, made, path="model/MLmodel", source=io.BytesIO(b"flavors: {}"))
    return made


@pytest.fixture
def logged(alice, run) -> LoggedModel:
    made = experiments.create_logged_model(alice, run.experiment, name="forest", source_run_id=run.pk)
    experiments.put_artifact(alice, made, path="MLmodel", source=io.BytesIO(b"flavors: {}"))
    return made


@pytest.fixture
def model(mlflow):
    return mlflow("CreateRegisteredModel", name="m", description="d", tags=[{"key": "k", "value": "v"}])


def make(mlflow, run, name="m", **fields):
    made = mlflow("CreateModelVersion", name=name, source=f"runs:/{run.pk}/model", run_id=run.pk, **fields)
    return made["model_version"]


def test_a_name_is_taken_once_and_must_be_plain(mlflow, model):
    assert model["registered_model"]["tags"] == [{"key": "k", "value": "v"}]
    assert refused(mlflow, "CreateRegisteredModel", name="m").code == "RESOURCE_ALREADY_EXISTS"
    for name in ("", "a/b", "a:b", "..", "x" * 300, " "):
        assert refused(mlflow, "CreateRegisteredModel", name=name).code == "INVALID_PARAMETER_VALUE"
    assert refused(mlflow, "GetRegisteredModel", name="other").code == "RESOURCE_DOES_NOT_EXIST"


def test_a_number_is_never_used_again(mlflow, model, run):
    assert [make(mlflow, run)["version"] for _ in range(3)] == ["1", "2", "3"]
    mlflow("DeleteModelVersion", name="m", version="3")
    assert refused(mlflow, "GetModelVersion", name="m", version="3").status == 404
    made = make(mlflow, run)
    assert (made["version"], made["status"], made["run_id"]) == ("4", "READY", run.pk)
    assert refused(mlflow, "GetModelVersion", name="m", version="four").status == 400
    assert refused(mlflow, "GetModelVersion", name="m", version="1" * 30).status == 404


def test_aliases_name_one_version_and_go_with_it(mlflow, model, run):
    make(mlflow, run), make(mlflow, run)
    mlflow("SetRegisteredModelAlias", name="m", alias="champion", version="1")
    mlflow("SetRegisteredModelAlias", name="m", alias="champion", version="2")
    assert mlflow("GetModelVersionByAlias", name="m", alias="champion")["model_version"]["version"] == "2"
    shown = mlflow("GetRegisteredModel", name="m")["registered_model"]["aliases"]
    assert shown == [{"alias": "champion", "version": "2"}]
    for alias in ("latest", "v1", "a b", "a/b", "x" * 300):
        assert refused(mlflow, "SetRegisteredModelAlias", name="m", alias=alias, version="1").status == 400
    assert refused(mlflow, "SetRegisteredModelAlias", name="m", alias="a", version="9").status == 404
    mlflow("DeleteModelVersion", name="m", version="2")
    error = refused(mlflow, "GetModelVersionByAlias", name="m", alias="champion")
    assert (error.status, error.code) == (400, "INVALID_PARAMETER_VALUE")
    mlflow("DeleteRegisteredModelAlias", name="m", alias="champion")


def test_stages_are_read_in_any_case_and_archive_on_demand(mlflow, model, run):
    for _ in range(3):
        make(mlflow, run)
    for version in ("1", "2"):
        mlflow("TransitionModelVersionStage", name="m", version=version, stage="production")
    found = mlflow("GetLatestVersions", name="m", stages=["PRODUCTION"])["model_versions"]
    assert [(one["version"], one["current_stage"]) for one in found] == [("2", "Production")]
    move = {"name": "m", "version": "3", "stage": "Production", "archive_existing_versions": True}
    mlflow("TransitionModelVersionStage", **move)
    stages = {one.version: one.stage for one in ModelVersion.objects.all()}
    assert stages == {1: "Archived", 2: "Archived", 3: "Production"}
    assert refused(mlflow, "TransitionModelVersionStage", name="m", version="1", stage="Moon").status == 400
    assert {one["version"] for one in mlflow("GetLatestVersions", name="m")["model_versions"]} == {"2", "3"}


def test_models_and_versions_are_described_renamed_tagged_and_searched(mlflow, model, run):
    make(mlflow, run, description="one", tags=[{"key": "a", "value": "1"}])
    mlflow("RenameRegisteredModel", name="m", new_name="n")
    mlflow("UpdateRegisteredModel", name="n", description="")
    assert "description" not in mlflow("GetRegisteredModel", name="n")["registered_model"]
    mlflow("UpdateModelVersion", name="n", version="1", description="two")
    mlflow("SetModelVersionTag", name="n", version="1", key="b", value="2")
    mlflow("DeleteModelVersionTag", name="n", version="1", key="a")
    mlflow("SetRegisteredModelTag", name="n", key="team", value="red")
    mlflow("DeleteRegisteredModelTag", name="n", key="k")
    found = mlflow("SearchModelVersions", filter=f"name='n' and run_id = '{run.pk}' and tags.b = '2'")
    assert found["model_versions"][0]["description"] == "two"
    assert mlflow("SearchModelVersions", filter="version_number > 1")["model_versions"] == []
    found = mlflow("SearchRegisteredModels", filter="name ILIKE 'N%' and tags.team = 'red'")["registered_models"]
    assert [(one["name"], one["latest_versions"][0]["version"]) for one in found] == [("n", "1")]
    mlflow("DeleteRegisteredModel", name="n")
    assert mlflow("SearchModelVersions")["model_versions"] == []


def test_pages_end_without_a_token(mlflow):
    for letter in "abc":
        mlflow("CreateRegisteredModel", name=letter)
    first = mlflow("SearchRegisteredModels", max_results=2, order_by=["name DESC"])
    assert [one["name"] for one in first["registered_models"]] == ["c", "b"]
    last = mlflow("SearchRegisteredModels", max_results=1, order_by=["name DESC"], page_token=first["next_page_token"])
    assert ([one["name"] for one in last["registered_models"]], "next_page_token" in last) == (["a"], False)
    assert refused(mlflow, "SearchRegisteredModels", max_results=1001).status == 400
    assert refused(mlflow, "SearchRegisteredModels", page_token="junk").status == 400


def test_prompts_show_only_when_asked_for(mlflow, model):
    is_prompt = [{"key": "mlflow.prompt.is_prompt", "value": "true"}]
    mlflow("CreateRegisteredModel", name="p", tags=is_prompt)
    for source in ("prompt-template", "dummy-source"):
        mlflow("CreateModelVersion", name="p", source=source, tags=is_prompt)
    assert refused(mlflow, "CreateModelVersion", name="p", source="/etc", tags=is_prompt).status == 400

    def names(text=""):
        return [one["name"] for one in mlflow("SearchRegisteredModels", filter=text)["registered_models"]]

    assert names() == ["m"]
    assert names("tags.`mlflow.prompt.is_prompt` != 'true'") == ["m"]
    assert names("tags.`mlflow.prompt.is_prompt` = 'true'") == ["p"]
    assert mlflow("SearchModelVersions")["model_versions"] == []


# ---- Sources --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form",
    [
        "runs:/{run}/model",
        "mlflow-artifacts:/0/{run}/artifacts/model",
        "http://studio.example/w/main/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/model",
        "models:/{model}",
        "mlflow-artifacts:/0/models/{model}/artifacts",
        "runs:/{run}/forest",
        "s3://bucket/model",
    ],
)
def test_a_source_that_clients_name_leads_to_its_files(mlflow, model, run, logged, form):
    source = form.format(run=run.pk, model=logged.pk)
    made = mlflow("CreateModelVersion", name="m", source=source)["model_version"]
    assert made["source"] == source
    version = ModelVersion.objects.get()
    if source.startswith("s3:"):
        with pytest.raises(NotFound):
            queries.model_files(version)
        return
    assert version.run == run
    assert (version.logged_model == logged) == ("models" in source.split("/")[2:] or source[-5:] != "model")
    uri = mlflow("GetModelVersionDownloadUri", name="m", version="1")["artifact_uri"]
    assert uri == queries.model_files(version).uri
    copy = mlflow("CreateModelVersion", name="m", source="models:/m/1")["model_version"]
    assert mlflow("GetModelVersionDownloadUri", name="m", version=copy["version"])["artifact_uri"] == uri


HOSTILE = [
    "/etc/passwd",
    "file:///etc",
    "FILE:/etc",
    " /etc",
    "../..",
    "",
    "http:///#/../..",
    "http://169.254.169.254/latest",
    "https://evil.example/model",
    "mlflow-artifacts:/../x",
    "mlflow-artifacts:/0/{run}/artifacts/../../../x",
    "mlflow-artifacts:/0/{run}/artifacts/%2e%2e/x",
    "mlflow-artifacts:/0/{run}/artifacts/%252e%252e/x",
    "mlflow-artifacts:/0/{run}/artifacts/model?p=..",
    "mlflow-artifacts:/0/{run}/artifacts/model#/../..",
    "mlflow-artifacts:/0",
    "runs:/{run}/../..",
    "runs:/{run}\\..\\..",
    "runs:/ffffffffffffffffffffffffffffffff/model",
    "models:/m-ffffffffffffffffffffffffffffffff",
    "models:/nothing/1",
    "models:/m",
    "s3://b/../..",
    "s3:",
    "dbfs:/..",
    "ssh://-oProxyCommand=x",
    "javascript:alert(1)",
    "data:,x",
    "prompt-template",
]


@pytest.mark.parametrize("source", HOSTILE)
def test_a_source_that_leads_elsewhere_is_refused(mlflow, model, run, source):
    error = refused(mlflow, "CreateModelVersion", name="m", source=source.format(run=run.pk))
    assert (error.status, error.code) == (400, "INVALID_PARAMETER_VALUE")
    assert not ModelVersion.objects.exists()


def test_a_source_must_belong_to_the_run_that_is_named(mlflow, model, run, logged, alice):
    other = experiments.create_run(alice, run.experiment)
    for source in (f"runs:/{run.pk}/model", f"mlflow-artifacts:/0/{run.pk}/artifacts/model", f"models:/{logged.pk}"):
        assert refused(mlflow, "CreateModelVersion", name="m", source=source, run_id=other.pk).status == 400
    source = f"models:/{logged.pk}"
    assert refused(mlflow, "CreateModelVersion", name="m", source=source, model_id="m-other").status == 400


def test_a_strangers_files_cannot_be_registered(bearer, charlie_user, elsewhere, run, logged):
    charlie = Mlflow(bearer(charlie_user), "/w/elsewhere")
    charlie("CreateRegisteredModel", name="mine")
    for source in (f"runs:/{run.pk}/model", f"models:/{logged.pk}", f"mlflow-artifacts:/0/{run.pk}/artifacts/model"):
        assert refused(charlie, "CreateModelVersion", name="mine", source=source).status == 400


# ---- The page's road ------------------------------------------------------------------------------------------------


def test_a_model_is_registered_from_its_runs_tab(alice, workspace, run, logged):
    first = operations.register_from_run(alice, workspace, run=run, path="model", name="new")
    second = operations.register_from_run(alice, workspace, run=run, path="forest", name="new", description="d")
    assert (first.version, second.version) == (1, 2)
    assert (first.logged_model, first.artifact_path) == (None, "model")
    assert (second.logged_model, second.artifact_path, second.run) == (logged, "", run)
    with pytest.raises(InvalidValue):
        operations.register_from_run(alice, workspace, run=run, path="absent", name="new")
    with pytest.raises(InvalidValue):
        operations.register_from_run(alice, workspace, run=run, path="../x", name="new")
    with pytest.raises(InvalidValue):
        operations.register_from_run(alice, workspace, run=run, path="model", name="a/b")


def test_a_reader_may_not_register(bearer, bob_user, model, run):
    bob = Mlflow(bearer(bob_user))
    assert bob("GetRegisteredModel", name="m")["registered_model"]["name"] == "m"
    assert refused(bob, "CreateRegisteredModel", name="x").code == "PERMISSION_DENIED"
    source = f"runs:/{run.pk}/model"
    assert refused(bob, "CreateModelVersion", name="m", source=source).status == 403


def test_programs_register_by_the_studios_own_api(bearer, alice_user, bob_user, run):
    client = bearer(alice_user)
    body = {"run_id": run.pk, "path": "model"}
    made = client.post("/w/main/api/v1/models/new/versions", body, content_type="application/json")
    assert (made.status_code, made.json()["version"]) == (201, 1)
    assert [one["name"] for one in client.get("/w/main/api/v1/models").json()] == ["new"]
    assert client.get("/w/main/api/v1/models/new/versions/1").json()["run_id"] == run.pk
    assert bearer(bob_user).delete("/w/main/api/v1/models/new").status_code == 403
    assert client.delete("/w/main/api/v1/models/new").status_code == 204


def test_a_page_of_models_takes_as_many_queries_as_one(mlflow, model, django_assert_max_num_queries):
    for number in range(12):
        mlflow("CreateRegisteredModel", name=f"many {number}", tags=[{"key": "k", "value": "v"}])
        mlflow("CreateModelVersion", name=f"many {number}", source="s3://bucket/model")
        mlflow("SetRegisteredModelAlias", name=f"many {number}", alias="a", version="1")
    with django_assert_max_num_queries(14):
        found = mlflow("SearchRegisteredModels", filter="name LIKE 'many%'", max_results=100)["registered_models"]
    assert [one["latest_versions"][0]["aliases"] for one in found] == [["a"]] * 12
    assert all(one["aliases"] == [{"alias": "a", "version": "1"}] for one in found)
