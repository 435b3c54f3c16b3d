"""A version that is one file of its run: looked at, weighed, taken by a replica."""

from __future__ import annotations

import pickle
from types import SimpleNamespace

import joblib
import pytest
import sklearn
from sklearn.cluster import KMeans
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from compute.environments import EnvironmentSpec
from compute.models import BuildState, EnvironmentBuild, EnvironmentUse
from deployments import environments, model_files, preflight
from experiments import artifacts
from experiments.artifacts import of_run
from experiments.operations import create_experiment, create_run
from lib.errors import InvalidValue, NotFound
from registry.models import ModelVersion, RegisteredModel


@pytest.fixture
def register(alice, workspace):
    run = create_run(alice, create_experiment(alice, workspace, name="iris"), name="swift-fox")
    root = artifacts.store().root / of_run(run).key
    (root / "outputs").mkdir(parents=True)
    for name in ("outputs/model.joblib", "outputs/notes.txt"):
        (root / name).write_text("twelve bytes")
    model = RegisteredModel.objects.create(workspace=workspace, name="iris", last_version=1)

    def made(path: str) -> ModelVersion:
        number, source = model.versions.count() + 1, f"runs:/{run.pk}/{path}"
        return ModelVersion.objects.create(model=model, version=number, source=source, run=run, artifact_path=path)

    made.root = root
    return made


def test_one_file_is_a_model(register, tmp_path):
    version = register("outputs/model.joblib")
    model_files.check_servable(version)
    assert model_files.describe(version) is None
    assert model_files.environment_files(version) == {}
    assert model_files.weigh(version) == (12, ["model.joblib"])
    assert '"data"' in model_files.example_body(version)
    assert "scikit-learn" in environments.specification(version).requirements
    model_files.put(version, tmp_path / "replica", None)
    assert [one.name for one in (tmp_path / "replica").iterdir()] == ["model.joblib"]
    model_files.remove(tmp_path / "replica")


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_a_bare_pickle_is_served_by_the_scikit_learn_that_wrote_it(register, protocol):
    estimator = make_pipeline(StandardScaler(), SVC()).fit([[0.0], [1.0]], [0, 1])
    (register.root / "outputs/model.joblib").write_bytes(pickle.dumps(estimator, protocol=protocol))
    for path in ("outputs", "outputs/model.joblib"):
        assert model_files.scikit_learn_of(register(path)) == sklearn.__version__
    wanted = environments.specification(register("outputs")).requirements
    assert f"scikit-learn=={sklearn.__version__}" in wanted
    assert "inference-schema[numpy-support]" in wanted


def test_what_wrote_it_is_found_across_pieces(register, monkeypatch):
    monkeypatch.setattr(model_files, "LOOKED_AT_BYTES", 40)
    joblib.dump(KMeans(2, n_init=1).fit([[0.0], [1.0]]), register.root / "outputs/model.joblib")
    assert model_files.scikit_learn_of(register("outputs")) == sklearn.__version__


def test_what_a_file_does_not_say_is_not_guessed(register):
    assert model_files.scikit_learn_of(register("outputs/model.joblib")) == ""
    assert model_files.scikit_learn_of(register("outputs/notes.txt")) == ""


def test_a_folder_is_weighed_with_all_below_it(register):
    assert model_files.weigh(register("outputs")) == (24, ["model.joblib"])
    model_files.check_servable(register("outputs"))


@pytest.mark.parametrize("path", ["outputs/notes.txt", "outputs/gone"])
def test_a_file_that_is_no_model_is_refused(register, path):
    with pytest.raises(InvalidValue, match="cannot be served"):
        model_files.check_servable(register(path))


def test_files_that_are_elsewhere_are_not_described(register):
    version = register("outputs")
    version.run, version.source = None, "s3://elsewhere/model"
    assert model_files.describe(version) is None
    assert model_files.environment_files(version) == {}
    with pytest.raises(NotFound):
        model_files.check_servable(version)


LOCK = "mlflow-skinny==2.22.5\nscikit-learn==1.1.3\nnumpy==1.23.5\ncloudpickle==3.1.2\n"


def test_a_jobs_own_environment_serves_what_it_logged():
    logged = ("cloudpickle==3.1.2", "mlflow==2.22.5", "scikit-learn==1.1.3")
    assert environments.holds(f"{LOCK}pandas==1.5.3\n", logged)
    assert not environments.holds(LOCK, logged), "without pandas MLflow calls no model"
    assert not environments.holds(f"{LOCK}pandas==1.5.3\n", ("mlflow==2.22.4",))


def test_the_python_that_took_anothers_place_counts(workspace, register, monkeypatch):
    old = EnvironmentSpec(python="3.6", requirements=("scikit-learn==0.19.1.*",))
    build = EnvironmentBuild.objects.create(
        digest=old.digest, spec=old.as_json(), state=BuildState.READY, lock="scikit-learn==1.1.3\n"
    )
    EnvironmentUse.objects.create(workspace=workspace, build=build)
    wanted = EnvironmentSpec(python="3.11", requirements=("scikit-learn==1.1.3",))
    version = register("outputs")
    assert environments.already_there(version, wanted) is None
    monkeypatch.setattr(environments.queries, "built", lambda _build: SimpleNamespace(python_version="3.11"))
    assert environments.already_there(version, wanted) == build


def test_a_framework_registered_by_another_version_is_said_before_anything_starts(register):
    version = register("outputs/model.joblib")
    assert preflight._servable(version).tone == "warn"
    joblib.dump(SVC().fit([[0.0], [1.0]], [0, 1]), register.root / "outputs/model.joblib")
    assert preflight._servable(version).tone == "ok"
    version.tags.create(key="azureml.framework_version", value="0.19.1")
    found = preflight._servable(version)
    assert (found.tone, sklearn.__version__ in found.text, "0.19.1" in found.text) == ("warn", True, True)
    not_yet = ModelVersion(model=version.model, version=9, run=version.run, source=version.source,
                           artifact_path=version.artifact_path)  # fmt: skip
    assert preflight._servable(not_yet).tone == "ok"
