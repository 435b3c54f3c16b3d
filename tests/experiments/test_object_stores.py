"""Datastores in clouds: one contract for every kind, against emulators of S3 and of Google's, and a store in memory."""

from __future__ import annotations

import json

import httpx
import pytest
from fsspec.implementations.asyn_wrapper import AsyncFileSystemWrapper
from fsspec.implementations.memory import MemoryFileSystem

from compute.node.client import StudioClient
from experiments.data import objects, operations, profiling, queries, stores
from experiments.data.drivers import Connection, Secret, gcs
from experiments.data.models import Datastore
from experiments.data.operations import datastores
from lib.errors import AlreadyExists, Conflict, InvalidValue, NotFound, Unavailable
from lib.outbound import Allowed
from tests.experiments.object_servers import S3_SECRET, azure_server, google_server, s3_server
from workspaces.models import AuditEntry

pytestmark = pytest.mark.django_db

API = "/w/main/api/v1"
CSV = b"length,kind\n5.1,setosa\n4.9,setosa\n"
FILES = {
    "team/raw/a.csv": CSV,
    "team/raw/deep/b.csv": CSV,
    "team/readme.txt": b"hello",
    "team/odd//name": b"x",
    "else.txt": b"not below the top",
}


@pytest.fixture(scope="session")
def s3():
    with s3_server(FILES) as url:
        yield url


@pytest.fixture(scope="session")
def google():
    with google_server(FILES) as url:
        yield url


@pytest.fixture(scope="session")
def azure():
    with azure_server(FILES) as url:
        yield url


@pytest.fixture
def local_allowed(settings):
    """Let the emulators be reached: they stand on loopback, which no store of a user may."""
    from experiments.data.drivers import asking

    settings.OUTBOUND_ALLOWED = Allowed.read(["127.0.0.1"])
    asking.loop_of.cache_clear()
    objects.store_at.cache_clear()
    yield
    asking.loop_of.cache_clear()
    objects.store_at.cache_clear()


@pytest.fixture
def bucket(alice, workspace, s3, local_allowed) -> Datastore:
    return operations.create_datastore(
        alice, workspace, name="bucket", kind="s3", container="data", path="team", endpoint=s3, secret=Secret(S3_SECRET)
    )


@pytest.fixture(params=["memory", "s3", "gcs", "azure_blob"])
def store(request, local_allowed) -> tuple[objects.ObjectStore, str]:
    """Give a store of each kind with the same objects, and the key of its top."""
    if request.param == "memory":
        inner = MemoryFileSystem(skip_instance_cache=True)
        inner.store, inner.pseudo_dirs = {}, [""]
        for path, body in FILES.items():
            inner.pipe_file(f"/data/{path}", body)
        return objects.ObjectStore(Connection("s3", "data"), AsyncFileSystemWrapper(inner, asynchronous=True)), "team"
    if request.param == "s3":
        url = request.getfixturevalue("s3")
        return objects.opened(Connection("s3", "data", endpoint=url, secret=Secret(S3_SECRET))), "team"
    if request.param == "azure_blob":
        url, key = request.getfixturevalue("azure"), Secret({"account_key": "a2V5"})
        return objects.opened(Connection("azure_blob", "data", account="account", endpoint=url, secret=key)), "team"
    return objects.opened(Connection("gcs", "data", endpoint=request.getfixturevalue("google"))), "team"


def test_a_folder_lists_folders_first_in_parts(store):
    files, top = store
    whole = files.listing(top, "", 10)
    assert [(one.path, one.is_dir, one.size_bytes) for one in whole.entries if one.path != "odd"] == [
        ("raw", True, None),
        ("readme.txt", False, 5),
    ]
    first = files.listing(top, "", 1)
    assert (len(first.entries), first.rest) == (1, whole.total - 1)
    rest = files.listing(top, first.entries[-1].rank, 10)
    assert first.entries + rest.entries == whole.entries


def test_all_files_below_a_folder_are_walked_but_no_odd_names(store):
    files, top = store
    assert [(one.path, one.size_bytes) for one in files.walk(top)] == [
        ("raw/a.csv", len(CSV)),
        ("raw/deep/b.csv", len(CSV)),
        ("readme.txt", 5),
    ]


