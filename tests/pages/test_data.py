"""Pages of data: datasets by a form, what is in them, and datastores."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from experiments.artifacts import Listing
from experiments.data import operations, profiling, queries, stores
from experiments.data.drivers import Secret
from experiments.data.models import DatasetVersion, Datastore, RegisteredDataset

pytestmark = pytest.mark.django_db

BASE = "/w/main"
IRIS = b"length,kind\n5.1,setosa\n4.9,<b>setosa</b>\n,virginica\n"


@pytest.fixture(autouse=True)
def without_gateway(settings):
    settings.STUDIO_SENDS_FILES_BY_GATEWAY = False


@pytest.fixture
def mine(browse, alice_user):
    return browse(alice_user)


@pytest.fixture
def iris(mine) -> DatasetVersion:
    fields = {"name": "iris", "kind": "tabular", "has_header": "on", "encoding": "utf-8", "description": "flowers"}
    answer = mine.post(f"{BASE}/data/create/", {**fields, "uploads": SimpleUploadedFile("iris.csv", IRIS)})
    assert (answer.status_code, answer["Location"]) == (303, f"{BASE}/datasets/iris/1/")
    return DatasetVersion.objects.select_related("dataset").get()


def page(client, path: str) -> str:
    answer = client.get(f"{BASE}{path}")
    assert answer.status_code == 200, answer
    return answer.content.decode()


def test_a_dataset_is_made_by_a_form_and_listed(iris, mine):
    shown = page(mine, "/data/")
    assert "/datasets/iris/" in shown
    assert "alice" in shown
    details = page(mine, "/datasets/iris/1/")
    assert "iris@1" in details
    assert "flowers" in details
    assert "iris.csv" in details
    assert "separated by <code>&#x27;,&#x27;</code>" in details
    assert mine.get(f"{BASE}/datasets/iris/")["Location"].endswith("/datasets/iris/1/")
    assert b"".join(mine.get(f"{BASE}/datasets/iris/1/file/?path=iris.csv").streaming_content) == IRIS


def test_a_profile_is_waited_for_and_then_shown_beside_the_rows(iris, mine):
    assert "every 3s" in page(mine, "/datasets/iris/1/explore/")
    profiling.work_on(iris.pk)
    shown = page(mine, "/datasets/iris/1/explore/")
    assert "every 3s" not in shown
    assert "3 rows" in shown
    assert "33.3" in shown
    assert "histogram" in shown
    assert "&lt;b&gt;setosa" in shown
    assert "<b>setosa" not in shown
    part = mine.get(f"{BASE}/datasets/iris/1/explore/", headers={"HX-Request": "true", "HX-Target": "data-profile"})
    assert part.content.decode().lstrip().startswith("<section")


def test_the_code_to_copy_names_the_version(iris, mine):
    shown = page(mine, "/datasets/iris/1/consume/")
    assert "AZUREML_DATAREFERENCE_iris" in shown
    assert "iris@1" in shown
    assert "/api/v1/datasets/iris/versions/1/files/iris.csv" in shown


def test_a_version_of_files_in_a_datastore(iris, mine):
    files = {"files": SimpleUploadedFile("b.csv", IRIS), "folder": "raw"}
    assert mine.post(f"{BASE}/datastores/workspaceblobstore/upload/", files).status_code == 303
    assert "b.csv" in page(mine, "/datastores/workspaceblobstore/?path=raw")
    fields = {"datastore": "workspaceblobstore", "paths": "raw/*.csv", "has_header": "on", "encoding": "utf-8"}
    answer = mine.post(f"{BASE}/datasets/iris/create/", fields)
    assert answer["Location"] == f"{BASE}/datasets/iris/2/"
    assert "/datasets/iris/2/" in page(mine, "/datasets/iris/1/versions/")
    delete = {"path": "raw/b.csv"}
    mine.post(f"{BASE}/datastores/workspaceblobstore/file/delete/", delete)
    assert "b.csv" in page(mine, "/datastores/workspaceblobstore/?path=raw")


def test_a_refused_form_comes_back_with_words(mine):
    fields = {"name": "a/b", "kind": "file", "paths": "x", "datastore": "workspaceblobstore", "encoding": "utf-8"}
    answer = mine.post(f"{BASE}/data/create/", fields)
    assert answer.status_code == 422
    assert "A dataset&#x27;s name" in answer.content.decode()
    nothing = mine.post(f"{BASE}/data/create/", {"name": "x", "kind": "file"})
    assert nothing.status_code == 422
    missing = mine.post(f"{BASE}/data/create/", {**fields, "name": "x", "paths": "nowhere"})
    assert "nowhere" in missing.content.decode()


def test_descriptions_tags_and_the_end(iris, mine):
    mine.post(f"{BASE}/datasets/iris/1/describe/", {"text": "other"})
    mine.post(f"{BASE}/datasets/iris/1/tag/", {"key": "team", "value": "x"})
    dataset = RegisteredDataset.objects.get()
    assert (dataset.description, dataset.tags) == ("other", {"team": "x"})
    mine.post(f"{BASE}/datasets/iris/1/tag/", {"key": "team", "value": ""})
    assert RegisteredDataset.objects.get().tags == {}
    assert "Delete version 1" in page(mine, "/datasets/iris/1/delete/")
    mine.post(f"{BASE}/datasets/iris/1/delete/", {"all": "1"})
    assert not RegisteredDataset.objects.exists()


def test_a_reader_sees_it_and_changes_nothing(iris, browse, bob_user):
    his = browse(bob_user)
    assert "New version" not in page(his, "/datasets/iris/1/")
    assert his.post(f"{BASE}/datasets/iris/1/delete/", {}).status_code == 403
    assert his.get(f"{BASE}/data/create/").status_code == 403


def test_a_folder_that_the_operator_offers_is_opened_by_an_owner(mine, browse, bob_user, settings, tmp_path):
    folder = tmp_path / "offered"
    folder.mkdir()
    (folder / "a.csv").write_bytes(IRIS)
    settings.DATA_FOLDERS = {"shared": folder}
    assert "Open a datastore" in page(mine, "/datastores/")
    assert 'value="shared"' in page(mine, "/data/stores/create/?kind=folder")
    fields = {"name": "shared", "folder": "shared", "path": ""}
    assert browse(bob_user).post(f"{BASE}/data/stores/create/?kind=folder", fields).status_code == 403
    assert mine.post(f"{BASE}/data/stores/create/?kind=folder", fields).status_code == 303
    assert "a.csv" in page(mine, "/datastores/shared/")
    got = mine.get(f"{BASE}/datastores/shared/file/?path=a.csv")
    assert b"".join(got.streaming_content) == IRIS
    assert got["Content-Disposition"].startswith("attachment")
    mine.post(f"{BASE}/datastores/shared/delete/", {})
    assert "a.csv" not in page(mine, "/datastores/")


def test_the_form_of_a_store_asks_for_what_its_kind_needs(mine, browse, bob_user):
    asked = {"s3": "Region", "azure_blob": "Storage account", "gcs": "Key of a service account"}
    for kind, words in asked.items():
        assert words in page(mine, f"/data/stores/create/?kind={kind}")
    assert browse(bob_user).get(f"{BASE}/data/stores/create/").status_code == 403


def test_a_refused_endpoint_is_said_in_the_form_which_keeps_what_was_typed(mine):
    fields = {"name": "b", "container": "data", "path": "", "region": "", "endpoint": "https://10.0.0.1"}
    fields |= {"access_key_id": "AKIA", "secret_access_key": "typed", "session_token": ""}
    for act in ("test", "open"):
        answer = mine.post(f"{BASE}/data/stores/create/?kind=s3", {**fields, "act": act})
        assert answer.status_code == 422
        shown = answer.content.decode()
        assert "not on the public internet" in shown
        assert 'value="typed"' in shown
        assert "no-store" in answer["Cache-Control"]


# ---- Credentials ----------------------------------------------------------------------------------------------------


@pytest.fixture
def bucket(alice, workspace) -> Datastore:
    secret = Secret({"access_key_id": "AKIAFIRST", "secret_access_key": "first"})
    return operations.create_datastore(alice, workspace, name="bucket", kind="s3", container="data", secret=secret)


CREDENTIALS = f"{BASE}/datastores/bucket/credentials/"
OTHERS = {"access_key_id": "AKIAOTHER", "secret_access_key": "another"}


def test_credentials_of_a_store_are_replaced_by_a_form(mine, bucket):
    shown = mine.get(CREDENTIALS)
    assert "first" not in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    answer = mine.post(CREDENTIALS, {"act": "replace", **OTHERS})
    assert (answer.status_code, answer["Location"]) == (303, f"{BASE}/datastores/bucket/")
    bucket.refresh_from_db()
    assert stores.connection_of(bucket).secret == OTHERS


def test_refused_credentials_stay_in_the_form_and_change_nothing(mine, bucket):
    refused = mine.post(CREDENTIALS, {"act": "replace", "access_key_id": "AKIAOTHER"})
    assert refused.status_code == 422
    assert "AKIAOTHER" in refused.content.decode()
    assert mine.post(CREDENTIALS, {"act": "replace"}).status_code == 422
    bucket.refresh_from_db()
    assert stores.connection_of(bucket).secret["access_key_id"] == "AKIAFIRST"


def test_credentials_are_tried_without_being_kept(mine, bucket, monkeypatch):
    tried = []
    monkeypatch.setattr(operations, "check_datastore", lambda *_who, **said: tried.append(said) or 7)
    shown = mine.post(CREDENTIALS, {"act": "test", **OTHERS})
    assert "there are 7 names at the top" in shown.content.decode()
    assert tried[0]["connection"].secret == OTHERS
    bucket.refresh_from_db()
    assert stores.connection_of(bucket).secret["access_key_id"] == "AKIAFIRST"


def test_credentials_are_taken_away(mine, bucket):
    assert "Take the credentials away" in mine.get(CREDENTIALS).content.decode()
    assert mine.post(CREDENTIALS, {"act": "remove"}).status_code == 303
    bucket.refresh_from_db()
    assert not bucket.sealed


def test_who_may_not_open_a_store_may_not_see_its_form(mine, browse, bob_user, charlie_user, bucket, monkeypatch):
    monkeypatch.setattr(queries, "listing", lambda *_asked: Listing())
    assert CREDENTIALS in page(mine, "/datastores/bucket/")
    assert CREDENTIALS not in browse(bob_user).get(f"{BASE}/datastores/bucket/").content.decode()
    assert browse(bob_user).get(CREDENTIALS).status_code == 403
    assert browse(bob_user).post(CREDENTIALS, {"act": "remove"}).status_code == 403
    assert browse(charlie_user).get(CREDENTIALS).status_code == 404
    assert mine.get(f"{BASE}/datastores/workspaceblobstore/credentials/").status_code == 404
