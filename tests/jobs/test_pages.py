"""Pages of jobs and compute."""

from __future__ import annotations

import pytest

from compute.models import BuildState, EnvironmentBuild
from jobs import deletion, operations, queries
from jobs.models import Job
from jobs.operations.states import enter

pytestmark = pytest.mark.django_db

PART = {"HX-Request": "true"}


def test_the_pages_show_a_job_from_list_to_log(submit, node, node_actor, browse, alice_user):
    job = submit()
    page = browse(alice_user)
    assert job.run.name in page.get("/w/main/jobs/").content.decode()
    assert "Queued" in page.get(f"/w/main/jobs/{job.pk}/", headers=PART).content.decode()
    # A part opened by itself, in another tab say, leads to its page.
    alone = page.get(f"/w/main/jobs/{job.pk}/?log=logs/a.txt")
    assert alone["Location"] == f"/w/main/runs/{job.pk}/job/?log=logs%2Fa.txt"
    assert "?log=logs/a.txt" in page.get(alone["Location"]).content.decode()
    operations.claim_job(node_actor, node_name="n1")
    operations.append_log(node_actor, job.pk, attempt=1, name="std", offset=0, data=b"hi\n")
    assert page.get(f"/w/main/jobs/{job.pk}/log/std").json() == {"text": "hi\n", "offset": 3, "final": False}
    assert "hx-trigger" in page.get(f"/w/main/jobs/{job.pk}/state/").content.decode()
    operations.finish_job(node_actor, job.pk, attempt=1, outcome="failed", error="it broke")
    ended = page.get(f"/w/main/jobs/{job.pk}/state/").content.decode()
    assert "it broke" in ended
    assert "hx-trigger" not in ended


def test_a_job_says_what_runs_as_it_is_typed_and_when_it_was_not_heard(submit, node, node_actor, browse, alice_user):
    job = submit(command=["python", "-c", "print('a b')"])
    operations.claim_job(node_actor, node_name="n1")
    enter(Job.objects.select_related("run").get(pk=job.pk), "NotResponding")
    operations.beat(node_actor, job.pk, attempt=1, state="Running")
    page = browse(alice_user)
    assert "python -c &#x27;print(" in page.get(f"/w/main/jobs/{job.pk}/", headers=PART).content.decode()
    job.refresh_from_db()
    assert [one.state for one in queries.stages(job)][:4] == ["done", "done", "NotResponding", "Running"]


def test_one_click_submits_the_sample_and_leads_to_its_run(browse, alice_user, workspace):
    answer = browse(alice_user).post("/w/main/jobs/sample/")
    job = Job.objects.get()
    assert answer.status_code == 303
    assert answer["Location"].endswith(f"/runs/{job.pk}/") or job.pk in answer["Location"]


def test_the_compute_page_shows_the_node(browse, alice_user, node):
    text = browse(alice_user).get("/w/main/compute/").content.decode()
    assert "local-cluster" in text
    detail = browse(alice_user).get("/w/main/compute/local-cluster/").content.decode()
    assert "n1" in detail
    assert "1 online" in text


def test_environments_are_seen_where_they_were_asked_for(submit, browse, alice_user, dora_user, elsewhere):
    submit()
    build = EnvironmentBuild.objects.get()
    page = browse(alice_user)
    assert build.digest[:12] in page.get("/w/main/environments/?tab=builds").content.decode()
    assert page.get(f"/w/main/environments/{build.digest}/").status_code == 200
    assert page.get(f"/w/main/environments/{build.digest}/log/").json()["final"] is False
    assert browse(dora_user).get(f"/w/elsewhere/environments/{build.digest}/").status_code == 404
    EnvironmentBuild.objects.update(state=BuildState.FAILED, error="no such package")
    assert "no such package" in page.get(f"/w/main/environments/{build.digest}/state/").content.decode()


def test_deleting_a_workspace_cancels_waits_and_removes(submit, workspace, node, node_actor, home):
    running, waiting = submit(), submit()
    operations.claim_job(node_actor, node_name="n1")
    operations.append_log(node_actor, running.pk, attempt=1, name="std", offset=0, data=b"hi\n")
    assert deletion.count(workspace)[0].rows == 2
    assert deletion.delete_next_batch(workspace)
    assert Job.objects.get(pk=waiting.pk).state == "Canceled"
    assert Job.objects.filter(pk=running.pk).exists()
    operations.finish_job(node_actor, running.pk, attempt=1, outcome="canceled")
    while deletion.delete_next_batch(workspace):
        pass
    assert not Job.objects.exists()
    assert not list((home / "artifacts").rglob("*.log"))
    assert not list((home / "artifacts").rglob("*.tar"))
