"""The doors that nodes use."""

from __future__ import annotations

import io
import tarfile

import pytest

pytestmark = pytest.mark.django_db

NODE = "/api/v1/node"


def post(client, path: str, **body: object):
    return client.post(f"{NODE}{path}", body, content_type="application/json")


@pytest.fixture
def joined(node_client):
    answer = post(node_client, "/heartbeat", name="n1", slots=2, cpu_count=2, memory_bytes=1, load=0.5)
    assert answer.status_code == 200
    assert answer.json()["queue"].startswith("cluster-")
    return node_client


def test_a_node_gets_all_that_a_runner_needs(submit, joined):
    job = submit(env={"A": "b"})
    work = post(joined, "/claim", node="n1").json()["job"]
    assert work["run_id"] == job.pk
    assert work["tracking_uri"].endswith("/w/main")
    assert work["environment"]["requirements"] == ["numpy"]
    assert work["env"] == {"A": "b"}
    archive = b"".join(joined.get(f"{NODE}/jobs/{job.pk}/snapshot").streaming_content)
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        assert opened.getnames() == ["train.py"]
    assert post(joined, "/claim", node="n1").json() == {"job": None}
    assert joined.get(f"{NODE}/jobs?node=n1").json() == {"jobs": [{"run_id": job.pk, "attempt": 1}]}


def test_beats_logs_and_the_end_come_by_it(submit, joined, alice_user, bearer):
    job = submit()
    post(joined, "/claim", node="n1")
    here = f"/jobs/{job.pk}"
    assert post(joined, f"{here}/beat", attempt=1, state="Running", newest="x").json() == {"wanted": "run"}
    answer = joined.post(f"{NODE}{here}/logs/std?attempt=1&offset=0", b"hello\n", content_type="text/plain")
    assert answer.json() == {"size": 6}
    answer = joined.post(f"{NODE}{here}/logs/std?attempt=1&offset=9", b"later\n", content_type="text/plain")
    assert answer.status_code == 409
    assert post(joined, f"{here}/finish", attempt=1, outcome="completed", exit_code=0).status_code == 200
    mine = bearer(alice_user)
    assert mine.get(f"/w/main/api/v1/jobs/{job.pk}").json()["state"] == "Completed"
    log = mine.get(f"/w/main/api/v1/jobs/{job.pk}/logs/std").json()
    assert log == {"text": "hello\n", "offset": 6, "final": True}


def test_a_node_token_opens_nothing_else_and_people_not_this(submit, joined, bearer, alice_user):
    assert joined.get("/w/main/api/v1/jobs").status_code == 403
    assert post(bearer(alice_user), "/claim", node="n1").status_code == 404


def test_bad_beats_are_refused(submit, joined):
    job = submit()
    post(joined, "/claim", node="n1")
    assert post(joined, f"/jobs/{job.pk}/beat", attempt=1, state="Completed").status_code == 400
    assert post(joined, f"/jobs/{job.pk}/finish", attempt=1, outcome="great").status_code == 400
    assert post(joined, "/jobs/ffff/beat", attempt=1).status_code == 404


def test_a_program_submits_a_job_with_its_files(bearer, alice_user, bob_user, joined):
    body = {
        "experiment": "by api",
        "files": {"train.py": "print(1)\n", "lib/part.py": ""},
        "command": ["python", "train.py"],
        "environment": {"packages": ["numpy"]},
        "limits": {"memory_bytes": 10**9},
        "attempts_allowed": 2,
    }
    answer = bearer(alice_user).post("/w/main/api/v1/jobs", body, content_type="application/json")
    assert (answer.status_code, answer.json()["state"]) == (201, "Queued")
    work = post(joined, "/claim", node="n1").json()["job"]
    assert (work["limits"], work["command"]) == ({"memory_bytes": 10**9}, ["python", "train.py"])
    assert bearer(bob_user).post("/w/main/api/v1/jobs", body, content_type="application/json").status_code == 403
    body["files"] = {"../up.py": ""}
    assert bearer(alice_user).post("/w/main/api/v1/jobs", body, content_type="application/json").status_code == 400


def test_a_node_learns_which_of_its_jobs_are_deleted(submit, joined):
    job, gone = submit(), "0" * 32
    answer = post(joined, "/known", run_ids=[job.pk, gone])
    assert answer.json() == {"run_ids": [job.pk]}
