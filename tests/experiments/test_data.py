"""Datastores and datasets: files in and out, versions that never change, and who may do what."""

from __future__ import annotations

import io
import os

import pytest

from experiments.data import deletion, operations, profiling, queries, stores
from experiments.data.models import DatasetVersion, Datastore, RegisteredDataset
from lib.errors import AlreadyExists, Conflict, Denied, InvalidValue, NotFound, Unavailable
from workspaces.authentication import actor_of_user
from workspaces.models import Membership, Role

pytestmark = pytest.mark.django_db

API = "/w/main/api/v1"
IRIS = b"length,kind\n5.1,setosa\n4.9,setosa\n,virginica\n7.0,virginica\n"


@pytest.fixture
def own(workspace) -> Datastore:
    return stores.default_of(workspace)


@pytest.fixture
def put(alice, own):
    def put(path: str, body: bytes = IRIS, **fields: object) -> int:
        return operations.put_file(alice, own, path=path, source=io.BytesIO(body), size_bytes=len(body), **fields)

    return put


@pytest.fixture
def offered(settings, tmp_path):
    folder = tmp_path / "offered"
    (folder / "team").mkdir(parents=True)
    (folder / "team" / "a.csv").write_bytes(IRIS)
    (tmp_path / "secret.csv").write_text("not yours\n")
    settings.DATA_FOLDERS = {"shared": folder}
    return folder


@pytest.fixture
def shared(alice, workspace, offered) -> Datastore:
    return operations.create_datastore(alice, workspace, name="shared", folder="shared")


@pytest.fixture
def iris(alice, workspace, own, put) -> DatasetVersion:
    put("raw/iris.csv")
    return operations.create_dataset(
        alice, workspace, name="iris", kind="tabular", datastore=own, paths=["raw/iris.csv"]
    )


# ---- Datastores -----------------------------------------------------------------------------------------------------


def test_files_go_in_are_listed_and_come_back_by_the_api(bearer, alice_user, workspace):
    mine = bearer(alice_user)
    stored = mine.put(f"{API}/datastores/default/files/raw/iris.csv", IRIS, content_type="application/octet-stream")
    assert (stored.status_code, stored.json()["size_bytes"]) == (201, len(IRIS))
    listed = mine.get(f"{API}/datastores/default/files?path=raw").json()
    assert listed == {
        "entries": [{"path": "iris.csv", "is_dir": False, "size_bytes": len(IRIS)}],
        "total": 1,
        "after": "",
    }
    got = mine.get(f"{API}/datastores/workspaceblobstore/files/raw/iris.csv")
    assert b"".join(got.streaming_content) == IRIS
    assert "sandbox" in got["Content-Security-Policy"]
    again = mine.put(f"{API}/datastores/default/files/raw/iris.csv", b"x", content_type="application/octet-stream")
    assert again.json()["error_code"] == "RESOURCE_ALREADY_EXISTS"
    assert mine.delete(f"{API}/datastores/default/files/raw/iris.csv").status_code == 204
    assert mine.get(f"{API}/datastores/default/files/raw/iris.csv").status_code == 404


@pytest.mark.parametrize("path", ["../x", "a/../../x", "%2e%2e/x", "a//b", "a\\b", "a/./b"])
def test_a_path_that_could_lead_elsewhere_is_refused(path, put, alice, own, workspace):
    with pytest.raises(InvalidValue):
        put(path)
    with pytest.raises((InvalidValue, NotFound)):
        stores.open_file(own, path)
    with pytest.raises(InvalidValue):
        operations.create_dataset(alice, workspace, name="x", kind="file", datastore=own, paths=[path])


def test_a_reader_reads_and_does_not_write(bearer, bob_user, iris):
    his = bearer(bob_user)
    assert his.get(f"{API}/datasets/iris/versions/latest").json()["version"] == 1
    put = his.put(f"{API}/datastores/default/files/x", b"x", content_type="application/octet-stream")
    assert put.status_code == 403
    assert his.delete(f"{API}/datasets/iris").status_code == 403
    body = {"name": "x", "folder": "shared"}
    assert his.post(f"{API}/datastores", body, content_type="application/json").status_code == 403


def test_a_stranger_sees_none_of_it(bearer, charlie_user, charlie, iris, own):
    theirs = bearer(charlie_user)
    for path in ("datastores", "datasets", "datasets/iris", "datastores/default/files/raw/iris.csv"):
        assert theirs.get(f"{API}/{path}").status_code == 404
    assert theirs.get("/w/elsewhere/api/v1/datasets/iris").status_code == 404
    with pytest.raises(NotFound):
        operations.put_file(charlie, own, path="x", source=io.BytesIO(b"x"))


