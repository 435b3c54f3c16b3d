"""Artifacts through the proxy, byte by byte, and the studio's own API for charts."""

import pytest

from experiments import operations
from experiments.metrics import Point
from experiments.models import Experiment
from tests.experiments.test_artifacts import UNSAFE

pytestmark = pytest.mark.django_db
STORE = "/w/main/api/2.0/mlflow-artifacts/artifacts"


@pytest.fixture
def run(alice, workspace):
    return operations.create_run(alice, Experiment.objects.get(workspace=workspace), name="r")


@pytest.fixture
def client(bearer, alice_user):
    return bearer(alice_user)


@pytest.fixture
def root(run):
    return f"0/{run.pk}/artifacts"


def test_a_file_goes_up_is_listed_and_comes_down(client, root, mlflow, run):
    put = client.put(f"{STORE}/{root}/sub/a b.html", b"<script>", content_type="text/html")
    assert (put.status_code, put.json()) == (200, {})
    assert client.get(STORE, {"path": f"{root}/sub"}).json() == {
        "files": [{"path": "a b.html", "is_dir": False, "file_size": 8}]
    }
    assert mlflow("ListArtifacts", run_id=run.pk, path="sub")["files"][0]["path"] == "sub/a b.html"
    got = client.get(f"{STORE}/{root}/sub/a b.html")
    assert b"".join(got.streaming_content) == b"<script>"
    assert got["Content-Disposition"].startswith("attachment")
    assert got["X-Content-Type-Options"] == "nosniff"
    same = client.get("/w/main/get-artifact", {"run_id": run.pk, "path": "sub/a b.html"})
    assert b"".join(same.streaming_content) == b"<script>"
    assert client.delete(f"{STORE}/{root}/sub").status_code == 200
    assert client.get(f"{STORE}/{root}/sub/a b.html").status_code == 404


def test_behind_the_gateway_the_gateway_sends_the_file(client, root, settings):
    settings.STUDIO_SENDS_FILES_BY_GATEWAY = True
    client.put(f"{STORE}/{root}/ü a.txt", b"x", content_type="text/plain")
    got = client.get(f"{STORE}/{root}/ü a.txt")
    assert got["X-Accel-Redirect"] == f"/_files/{root}/%C3%BC%20a.txt"
    assert got.content == b""


@pytest.mark.parametrize("path", [path for path in UNSAFE if path.isprintable() and "\ud800" not in path])
def test_an_unsafe_path_is_400_and_never_500(client, root, path):
    from urllib.parse import quote

    raw = quote(path, safe="/%\\")
    for send in (client.get, client.delete):
        assert send(f"{STORE}/{root}/{raw}").status_code in (400, 404)
    assert client.put(f"{STORE}/{root}/{quote(path, safe='')}", b"x", content_type="a/b").status_code == 400
    assert client.get(STORE, {"path": f"{root}/{path}"}).status_code == 400


def test_what_belongs_to_no_run_is_not_there(client, root, run):
    for path in ("", "0", "0/x", f"9/{run.pk}/artifacts/a", f"0/{'f' * 32}/artifacts/a", "etc/passwd", f"0/{run.pk}/x"):
        assert client.put(f"{STORE}/{path}/a", b"x", content_type="a/b").status_code in (400, 404)
        assert client.get(STORE, {"path": path}).status_code in (400, 404)
    assert client.get(f"{STORE}/{root}/absent").json()["error_code"] == "RESOURCE_DOES_NOT_EXIST"
    assert client.get(STORE, {"path": f"{root}/absent"}).json() == {}


def test_a_reader_fetches_and_a_stranger_learns_nothing(client, bearer, bob_user, charlie_user, root):
    client.put(f"{STORE}/{root}/a", b"x", content_type="a/b")
    bob, charlie = bearer(bob_user), bearer(charlie_user)
    assert bob.get(f"{STORE}/{root}/a").status_code == 200
    assert bob.put(f"{STORE}/{root}/a", b"y", content_type="a/b").status_code == 403
    elsewhere = STORE.replace("main", "elsewhere")
    assert charlie.get(f"{STORE}/{root}/a").status_code == 404
    assert charlie.get(f"{elsewhere}/{root}/a").status_code == 404
    assert charlie.put(f"{elsewhere}/{root}/a", b"y", content_type="a/b").status_code == 404


def test_charts_ask_for_thinned_points(client, alice, run):
    operations.log_batch(alice, run, metrics=[Point("loss", 1 / (1 + step), step, step) for step in range(900)])
    operations.log_batch(alice, run, metrics=[Point("odd", float("nan"), 1, 1)])
    asked = {"run": [run.pk, "absent"], "key": "loss", "points": 50, "start_step": 100}
    [series] = client.get("/w/main/api/v1/metrics", asked).json()
    assert (series["total"], series["steps"][0], series["steps"][-1]) == (800, 100, 899)
    assert len(series["values"]) <= 54
    assert client.get("/w/main/api/v1/metrics", {"run": run.pk, "key": "odd"}).json()[0]["values"] == [None]
    assert client.get(f"/w/main/api/v1/runs/{run.pk}/metric-keys").json() == {"keys": ["loss", "odd"]}
    assert client.get("/w/main/api/v1/runs", {"filter": "metrics.loss < 1"}).json()["total"] == 1
    for wrong in ({"key": "loss"}, {"run": run.pk}, {"run": run.pk, "key": "loss", "points": "many"}):
        assert client.get("/w/main/api/v1/metrics", wrong).status_code == 400
