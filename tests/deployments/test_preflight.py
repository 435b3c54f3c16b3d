"""What is said before anything starts, of a version and of a run's model."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from compute.operations import create_inference_cluster
from deployments import model_files
from deployments.views.deploy import key
from experiments import artifacts
from experiments.artifacts import of_run
from experiments.operations import create_experiment, create_run
from registry.models import ModelVersion, RegisteredModel

MLMODEL = """\
flavors:
  python_function: {loader_module: mlflow.sklearn, model_path: model.pkl}
  sklearn: {pickled_model: model.pkl}
signature:
  inputs: '%s'
  outputs: '[{"type": "double", "required": true}]'
"""
COLUMNS = [{"name": "age", "type": "double", "required": True}, {"name": "sex", "type": "long", "required": True}]


@pytest.fixture
def run(alice, workspace):
    made = create_run(alice, create_experiment(alice, workspace, name="diabetes"), name="swift-fox")
    files = {
        "MLmodel": MLMODEL % json.dumps(COLUMNS),
        "requirements.txt": "scikit-learn==1.5.2\nnumpy==1.26.4\n",
        "model.pkl": "no pickle, but nobody loads it here",
    }
    folder = artifacts.store().root / of_run(made).below("model").key
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return made


@pytest.fixture
def logged(workspace, run) -> ModelVersion:
    model = RegisteredModel.objects.create(workspace=workspace, name="diabetes", last_version=1)
    return ModelVersion.objects.create(
        model=model, version=1, source=f"runs:/{run.pk}/model", run=run, artifact_path="model"
    )


@pytest.fixture
def look(browse, alice_user, workspace):
    def get(user=alice_user, **words):
        return browse(user).get(reverse("deployments:check", args=[workspace.name]), words)

    return get


def findings(answer) -> dict[str, str]:
    assert answer.status_code == 200
    return {one.label: one.tone for one in answer.context["findings"]}


def test_a_version_is_looked_at(look, bob_user, logged):
    answer = look(bob_user, version=key(logged), memory_gb="1", kind="cluster", replicas="2")
    found = findings(answer)
    assert list(found) == ["Model", "Signature", "Files", "Packages", "Memory"]
    assert (found["Model"], found["Signature"], found["Files"]) == ("ok", "ok", "warn")
    text = answer.content.decode()
    assert "age, sex" in text and "model.pkl" in text and "runs its author" in text and "2 packages" in text


def test_a_runs_model_is_looked_at_and_nothing_is_registered(look, run):
    answer = look(run=run.pk, path="model", memory_gb="1")
    assert findings(answer)["Signature"] == "ok"
    assert "age, sex" in answer.content.decode()
    assert not RegisteredModel.objects.exists()


@pytest.mark.parametrize("path", ["nothing", "../..", "model/MLmodel", "a\\b"])
def test_a_path_without_a_model_is_a_finding_and_no_failure(look, run, path):
    answer = look(run=run.pk, path=path)
    assert findings(answer)["Model"] == "bad"
    assert "cannot be deployed" in answer.content.decode()


@pytest.mark.parametrize(
    "words", [{"memory_gb": "lots", "replicas": "many"}, {"replicas": "99999999999"}, {"memory_gb": "nan"}, {}]
)
def test_what_is_no_number_is_no_failure(look, logged, words):
    assert "Memory" in findings(look(version=key(logged), kind="cluster", **words))


def test_no_version_or_another_workspaces_is_asked_for(look, logged):
    assert "Choose a version" in look(version="999999").content.decode()
    assert "Choose a version" in look(version="x'").content.decode()
    assert "Choose a version" in look().content.decode()


def test_a_stranger_learns_nothing(look, charlie_user, run):
    assert look(charlie_user, run=run.pk, path="model").status_code == 404


def test_files_that_are_gone_are_a_finding(look, logged, run):
    ModelVersion.objects.filter(pk=logged.pk).update(run=None, source="s3://elsewhere/model")
    assert findings(look(version=key(logged)))["Model"] == "bad"


def test_packages_that_cannot_be_had_are_a_finding(look, logged, monkeypatch):
    monkeypatch.setattr(model_files, "environment_files", lambda _version: {"requirements.txt": "../evil\n"})
    assert findings(look(version=key(logged)))["Packages"] == "bad"


def test_a_full_cluster_is_a_finding(look, alice, workspace, logged):
    create_inference_cluster(alice, workspace, name="my-aks", vm_size="Standard_B1s", agent_count=1)
    words = {"version": key(logged), "kind": "cluster", "compute_name": "my-aks"}
    assert findings(look(**words, replicas="1"))["Cluster"] == "ok"
    assert findings(look(**words, replicas="2"))["Cluster"] == "bad"


def test_the_forms_ask_for_it(browse, alice_user, workspace, run, logged):
    client = browse(alice_user)
    check = reverse("deployments:check", args=[workspace.name])
    assert f'hx-get="{check}"' in client.get(reverse("deployments:create", args=[workspace.name])).content.decode()
    page = reverse("deployments:create-from-run", args=[workspace.name, run.pk])
    assert f'hx-get="{check}?run={run.pk}&amp;path=model"' in client.get(page, {"path": "model"}).content.decode()
