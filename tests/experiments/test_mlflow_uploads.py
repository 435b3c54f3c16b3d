"""Files in parts: what MLflow's client does with one that is large, step by step."""

import os
import time

import pytest

from experiments import operations
from experiments.artifacts import uploads
from experiments.models import Experiment

pytestmark = pytest.mark.django_db
FRONT = "/w/main/api/2.0/mlflow-artifacts"
AJAX = "/w/main/ajax-api/2.0/mlflow"


@pytest.fixture
def run(alice, workspace):
    return operations.create_run(alice, Experiment.objects.get(workspace=workspace), name="r")


@pytest.fixture
def client(bearer, alice_user):
    return bearer(alice_user)


@pytest.fixture
def folder(run):
    return f"0/{run.pk}/artifacts/models"


@pytest.fixture
def post(client, folder):
    def send(verb, **fields):
        content = {"path": "/home/somebody/big.bin", **fields}
        return client.post(f"{FRONT}/mpu/{verb}/{folder}", content, content_type="application/json")

    return send


def sent(browse, credential, content):
    """Send a part without any credential but its address."""
    assert credential["headers"] == {}
    answer = browse().put(credential["url"].removeprefix("http://testserver"), content, content_type="x/y")
    assert answer.status_code == 200, answer.content
    return {"part_number": credential["part_number"], "etag": answer["ETag"]}


def test_parts_sent_in_any_order_become_one_file(client, folder, post, browse, store_folder):
    created = post("create", num_parts=3).json()
    parts = [sent(browse, one, bytes([65 + i]) * 10) for i, one in reversed(list(enumerate(created["credentials"])))]
    assert client.get(f"{FRONT}/artifacts", {"path": folder}).json() == {}
    assert post("complete", upload_id=created["upload_id"], parts=parts).json() == {}
    got = client.get(f"{FRONT}/artifacts/{folder}/big.bin")
    assert b"".join(got.streaming_content) == b"A" * 10 + b"B" * 10 + b"C" * 10
    assert list(store_folder.glob("*/.studio-upload-parts/*")) == []
    assert client.get(f"{FRONT}/artifacts", {"path": "0"}).status_code == 404


def test_a_part_that_was_sent_again_or_is_absent_is_told(post, browse):
    created = post("create", num_parts=2).json()
    first = sent(browse, created["credentials"][0], b"a")
    sent(browse, created["credentials"][0], b"another")
    second = sent(browse, created["credentials"][1], b"b")
    for parts in ([first, second], [second], [], [first, first], [{**second, "part_number": 0}]):
        answer = post("complete", upload_id=created["upload_id"], parts=parts)
        assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), parts


def test_an_aborted_upload_leaves_nothing(post, browse, store_folder):
    created = post("create", num_parts=1).json()
    sent(browse, created["credentials"][0], b"a")
    assert post("abort", upload_id=created["upload_id"]).status_code == 200
    assert post("abort", upload_id=created["upload_id"]).status_code == 200
    assert list(store_folder.glob("*/.studio-upload-parts/*")) == []


def test_an_upload_is_of_one_file_only(client, run, post, browse):
    created = post("create", num_parts=1).json()
    part = sent(browse, created["credentials"][0], b"a")
    content = {"path": "other.bin", "upload_id": created["upload_id"], "parts": [part]}
    other = client.post(f"{FRONT}/mpu/complete/0/{run.pk}/artifacts", content, content_type="application/json")
    assert other.status_code == 404
    assert post("complete", upload_id="made up", parts=[part]).status_code == 404
    assert browse().put(f"{FRONT}/mpu/parts/made-up/1", b"x", content_type="x/y").status_code == 404
    assert browse().put(f"{FRONT}/mpu/parts/{created['upload_id']}/10001", b"x").status_code == 400


def test_a_reader_begins_no_upload_and_a_stranger_sees_no_run(bearer, bob_user, charlie_user, folder):
    content = {"path": "a", "num_parts": 1}
    for user, status in ((bob_user, 403), (charlie_user, 404)):
        answer = bearer(user).post(f"{FRONT}/mpu/create/{folder}", content, content_type="application/json")
        assert answer.status_code == status


@pytest.mark.parametrize(
    "fields", [{"num_parts": 0}, {"num_parts": 10_001}, {"num_parts": "x"}, {"path": ".."}, {"path": ""}]
)
def test_nonsense_is_400(post, fields):
    assert post("create", **{"num_parts": 1, **fields}).status_code == 400


def test_what_nobody_completes_is_deleted_after_a_day(post, browse, store_folder):
    created = post("create", num_parts=1).json()
    sent(browse, created["credentials"][0], b"a")
    [folder] = store_folder.glob("*/.studio-upload-parts/*")
    assert uploads.forget_old() == 0
    os.utime(folder, (0, time.time() - uploads.LONGEST_S - 60))
    assert uploads.forget_old() == 1
    assert not folder.exists()


def test_presigned_addresses_are_501_in_mlflows_form(client, folder):
    answer = client.get(f"{FRONT}/presigned/{folder}/x")
    assert (answer.status_code, answer.json()["error_code"]) == (501, "NOT_IMPLEMENTED")


def test_mlflows_page_sends_a_small_file(client, run):
    address = f"{AJAX}/upload-artifact?run_uuid={run.pk}&path=a/b.txt"
    assert client.post(address, b"hello", content_type="text/plain").json() == {}
    got = client.get("/w/main/get-artifact", {"run_id": run.pk, "path": "a/b.txt"})
    assert b"".join(got.streaming_content) == b"hello"
    assert client.post(address, b"", content_type="text/plain").status_code == 400
    assert client.post(f"{AJAX}/upload-artifact?run_uuid={run.pk}", b"x", content_type="text/plain").status_code == 400


def test_histories_of_several_runs_come_in_one_list(client, alice, run, workspace, charlie, elsewhere):
    hidden = operations.create_run(charlie, Experiment.objects.get(workspace=elsewhere), name="hidden")
    other = operations.create_run(alice, Experiment.objects.get(workspace=workspace), name="other")
    from experiments.metrics import Point, append

    for one in (run, other, hidden):
        append(one.pk, [Point("loss", float(step), step, step) for step in range(3)])
    asked = {"run_id": [run.pk, other.pk, hidden.pk], "metric_key": "loss"}
    found = client.get(f"{AJAX}/metrics/get-history-bulk", asked).json()["metrics"]
    assert [one["run_id"] for one in found] == sorted([run.pk, other.pk] * 3)
    assert found[0] == {"key": "loss", "value": 0.0, "timestamp": 0, "step": 0, "run_id": min(run.pk, other.pk)}
    assert len(client.get(f"{AJAX}/metrics/get-history-bulk", {**asked, "max_results": 4}).json()["metrics"]) == 4
    for wrong in ({"max_results": "x"}, {"max_results": 0}, {"run_id": []}, {"run_id": ["a"] * 101}):
        assert client.get(f"{AJAX}/metrics/get-history-bulk", {**asked, **wrong}).status_code == 400