def test_a_folder_is_opened_by_the_name_that_the_operator_gave_it_and_only_read(alice, shared, workspace):
    assert [one.path for one in queries.listing(shared, "team").entries] == ["a.csv"]
    assert stores.open_file(shared, "team/a.csv").read() == IRIS
    with pytest.raises(Conflict):
        operations.put_file(alice, shared, path="b.csv", source=io.BytesIO(b"x"))
    with pytest.raises(Conflict):
        operations.delete_file(alice, shared, path="team/a.csv")
    with pytest.raises(InvalidValue, match="offered: shared"):
        operations.create_datastore(alice, workspace, name="etc", folder="/etc")
    with pytest.raises(InvalidValue):
        operations.create_datastore(alice, workspace, name="up", folder="shared", path="../..")


def test_no_link_and_no_pipe_of_a_folder_is_followed(shared, offered):
    (offered / "out").symlink_to(offered.parent)
    (offered / "link.csv").symlink_to(offered.parent / "secret.csv")
    os.mkfifo(offered / "pipe.csv")
    for path in ("out/secret.csv", "link.csv", "pipe.csv"):
        with pytest.raises((NotFound, InvalidValue)):
            stores.open_file(shared, path)


def test_a_folder_that_is_no_longer_offered_says_so(shared, settings):
    settings.DATA_FOLDERS = {}
    with pytest.raises(Unavailable, match="STUDIO_DATA_FOLDERS"):
        queries.listing(shared, "")


def test_contributors_open_no_folders(workspace, offered, bob_user):
    Membership.objects.filter(user=bob_user).update(role=Role.CONTRIBUTOR)
    with pytest.raises(Denied):
        operations.create_datastore(actor_of_user(bob_user), workspace, name="shared", folder="shared")


# ---- Datasets -------------------------------------------------------------------------------------------------------


def test_a_dataset_has_versions_by_number_and_the_newest(bearer, alice_user, put, workspace):
    mine = bearer(alice_user)
    put("raw/2024/a.csv")
    put("raw/2025/b.csv")
    body = {"name": "iris", "kind": "tabular", "paths": ["raw/2024"], "tags": {"team": "x"}, "description": "flowers"}
    assert mine.post(f"{API}/datasets", body, content_type="application/json").json()["version"] == 1
    again = mine.post(f"{API}/datasets", body, content_type="application/json")
    assert again.json()["error_code"] == "RESOURCE_ALREADY_EXISTS"
    more = {"paths": ["raw/**/*.csv"], "description": "both years"}
    made = mine.post(f"{API}/datasets/iris/versions", more, content_type="application/json").json()
    assert (made["version"], made["file_count"], made["size_bytes"]) == (2, 2, 2 * len(IRIS))
    files = mine.get(f"{API}/datasets/iris/versions/latest/files").json()["files"]
    assert [one["name"] for one in files] == ["2024/a.csv", "2025/b.csv"]
    assert mine.get(f"{API}/datasets/iris/versions/1").json()["paths"] == ["raw/2024"]
    assert mine.get(f"{API}/datasets/iris/versions/7").status_code == 404
    got = mine.get(f"{API}/datasets/iris/versions/2/files/2025/b.csv")
    assert b"".join(got.streaming_content) == IRIS
    assert mine.get(f"{API}/datasets/iris/versions/2/files/raw/2024/a.csv").status_code == 404
    changed = mine.patch(f"{API}/datasets/iris", {"description": "d"}, content_type="application/json").json()
    assert (changed["description"], changed["tags"], changed["latest_version"]) == ("d", {"team": "x"}, 2)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("raw/*.csv", ["a.csv"]),
        ("raw/**", ["a.csv", "deep/b.csv", "deep/c.txt"]),
        ("raw/**/*.csv", ["a.csv", "deep/b.csv"]),
        ("raw/deep/?.txt", ["c.txt"]),
        ("raw/deep", ["b.csv", "c.txt"]),
        ("/raw/a.csv", ["a.csv"]),
        ("**/c.txt", ["raw/deep/c.txt"]),
    ],
)
def test_a_path_is_a_file_a_folder_or_a_pattern(pattern, found, put, alice, workspace, own):
    for path in ("raw/a.csv", "raw/deep/b.csv", "raw/deep/c.txt"):
        put(path)
    made = operations.create_dataset(alice, workspace, name="x", kind="file", datastore=own, paths=[pattern])
    assert [one["name"] for one in made.files] == found


def test_paths_that_mean_nothing_or_one_name_twice_are_refused(put, alice, workspace, own):
    put("a/x.csv")
    put("b/x.csv")
    for paths in ([], ["nowhere"], ["a/*.parquet"], ["a", "b"]):
        with pytest.raises(InvalidValue):
            operations.create_dataset(alice, workspace, name="x", kind="file", datastore=own, paths=paths)
    assert not RegisteredDataset.objects.exists()


def test_a_file_of_a_version_is_neither_replaced_nor_deleted(put, alice, iris, own):
    with pytest.raises(Conflict, match="iris@1"):
        put("raw/iris.csv", b"other", replaces=True)
    with pytest.raises(Conflict, match="iris@1"):
        operations.delete_file(alice, own, path="raw/iris.csv")
    operations.delete_dataset_version(alice, iris)
    operations.delete_file(alice, own, path="raw/iris.csv")


