"""Sweeps and schedules by the API and by the pages."""

from __future__ import annotations

import json

import pytest

from experiments import metrics
from jobs import operations
from jobs.models import Job, JobPlan, Schedule, Sweep, SweepChild

pytestmark = pytest.mark.django_db

PART = {"HX-Request": "true"}

BASE = "/w/main/api/v1"
SPACE = {"lr": ["choice", 0.1, 0.01], "depth": "choice(2, 4)"}
ASKED = {"sampling": {"kind": "grid", "parameters": SPACE}, "primary_metric": {"name": "acc", "goal": "MAXIMIZE"}}


def send(client, path: str, body: object = None, verb: str = "post"):
    return getattr(client, verb)(f"{BASE}/{path}", json.dumps(body or {}), content_type="application/json")


def test_a_sweep_by_api_from_a_job_to_its_best_child(submit, bearer, alice_user):
    job = submit()
    client = bearer(alice_user)
    made = send(client, "sweeps", {**ASKED, "from_run": job.pk, "name": "tuning", "max_concurrent_runs": 4})
    assert made.status_code == 201, made.content
    run_id = made.json()["run_id"]
    assert (made.json()["total"], made.json()["best"], made.json()["state"]) == (4, None, "Running")
    operations.move_sweeps()
    third = SweepChild.objects.get(number=2)
    metrics.append(third.run_id, [metrics.Point("acc", 0.9, 1, 0)])
    operations.move_sweeps()
    seen = client.get(f"{BASE}/sweeps/{run_id}").json()
    assert seen["best"] == seen["children"][0]
    assert (seen["best"]["number"], seen["best"]["best_metric"]) == (2, 0.9)
    assert seen["best"]["parameters"] == {"lr": "0.01", "depth": "2"}
    assert [one["number"] for one in seen["children"]] == [2, 0, 1, 3]
    assert client.get(f"{BASE}/sweeps").json()[0]["runs_made"] == 4
    assert send(client, f"sweeps/{run_id}/cancel").status_code == 202
    operations.move_sweeps()
    operations.move_sweeps()
    assert client.get(f"{BASE}/sweeps/{run_id}").json()["state"] == "Canceled"


def test_a_sweep_by_api_of_a_job_that_is_spelled_out(bearer, alice_user, charlie_user, workspace):
    job = {"files": {"t.py": "print()"}, "command": ["python", "t.py"], "environment": {"packages": ["numpy"]}}
    body = {**ASKED, "experiment": "new", "job": job, "policy": {"kind": "bandit", "slack_factor": 0.1}}
    made = send(bearer(alice_user), "sweeps", body)
    assert made.status_code == 201, made.content
    assert made.json()["experiment"] == "new"
    nested = {**body, "sampling": {"parameters": {"lr": ["uniform", [0, 1]]}}, "max_total_runs": 3}
    assert send(bearer(alice_user), "sweeps", nested).json()["parameters"] == {"lr": "uniform(0, 1)"}
    assert send(bearer(charlie_user), "sweeps", body).status_code == 404
    assert bearer(charlie_user).get(f"{BASE}/sweeps/{made.json()['run_id']}").status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        {"job": None},
        {"from_run": "0" * 32},
        {"sampling": {"kind": "grid", "parameters": {"lr": 3}}},
        {"sampling": {"kind": "grid", "parameters": {"lr": []}}},
        {"primary_metric": {"name": "x", "goal": "up"}},
        {"policy": {"kind": "bandit"}},
        {"seed": "x", "max_total_runs": "many"},
    ],
)
def test_a_sweep_that_cannot_be_is_answered_with_a_sentence(bearer, alice_user, workspace, change):
    job = {"files": {"t.py": "print()"}, "command": ["python", "t.py"], "environment": {"packages": ["numpy"]}}
    body = {**ASKED, "experiment": "new", "job": job, **change}
    answer = send(bearer(alice_user), "sweeps", {key: value for key, value in body.items() if value is not None})
    assert answer.status_code in (400, 404)
    assert answer.json()["message"]
    assert not Sweep.objects.exists()


def test_a_schedule_by_api(submit, bearer, alice_user, bob_user):
    client = bearer(alice_user)
    body = {"name": "nightly", "cron": "0 4 * * *", "time_zone": "Europe/Berlin", "from_run": submit().pk}
    made = send(client, "schedules", body)
    assert made.status_code == 201, made.content
    assert len(made.json()["next_ticks"]) == 5
    assert send(client, "schedules", body).status_code in (400, 409)
    assert send(client, "schedules/nightly/pause").json()["state"] == "Paused"
    assert send(client, "schedules/nightly", {"cron": "5 4 * * *"}, "patch").json()["cron"] == "5 4 * * *"
    assert send(client, "schedules/nightly", {"cron": "5"}, "patch").status_code == 400
    ran = send(client, "schedules/nightly/run")
    assert ran.status_code == 201
    assert send(client, "schedules/nightly/resume").json()["state"] == "Active"
    assert send(client, "schedules/nightly/explode").status_code == 400
    seen = client.get(f"{BASE}/schedules/nightly").json()
    assert [(one["run_id"], one["by_hand"], one["job_state"]) for one in seen["ticks"]] == [
        (ran.json()["run_id"], True, "Queued")
    ]
    assert send(bearer(bob_user), "schedules/nightly", verb="delete").status_code == 403
    assert send(client, "schedules/nightly", verb="delete").status_code == 204
    assert client.get(f"{BASE}/schedules").json() == []


