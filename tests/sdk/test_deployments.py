"""MLflow's deployments with the target `azureml`, over the studio's endpoints."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from azureml.core import Model
from azureml.core.compute import AksCompute, ComputeTarget
from azureml.core.webservice import AciWebservice, webservice

import tests.sdk.whole_mlflow  # noqa: F401  before MLflow's own imports
from tests.sdk.test_services import become

import mlflow  # isort: skip
from mlflow.deployments import get_deploy_client, interface  # isort: skip
from mlflow.exceptions import MlflowException  # isort: skip

pytestmark = pytest.mark.django_db

FILE = "deploy-config-file"
MLMODEL = "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    model_path: model.pkl\n"


@pytest.fixture
def client(ws):
    interface.plugin_store.register("azureml", "studio_sdk.mlflow_plugin.deployments")
    return get_deploy_client(ws.get_mlflow_tracking_uri())


@pytest.fixture
def model(ws, folder):
    """A model in MLflow's layout, two versions of it."""
    (folder / "model").mkdir()
    (folder / "model/MLmodel").write_text(MLMODEL)
    (folder / "model/model.pkl").write_bytes(b"x")
    for _version in range(2):
        Model.register(ws, str(folder / "model"), "diabetes")
    return folder / "model"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Services are healthy at the first look after the one that found them starting."""
    from deployments.models import Endpoint

    def heal(_seconds):
        for name in Endpoint.objects.filter(state="Transitioning").values_list("name", flat=True):
            become(name, state="Healthy")

    monkeypatch.setattr(webservice, "time", SimpleNamespace(sleep=heal, monotonic=time.monotonic))


def file(folder, **said):
    (folder / "deploy.json").write_text(json.dumps(said))
    return {FILE: str(folder / "deploy.json")}


def test_a_registered_model_is_deployed_listed_and_deleted(client, model):
    made = client.create_deployment("answers", "models:/diabetes/1")
    assert (made["name"], made["state"], made["flavor"]) == ("answers", "Healthy", "python_function")
    assert made["models"] == ["diabetes:1"]
    assert made["scoringUri"].endswith("/endpoints/main/answers/score")
    assert made["tags"]["model_uri"] == "models:/diabetes/1"
    assert [one["name"] for one in client.list_deployments()] == ["answers"]
    assert client.get_deployment("answers")["computeType"] == "ACI"
    client.delete_deployment("answers")
    client.delete_deployment("nothere")


def test_a_folder_is_registered_under_the_deployments_name(client, ws, model):
    assert client.create_deployment("from-folder", str(model))["models"] == ["from-folder:1"]
    assert Model(ws, "from-folder").version == 1


def test_a_file_says_how_it_is_deployed(client, ws, model, folder):
    ComputeTarget.create(ws, "aks-mlflow", AksCompute.provisioning_configuration())
    config = file(
        folder, computeType="aks", computeTargetName="aks-mlflow", description="for all", tags={"team": "red"},
        containerResourceRequirements={"cpu": 0.2, "memoryInGB": 0.5}, numReplicas=2, scoringTimeoutMs=1000,
        **{"async": True},
    )  # fmt: skip
    made = client.create_deployment("answers", "models:/diabetes/1", config=config)
    assert (made["state"], made["computeType"], made["description"]) == ("Transitioning", "AKS", "for all")
    assert made["containerResourceRequirements"] == {"cpu": 0.2, "memoryInGB": 0.5}
    assert made["tags"]["team"] == "red"


def test_a_deployment_is_updated_to_another_version_or_other_rules(client, model, folder):
    client.create_deployment("answers", "models:/diabetes/1")
    assert client.update_deployment("answers", "models:/diabetes/2")["models"][-1] == "diabetes:2"
    changed = client.update_deployment("answers", config=file(folder, description="new", authEnabled=True))
    assert (changed["description"], changed["authEnabled"]) == ("new", True)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda c, f: c.create_deployment("answers", "models:/diabetes/1", flavor="sklearn"), "python_function"),
        (lambda c, f: c.create_deployment("answers", "models:/diabetes/1", config={"x": 1}), "deploy-config-file"),
        (
            lambda c, f: c.create_deployment("answers", "models:/diabetes/1", config={"deploy-config-file": "no"}),
            "read",
        ),
        (lambda c, f: c.create_deployment("answers", "models:/diabetes/1", config=file(f, size=3)), "size"),
        (lambda c, f: c.create_deployment("answers", "models:/diabetes/1", config=file(f, computeType="vm")), "aks"),
        (lambda c, f: c.create_deployment("answers", "models:/diabetes/9"), "9"),
        (lambda c, f: c.create_deployment("A", "models:/diabetes/1"), "cannot be the name"),
        (lambda c, f: c.create_deployment("answers", "models:/diabetes/1", endpoint="e"), "managed endpoints"),
        (lambda c, f: c.get_deployment("nothere"), "no deployment"),
        (lambda c, f: c.update_deployment("nothere", "models:/diabetes/1"), "no deployment"),
        (lambda c, f: c.predict("nothere", [[1]]), "no deployment"),
    ],
)
def test_what_cannot_be_is_mlflows_exception(client, model, folder, ask, said):
    with pytest.raises(MlflowException, match=said):
        ask(client, folder)


def test_a_name_that_is_taken_is_refused(client, model):
    client.create_deployment("answers", "models:/diabetes/1")
    with pytest.raises(MlflowException, match="already") as raised:
        client.create_deployment("answers", "models:/diabetes/2")
    assert raised.value.error_code == "RESOURCE_ALREADY_EXISTS"


def test_a_prediction_is_a_frame_or_an_array(client, model, monkeypatch):
    from studio_sdk.mlflow_plugin import deployments

    asked = []
    monkeypatch.setattr(AciWebservice, "run", lambda self, text: asked.append(json.loads(text)) or [1.5, 2.5])
    monkeypatch.setattr(deployments, "gives_array", lambda service: bool(asked[1:]))
    client.create_deployment("answers", "models:/diabetes/1")
    frame = pd.DataFrame({"a": [1, 2]}, index=[3, 4])
    pd.testing.assert_frame_equal(client.predict("answers", frame), pd.DataFrame([1.5, 2.5]))
    assert asked[0] == {"input_data": {"columns": ["a"], "index": [3, 4], "data": [[1], [2]]}}
    np.testing.assert_array_equal(client.predict("answers", np.array([[1], [2]])), [1.5, 2.5])
    assert asked[1] == {"input_data": [[1], [2]]}


def test_the_bare_target_is_the_workspace_of_config_json(ws, folder):
    interface.plugin_store.register("azureml", "studio_sdk.mlflow_plugin.deployments")
    ws.write_config()
    mlflow.set_tracking_uri("")
    assert get_deploy_client("azureml").workspace.name == "main"
    with pytest.raises(MlflowException, match="address of a workspace"):
        get_deploy_client("azureml://localhost/elsewhere")


def test_the_target_explains_itself_and_runs_nothing_here():
    from studio_sdk.mlflow_plugin import deployments

    assert "deploy-config-file" in deployments.target_help()
    with pytest.raises(MlflowException, match="mlflow models serve"):
        deployments.run_local("x", "models:/x/1")