def test_a_number_is_not_given_twice(alice, iris, own):
    second = operations.create_dataset_version(alice, iris.dataset, datastore=own, paths=["raw"])
    operations.delete_dataset_version(alice, second)
    third = operations.create_dataset_version(alice, iris.dataset, datastore=own, paths=["raw"])
    assert third.number == 3
    with pytest.raises(AlreadyExists):
        operations.create_dataset(alice, iris.workspace, name="iris", kind="file", datastore=own, paths=["raw"])


@pytest.mark.parametrize("name", ["", " x", "a/b", "a@1", "x" * 256, "-x"])
def test_a_bad_name_is_refused(name, alice, workspace, own, put):
    put("a.csv")
    with pytest.raises(InvalidValue):
        operations.create_dataset(alice, workspace, name=name, kind="file", datastore=own, paths=["a.csv"])


def test_a_table_is_made_of_one_kind_of_files(alice, workspace, own, put):
    put("t/a.csv")
    put("t/b.parquet")
    with pytest.raises(InvalidValue):
        operations.create_dataset(alice, workspace, name="x", kind="tabular", datastore=own, paths=["t"])
    with pytest.raises(InvalidValue):
        operations.create_dataset(
            alice, workspace, name="x", kind="tabular", datastore=own, paths=["t/a.csv"], options={"encoding": "zip"}
        )


# ---- Profile --------------------------------------------------------------------------------------------------------


def test_a_profile_says_what_is_in_each_column(iris, bearer, alice_user):
    profiling.work_on(iris.pk)
    said = bearer(alice_user).get(f"{API}/datasets/iris/versions/1/profile").json()
    assert said["state"] == "ready"
    length, kind = said["profile"]["columns"]
    assert (said["profile"]["rows"], said["profile"]["is_whole"], said["profile"]["odd_rows"]) == (4, True, 0)
    assert (length["type"], length["count"], length["missing"]) == ("number", 3, 1)
    assert (length["min"], length["max"], round(length["mean"], 4)) == (4.9, 7.0, 5.6667)
    assert round(length["std"], 4) == 1.1590
    assert length["quantiles"]["0.5"] == 5.1
    assert sum(length["histogram"]) == 3
    assert (kind["type"], kind["distinct"], kind["top"][0]) == ("text", 2, ["setosa", 2])


def test_parquet_is_profiled_too(alice, workspace, own, put):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    body = io.BytesIO()
    parquet.write_table(arrow.table({"n": [1, 2, None], "ok": [True, False, True]}), body)
    put("t.parquet", body.getvalue())
    made = operations.create_dataset(alice, workspace, name="t", kind="tabular", datastore=own, paths=["t.parquet"])
    profiling.work_on(made.pk)
    made.refresh_from_db()
    number, truth = made.profile["columns"]
    assert (number["type"], number["missing"], number["max"]) == ("integer", 1, 2.0)
    assert (truth["type"], truth["distinct"]) == ("boolean", 2)


def test_what_is_no_table_fails_with_words_and_can_be_asked_again(alice, workspace, own, put):
    put("t.parquet", b"PAR1 is not enough")
    made = operations.create_dataset(alice, workspace, name="t", kind="tabular", datastore=own, paths=["t.parquet"])
    profiling.work_on(made.pk)
    made.refresh_from_db()
    assert (made.profile_state, bool(made.profile_error)) == ("failed", True)
    operations.profile_version(alice, made)
    made.refresh_from_db()
    assert made.profile_state == "queued"


def test_two_workers_profile_a_version_once(iris, monkeypatch):
    seen = []

    def read(version):
        seen.append(version.pk)
        profiling.work_on(version.pk)
        return {}

    monkeypatch.setattr(profiling, "read", read)
    profiling.work_on(iris.pk)
    profiling.work_on(iris.pk)
    assert seen == [iris.pk]


def test_rows_of_another_length_are_counted(alice, workspace, own, put):
    put("odd.tsv", b"a\tb\n1\t2\n3\n4\t5\t6\n")
    made = operations.create_dataset(alice, workspace, name="odd", kind="tabular", datastore=own, paths=["odd.tsv"])
    assert made.options["separator"] == "\t"
    found = profiling.read(made)
    assert (found["rows"], found["odd_rows"], found["columns"][1]["missing"]) == (3, 2, 1)


# ---- The end --------------------------------------------------------------------------------------------------------


def test_all_goes_with_the_workspace_but_an_operators_folder(iris, shared, workspace, settings, offered, own):
    assert [one.rows for one in deletion.count(workspace)] == [1]
    folder = settings.ARTIFACTS_DIR / "datastores" / str(own.pk)
    assert folder.exists()
    while deletion.delete_next_batch(workspace):
        pass
    assert not Datastore.objects.exists()
    assert not DatasetVersion.objects.exists()
    assert not folder.exists()
    assert (offered / "team" / "a.csv").exists()