def test_files_are_described_and_read_from_any_place(store):
    files, top = store
    assert files.stat(f"{top}/raw").is_dir
    assert files.stat(f"{top}/raw/a.csv").size_bytes == len(CSV)
    with files.open(f"{top}/raw/a.csv") as file:
        assert file.read(6) == b"length"
        file.seek(-7, 2)
        assert file.read() == b"setosa\n"
        file.seek(0)
        assert file.read() == CSV


def test_what_is_not_there_is_not_found_and_a_folder_is_no_file(store):
    files, top = store
    for ask in (files.stat, files.open):
        with pytest.raises(NotFound):
            ask(f"{top}/nothing.csv")
    with pytest.raises(NotFound):
        files.open(f"{top}/raw")


def test_what_is_no_store_of_the_kind_says_so(s3, azure, local_allowed):
    for kind, url in (("azure_blob", s3), ("gcs", azure), ("s3", azure)):
        with pytest.raises((Unavailable, NotFound, Conflict)):
            objects.opened(Connection(kind, "data", account="account", endpoint=url)).listing("", "", 1)


def test_the_studio_writes_and_deletes_nothing(store):
    files, top = store
    with pytest.raises(Conflict):
        files.put(f"{top}/new", b"")
    with pytest.raises(Conflict):
        files.delete(f"{top}/readme.txt")


# ---- Through the studio ---------------------------------------------------------------------------------------------


def test_a_bucket_is_opened_listed_and_read_by_the_api(bearer, alice_user, workspace, s3, local_allowed):
    mine = bearer(alice_user)
    body = {"name": "bucket", "kind": "s3", "container": "data", "path": "team", "endpoint": s3, "secret": S3_SECRET}
    tested = mine.post(f"{API}/datastore-test", {**body, "name": "x"}, content_type="application/json")
    assert tested.json()["found"] >= 2, tested.content
    made = mine.post(f"{API}/datastores", body, content_type="application/json")
    assert (made.status_code, made.json()["has_credentials"], made.json()["can_write"]) == (201, True, False)
    listed = mine.get(f"{API}/datastores/bucket/files?path=raw").json()
    assert [one["path"] for one in listed["entries"]] == ["deep", "a.csv"]
    got = mine.get(f"{API}/datastores/bucket/files/raw/a.csv")
    assert (b"".join(got.streaming_content), got["Content-Length"]) == (CSV, str(len(CSV)))
    put = mine.put(f"{API}/datastores/bucket/files/new.csv", CSV, content_type="application/octet-stream")
    assert put.status_code == 409


def test_credentials_are_encrypted_and_never_told(bearer, alice_user, bucket):
    secret = S3_SECRET["secret_access_key"]
    row = Datastore.objects.get(pk=bucket.pk)
    assert row.sealed and secret not in row.sealed
    mine = bearer(alice_user)
    for url in (f"{API}/datastores", f"{API}/datastores/bucket", "/w/main/datastores/", "/w/main/datastores/bucket/"):
        answer = mine.get(url)
        assert answer.status_code == 200
        assert secret.encode() not in answer.content
        assert row.sealed.encode() not in answer.content
    written = json.dumps(list(AuditEntry.objects.values()), default=str)
    assert "create_datastore" in written and secret not in written


def test_a_table_in_a_bucket_has_versions_a_preview_and_a_profile(bearer, alice_user, alice, workspace, bucket):
    version = operations.create_dataset(
        alice, workspace, name="iris", kind="tabular", datastore=bucket, paths=["raw/**/*.csv"]
    )
    assert [one["name"] for one in version.files] == ["a.csv", "deep/b.csv"]
    profiling.work_on(version.pk)
    version.refresh_from_db()
    assert (version.profile_state, version.profile["rows"]) == ("ready", 4), version.profile_error
    page = bearer(alice_user).get("/w/main/datasets/iris/1/explore/")
    assert b"setosa" in page.content
    file = bearer(alice_user).get("/w/main/datasets/iris/1/file/?path=a.csv")
    assert b"".join(file.streaming_content) == CSV


