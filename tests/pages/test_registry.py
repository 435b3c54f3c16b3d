"""The pages of models, and registering one from a run."""

from __future__ import annotations

import pytest

from registry import holding
from registry.models import ModelVersion, RegisteredModel

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice_browser(browse, alice_user):
    return browse(alice_user)


@pytest.fixture
def version(alice_browser, run, logged_model) -> ModelVersion:
    response = alice_browser.post(f"/w/main/runs/{run.pk}/register/", {"name": "diabetes", "path": "model"})
    assert response.headers["Location"] == "/w/main/models/diabetes/versions/1/"
    return ModelVersion.objects.get()


def test_a_model_is_registered_from_the_artifacts_tab(alice_browser, run, version):
    page = alice_browser.get("/w/main/models/diabetes/versions/1/").content.decode()
    for words in ("bright-heron", "models:/diabetes/1", "scikit-learn", "bmi"):
        assert words in page
    assert "model.pkl" in alice_browser.get("/w/main/models/diabetes/versions/1/artifacts/").content.decode()


def test_an_existing_name_makes_the_next_version(alice_browser, run, version):
    form = alice_browser.get(f"/w/main/runs/{run.pk}/register-form/", {"path": "model"}).content.decode()
    assert '<option value="diabetes">' in form
    alice_browser.post(f"/w/main/runs/{run.pk}/register/", {"name": "diabetes", "path": "model"})
    assert set(ModelVersion.objects.values_list("version", flat=True)) == {1, 2}


def test_a_bad_name_comes_back_in_the_dialog(alice_browser, run, logged_model):
    response = alice_browser.post(f"/w/main/runs/{run.pk}/register/", {"name": "a/b", "path": "model"})
    assert response.status_code == 422
    assert 'aria-invalid="true"' in response.content.decode()


def test_a_run_lists_what_was_registered_from_it(alice_browser, run, version):
    assert "diabetes" in alice_browser.get(f"/w/main/runs/{run.pk}/versions/").content.decode()


def test_aliases_tags_and_notes_are_edited(alice_browser, version):
    base = "/w/main/models/diabetes/versions/1/"
    alice_browser.post(f"{base}aliases/", {"alias": "champion"})
    alice_browser.post(f"{base}tag/", {"key": "team", "value": "research"})
    alice_browser.post(f"{base}describe/", {"description": "Half l1"})
    page = alice_browser.get(base).content.decode()
    for words in ("@champion", "team: research", "Half l1"):
        assert words in page
    alice_browser.post(f"{base}aliases/delete/", {"alias": "champion"})
    alice_browser.post(f"{base}tag/", {"key": "team", "remove": "1"})
    page = alice_browser.get(base).content.decode()
    assert "@champion" not in page
    assert "team: research" not in page


def test_a_model_is_deleted_by_typing_its_name(alice_browser, version):
    address = "/w/main/models/diabetes/delete/"
    assert alice_browser.post(address, {"confirm": "diabete"}).status_code == 422
    assert alice_browser.post(address, {"confirm": "diabetes"}).status_code == 303
    assert not RegisteredModel.objects.exists()


def test_a_reader_may_not_register(browse, bob_user, run, logged_model):
    response = browse(bob_user).post(f"/w/main/runs/{run.pk}/register/", {"name": "x", "path": "model"})
    assert response.status_code == 403


def test_a_stranger_finds_no_model(browse, charlie_user, version):
    assert browse(charlie_user).get("/w/main/models/diabetes/").status_code == 404


def test_an_empty_registry_says_how_to_fill_it(alice_browser, workspace):
    assert "Register model" in alice_browser.get("/w/main/models/").content.decode()


def test_a_tag_that_is_refused_is_said_on_the_page(alice_browser, version):
    base = "/w/main/models/diabetes/versions/1/"
    for place in (base, "/w/main/models/diabetes/"):
        answer = alice_browser.post(f"{place}tag/", {"key": "bad!{}", "value": "x"})
        assert answer.status_code == 303
        assert "toast is-bad" in alice_browser.get(answer["Location"]).content.decode()


def test_many_versions_come_by_pages(alice_browser, version, monkeypatch):
    monkeypatch.setattr("registry.views.models.VERSIONS_A_PAGE", 1)
    ModelVersion.objects.create(model=version.model, version=2, source=version.source, run=version.run)
    first = alice_browser.get("/w/main/models/diabetes/").content.decode()
    assert "Version 2" in first
    assert "Version 1<" not in first
    assert "models:/diabetes/2" in first
    assert "Version 1<" in alice_browser.get("/w/main/models/diabetes/?page=2").content.decode()


def test_a_prompts_and_a_far_versions_files_are_not_its_runs(alice_browser, version):
    for source, uri in (("gs://bucket/model", "gs://bucket/model"), ("dummy-source", "dummy-source")):
        ModelVersion.objects.update(source=source, logged_model=None)
        address = "/w/main/api/2.0/mlflow/model-versions/get-download-uri"
        got = alice_browser.get(address, {"name": "diabetes", "version": "1"}).json()
        assert got == {"artifact_uri": uri}
        assert holding.holds_runs([version.run_id]) == {}


def test_a_model_may_be_called_as_its_maker_likes(alice_browser, browse, bob_user, workspace):
    for name in ("create", "new", "a&b"):
        made = alice_browser.post("/w/main/models/", {"name": name, "description": "as I like"})
        assert "as I like" in alice_browser.get(made.headers["Location"]).content.decode()
        assert RegisteredModel.objects.get(name=name).description == "as I like"
    assert browse(bob_user).post("/w/main/models/", {"name": "bobs"}).status_code == 403
    refused = alice_browser.post("/w/main/models/", {"name": "create"})
    assert refused.status_code == 422
    assert "create" in refused.content.decode()