def test_the_pages_of_a_sweep_from_form_to_cancel(submit, browse, alice_user, bob_user):
    job, page = submit(), browse(alice_user)
    assert "Sweep over parameters" in page.get(f"/w/main/jobs/{job.pk}/state/").content.decode()
    form = f"/w/main/jobs/{job.pk}/sweep/"
    assert page.get(form).status_code == 200
    said = {
        "parameters": "lr = uniform(2, 1)",
        "sampling": "random",
        "metric": "acc",
        "goal": "maximize",
        "policy": "none",
    }
    refused = page.post(form, said)
    assert refused.status_code == 422
    assert "the lower end comes first" in refused.content.decode()
    said |= {"parameters": "lr = uniform(1, 2)", "max_total_runs": 2, "policy": "bandit", "slack_factor": 0.5}
    answer = page.post(form, said)
    sweep = Sweep.objects.get()
    assert answer["Location"] == f"/w/main/jobs/sweeps/{sweep.pk}/"
    operations.move_sweeps()
    metrics.append(sweep.children.first().run_id, [metrics.Point("acc", 0.5, 1, 0)])
    operations.move_sweeps()
    text = page.get(answer["Location"]).content.decode()
    assert "tab=parallel" in text
    assert "Best so far" in text
    assert "uniform(1, 2)" in text
    assert sweep.run.name in page.get("/w/main/jobs/sweeps/").content.decode()
    for part in ("", "state/", "code/"):
        assert "Open the sweep" in page.get(f"/w/main/jobs/{sweep.pk}/{part}", headers=PART).content.decode()
    only_looks = browse(bob_user)
    assert "Cancel sweep" not in only_looks.get(answer["Location"]).content.decode()
    assert only_looks.post(f"{answer['Location']}cancel/").status_code == 403
    page.post(f"{answer['Location']}cancel/")
    operations.move_sweeps()
    operations.move_sweeps()
    ended = page.get(answer["Location"]).content.decode()
    assert "Cancelled by alice." in ended
    assert "every 3s" not in ended


def test_the_list_of_sweeps_asks_no_more_for_more_of_them(submit, browse, alice_user, django_assert_max_num_queries):
    page, job = browse(alice_user), submit()
    said = {
        "parameters": "lr = choice(1, 2)",
        "sampling": "grid",
        "metric": "acc",
        "goal": "maximize",
        "policy": "none",
    }
    for _n in range(3):
        assert page.post(f"/w/main/jobs/{job.pk}/sweep/", said).status_code == 303
    with django_assert_max_num_queries(14):
        page.get("/w/main/jobs/sweeps/")


def test_the_pages_of_a_schedule(submit, browse, alice_user, bob_user):
    job, page = submit(), browse(alice_user)
    form = f"/w/main/jobs/{job.pk}/schedule/"
    assert page.get(form).status_code == 200
    assert page.post(form, {"name": "nightly", "cron": "x", "time_zone": "UTC"}).status_code == 422
    answer = page.post(form, {"name": "nightly", "cron": "0 4 * * *", "time_zone": "UTC", "catches_up": "on"})
    schedule = Schedule.objects.get()
    at = answer["Location"]
    assert at == f"/w/main/jobs/schedules/{schedule.pk}/"
    assert "nightly" in page.get("/w/main/jobs/schedules/").content.decode()
    shown = page.get(at).content.decode()
    assert f'action="{at}delete/"' in shown
    assert "Time zone" in shown
    page.post(f"{at}run/")
    assert Job.objects.count() == 2
    page.post(f"{at}pause/")
    text = page.get(at).content.decode()
    assert "Resume" in text
    assert "Asked for by alice." in text
    experiment = job.run.experiment
    JobPlan.objects.update(experiment=None)
    told = page.get(page.post(f"{at}run/")["Location"])
    assert "Its experiment was deleted." in told.content.decode()
    JobPlan.objects.update(experiment=experiment)
    page.post(f"{at}resume/")
    assert page.post(at, {"cron": "bad", "time_zone": "UTC"}).status_code == 422
    page.post(at, {"cron": "1 4 * * *", "time_zone": "Asia/Tokyo"})
    changed = Schedule.objects.get()
    assert (changed.cron, changed.time_zone, changed.catches_up, changed.state) == (
        "1 4 * * *",
        "Asia/Tokyo",
        False,
        "Active",
    )
    only_looks = browse(bob_user).get(at).content.decode()
    assert "Run now" not in only_looks
    assert "delete/" not in only_looks
    page.post(f"{at}delete/")
    assert not Schedule.objects.exists()