def test_a_table_larger_than_is_copied_is_profiled_by_its_first_rows(alice, workspace, bucket, monkeypatch):
    version = operations.create_dataset(
        alice, workspace, name="iris", kind="tabular", datastore=bucket, paths=["raw/a.csv"]
    )
    monkeypatch.setattr(profiling, "COPIED_BYTES", 24)
    profiling.work_on(version.pk)
    version.refresh_from_db()
    assert (version.profile["rows"], version.profile["is_whole"]) == (1, False)


def test_a_signed_address_leads_to_the_store_itself(bucket):
    url = stores.address_of(bucket, "raw/a.csv", 60)
    assert "Signature=" in url
    assert S3_SECRET["secret_access_key"] not in url
    assert httpx.get(url, trust_env=False).content == CSV
    assert stores.address_of(stores.default_of(bucket.workspace), "x.csv", 60) == ""


def test_a_node_fetches_from_the_store_and_through_the_studio_when_it_cannot(bucket, tmp_path):
    here = {"url": stores.address_of(bucket, "raw/a.csv", 60)}
    asked = []

    def studio(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params.get("through", ""))
        if request.url.params.get("through") == "studio":
            return httpx.Response(200, content=b"through the studio")
        return httpx.Response(307, headers={"Location": here["url"]})

    client = StudioClient("http://studio", "token")
    client.http = httpx.Client(base_url="http://studio", transport=httpx.MockTransport(studio))
    client.download("/file", tmp_path / "a")
    assert ((tmp_path / "a").read_bytes(), asked) == (CSV, [""])
    here["url"] = "http://127.0.0.1:9/unreachable"
    client.download("/file", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"through the studio"


def rsa_key() -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.PKCS8
    return made.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def test_google_and_azure_sign_addresses_by_themselves(workspace):
    key = {
        "type": "service_account", "client_email": "a@b.iam.gserviceaccount.com", "private_key": rsa_key(),
        "private_key_id": "1", "token_uri": "https://10.0.0.1/steal",
    }  # fmt: skip
    google = Connection("gcs", "data", secret=Secret({"service_account": json.dumps(key)}))
    assert gcs.service_account(google)["token_uri"] == gcs.TOKEN_URI
    url = objects.opened(google).address("team/a.csv", name="a.csv", seconds=60)
    assert url.startswith("https://storage.googleapis.com/data/team/a.csv?X-Goog-Algorithm=")
    azure = Connection("azure_blob", "data", account="account", secret=Secret({"account_key": "a2V5"}))
    url = objects.opened(azure).address("team/a.csv", name="a.csv", seconds=60)
    assert url.startswith("https://account.blob.core.windows.net/data/team/a.csv?")
    assert "sig=" in url


def test_other_credentials_take_the_place_of_the_first(bearer, alice_user, bob_user, bucket):
    body = {"secret": {"access_key_id": "AKIAOTHER", "secret_access_key": "another"}}
    url = f"{API}/datastores/bucket"
    assert bearer(bob_user).patch(url, body, content_type="application/json").status_code == 403
    assert bearer(alice_user).patch(url, body, content_type="application/json").status_code == 200
    bucket.refresh_from_db()
    assert stores.connection_of(bucket).secret["access_key_id"] == "AKIAOTHER"


def test_a_missing_bucket_says_so_on_its_page(alice, workspace, s3, local_allowed, bearer, alice_user):
    operations.create_datastore(
        alice, workspace, name="gone", kind="s3", container="no-such-bucket", endpoint=s3, secret=Secret(S3_SECRET)
    )
    page = bearer(alice_user).get("/w/main/datastores/gone/")
    assert page.status_code == 200
    assert "nothing there" in page.content.decode()


# ---- Walls ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://127.0.0.1:9000", "https://127.0.0.1:9000", "https://10.0.0.8", "https://169.254.169.254/latest",
        "https://[::1]:9000", "http://storage.example.org", "https://user@host", "ftp://host", "https://localhost",
    ],
)  # fmt: skip
def test_an_endpoint_that_is_not_public_is_refused(endpoint, alice, workspace):
    with pytest.raises(InvalidValue) as caught:
        operations.create_datastore(alice, workspace, name="b", kind="s3", container="data", endpoint=endpoint)
    assert caught.value.field == "endpoint"


