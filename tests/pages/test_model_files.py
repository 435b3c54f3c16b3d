"""What a model's pages show of its files and its run."""

from __future__ import annotations

import io
import zipfile

import pytest

from registry.models import ModelVersion, RegisteredModel

pytestmark = pytest.mark.django_db
PAGE = "/w/main/models/diabetes/versions/1/"


@pytest.fixture
def register(workspace, run):
    model = RegisteredModel.objects.create(workspace=workspace, name="diabetes", last_version=1)

    def made(path: str, **fields) -> ModelVersion:
        source = f"runs:/{run.pk}/{path}"
        return ModelVersion.objects.create(model=model, version=1, source=source, run=run, artifact_path=path, **fields)

    return made


def test_the_artifacts_tab_lists_a_models_files_and_shows_their_text(browse, alice_user, run, put, register):
    put(run, "model/MLmodel", "flavors:\n  python_function: {loader_module: mlflow.sklearn}\n")
    put(run, "model/conda.yaml", "dependencies: [python=3.11]\n")
    put(run, "model/model.pkl", b"\x80\x04N.")
    register("model")
    page = browse(alice_user).get(f"{PAGE}artifacts/").content.decode()
    assert all(name in page for name in ("MLmodel", "conda.yaml", "model.pkl"))
    shown = browse(alice_user).get(f"{PAGE}artifacts/", {"path": "MLmodel"}).content.decode()
    assert "loader_module" in shown and "mlflow.sklearn" in shown


def test_a_version_links_to_its_run(browse, alice_user, run, put, register):
    put(run, "model/MLmodel", "flavors: {}\n")
    register("model")
    assert f'href="/w/main/runs/{run.pk}/"' in browse(alice_user).get(PAGE).content.decode()


def test_a_version_that_is_one_file_has_its_pages(browse, alice_user, run, put, register, settings):
    settings.STUDIO_SENDS_FILES_BY_GATEWAY = False
    put(run, "outputs/model.joblib", b"\x80\x04N.")
    register("outputs/model.joblib")
    assert browse(alice_user).get(PAGE).status_code == 200
    page = browse(alice_user).get(f"{PAGE}artifacts/", {"path": "model.joblib"})
    assert page.status_code == 200
    assert "model.joblib" in page.content.decode()
    sent = browse(alice_user).get(f"{PAGE}artifact/", {"path": "model.joblib"})
    assert sent.getvalue() == b"\x80\x04N."
    assert browse(alice_user).get(f"{PAGE}artifact/", {"path": "other"}).status_code == 404
    archive = browse(alice_user).get(f"{PAGE}artifact/", {"as": "zip"})
    names = zipfile.ZipFile(io.BytesIO(archive.getvalue())).namelist()
    assert [name.rpartition("/")[2] for name in names] == ["model.joblib"]