def test_a_row_that_names_a_private_address_is_not_connected_to(workspace, s3):
    """What the check at the door missed (a name that changed its address since) the loop refuses."""
    row = Datastore(workspace=workspace, name="b", kind="s3", container="data", endpoint=s3)
    objects.store_at.cache_clear()
    with pytest.raises(InvalidValue, match="public internet"):
        queries.listing(row, "")


def test_a_name_that_leads_to_a_private_address_is_refused_unless_it_is_allowed(workspace, s3, settings):
    from experiments.data.drivers import asking

    port = s3.rpartition(":")[2]
    row = Datastore(
        workspace=workspace, name="b", kind="s3", container="data", endpoint=f"http://localhost:{port}",
        sealed=datastores.sealed(S3_SECRET),
    )  # fmt: skip
    with pytest.raises(InvalidValue, match="public internet"):
        queries.listing(row, "")
    settings.OUTBOUND_ALLOWED = Allowed.read([f"localhost:{port}"])
    asking.loop_of.cache_clear()
    objects.store_at.cache_clear()
    assert queries.listing(row, "").total >= 2
    asking.loop_of.cache_clear()
    objects.store_at.cache_clear()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"kind": "s3", "container": "UPPER"}, "container"),
        ({"kind": "s3", "container": "a/b"}, "container"),
        ({"kind": "s3", "container": "data", "account": "x"}, "account"),
        ({"kind": "s3", "container": "data", "region": "../x"}, "region"),
        ({"kind": "s3", "container": "data", "secret": Secret({"access_key_id": "x"})}, "secret"),
        ({"kind": "azure_blob", "container": "data"}, "account"),
        ({"kind": "azure_blob", "container": "data", "account": "evil.example/"}, "account"),
        ({"kind": "gcs", "container": "data", "secret": Secret({"service_account": "{}"})}, "secret"),
        (
            {"kind": "gcs", "container": "data", "secret": Secret({"service_account": '{"type": "external_account"}'})},
            "secret",
        ),
        ({"kind": "ftp", "container": "data"}, "kind"),
    ],
)
def test_what_is_no_store_is_refused(fields, field, alice, workspace):
    with pytest.raises(InvalidValue) as caught:
        operations.create_datastore(alice, workspace, name="b", **fields)
    assert caught.value.field == field


def test_contributors_open_and_test_no_stores(bearer, bob_user, workspace):
    for url in (f"{API}/datastores", f"{API}/datastore-test"):
        body = {"name": "b", "kind": "s3", "container": "data"}
        assert bearer(bob_user).post(url, body, content_type="application/json").status_code == 403


def test_a_store_that_hangs_is_given_up(local_allowed, monkeypatch):
    import asyncio

    from experiments.data.drivers.asking import ask

    with pytest.raises(Unavailable):
        ask(Connection("s3", "data"), lambda: asyncio.sleep(60), seconds=0.05)


def test_a_name_is_given_once(alice, workspace, bucket):
    with pytest.raises(AlreadyExists):
        operations.create_datastore(alice, workspace, name="bucket", kind="s3", container="data")


def test_the_form_tries_a_connection_before_it_is_opened(browse, alice_user, s3, local_allowed):
    mine = browse(alice_user)
    fields = {"name": "lake", "container": "data", "path": "team", "region": "", "endpoint": s3, "session_token": ""}
    url = "/w/main/data/stores/create/?kind=s3"
    tried = mine.post(url, {**fields, **S3_SECRET, "act": "test"})
    assert tried.status_code == 200
    assert "The connection stands" in tried.content.decode()
    assert not Datastore.objects.filter(name="lake").exists()
    wrong = mine.post(url, {**fields, **S3_SECRET, "container": "no-such-bucket", "act": "test"})
    assert (wrong.status_code, "nothing there" in wrong.content.decode()) == (422, True)
    assert mine.post(url, {**fields, **S3_SECRET, "act": "open"})["Location"] == "/w/main/datastores/lake/"
    assert "readme.txt" in mine.get("/w/main/datastores/lake/").content.decode()
