"""The trash: what was deleted, how much it keeps, the way back, and the way out."""

from __future__ import annotations

import json
import re

import pytest

from experiments import metrics, operations
from experiments.models import Experiment, Purge, Run, TrashRule
from experiments.purging import engine, retention
from lib.clock import now_ms
from registry.models import ModelVersion, RegisteredModel
from workspaces.access import Actor

pytestmark = pytest.mark.django_db

PURGE = "/w/main/trash/purge/"
HTMX = {"HX-Request": "true"}


def text(response) -> str:
    return response.content.decode()


def words(response) -> str:
    """Give what a page says, without its markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", text(response)).split())


def work() -> Purge:
    """Do what the worker does with the newest purge."""
    purge = Purge.objects.latest("pk")
    assert engine.step(purge.pk)
    purge.refresh_from_db()
    return purge


@pytest.fixture
def alices(browse, alice_user):
    return browse(alice_user)


def test_a_deleted_run_lies_there_with_its_bytes_and_days_and_comes_back(alices, alice, run, put):
    put(run, "weights.bin", b"x" * 3000)
    operations.delete_run(alice, run)
    page = words(alices.get("/w/main/trash/"))
    assert re.search(r"bright-heron diabetes 1 3.0 kB (just now|\d+ s ago) 30 Restore", page)
    assert alices.post("/w/main/trash/restore/", {"item": f"run:{run.pk}"}).status_code == 303
    assert Run.objects.get(pk=run.pk).deleted_ms is None
    assert "The trash is empty" in text(alices.get("/w/main/trash/"))


def test_a_restoring_is_taken_back(alices, alice, run):
    operations.delete_run(alice, run)
    item = {"item": f"run:{run.pk}"}
    answer = alices.post("/w/main/trash/restore/", item, headers=HTMX)
    said = json.loads(answer.headers["HX-Trigger"])
    assert "trash:changed" in said
    alices.post(said["toast"]["undo"]["url"], dict(said["toast"]["undo"]["names"]), headers=HTMX)
    assert Run.objects.get(pk=run.pk).deleted_ms is not None


def test_all_kinds_lie_in_one_list_and_are_told_apart(alices, alice, make_run, experiment, logged_model):
    other = operations.create_experiment(alice, experiment.workspace, name="old")
    operations.delete_experiment(alice, other)
    operations.delete_logged_model(alice, logged_model)
    operations.delete_run(alice, make_run("lynx"))
    page = words(alices.get("/w/main/trash/"))
    for shown in ("old", "lynx", "model", "Experiments 1", "Runs 1", "Models 1"):
        assert shown in page
    assert "lynx" not in words(alices.get("/w/main/trash/", {"kind": "experiment"}))
    assert "lynx" in words(alices.get("/w/main/trash/", {"kind": "run"}))
    alices.post("/w/main/trash/restore/", {"item": [f"experiment:{other.pk}", f"logged_model:{logged_model.pk}"]})
    assert Experiment.objects.get(pk=other.pk).deleted_ms is None
    logged_model.refresh_from_db()
    assert logged_model.deleted_ms is None


def test_runs_of_a_deleted_experiment_lie_in_it(alices, alice, run):
    operations.delete_experiment(alice, run.experiment)
    page = text(alices.get("/w/main/trash/"))
    assert "diabetes" in page
    assert "bright-heron" not in page


def test_the_trash_is_searched_by_name(alices, alice, make_run):
    for name in ("lynx", "otter"):
        operations.delete_run(alice, make_run(name))
    page = text(alices.get("/w/main/trash/", {"name": "lyn"}))
    assert "lynx" in page
    assert "otter" not in page


def test_a_long_trash_has_pages_and_few_queries(alices, alice, make_run, django_assert_max_num_queries):
    for number in range(51):
        operations.delete_run(alice, make_run(f"run-{number:02}"))
    with django_assert_max_num_queries(30):
        assert "1–50 of 51" in words(alices.get("/w/main/trash/"))
    assert "51–51 of 51" in words(alices.get("/w/main/trash/", {"page": 2}))


def test_what_goes_is_shown_and_goes_and_what_it_freed_is_told(alices, alice, run, put, make_run):
    put(run, "weights.bin", b"x" * 3000)
    for one in (run, make_run("other")):
        operations.delete_run(alice, one)
    item = {"item": f"run:{run.pk}"}
    page = words(alices.post(PURGE, {**item, "ask": "1"}))
    assert "3.0 kB in 1 file" in page
    assert "Points of metrics 11" in page
    assert not Purge.objects.exists()
    assert alices.post(PURGE, item).headers["Location"] == "/w/main/trash/"
    waiting = text(alices.get("/w/main/trash/"))
    assert "/w/main/trash/progress/" in waiting
    purge = work()
    page = words(alices.get("/w/main/trash/"))
    assert "Freed 3.0 kB in 1 file · 1 run · 11 points of metrics" in page
    assert "other" in page
    assert "bright-heron" in words(alices.get(f"/w/main/trash/purges/{purge.pk}/"))
    assert [one.name for one in Run.objects.all()] == ["other"]


def test_progress_tells_the_list_when_nothing_goes_on_any_more(alices, alice, run):
    operations.delete_run(alice, run)
    operations.purge(alice, run.workspace, kind="run", names=[run.pk])
    headers = {**HTMX, "HX-Target": "purges"}
    going = alices.get("/w/main/trash/progress/", headers=headers)
    assert "every 1s" in text(going)
    assert "HX-Trigger" not in going.headers
    work()
    over = alices.get("/w/main/trash/progress/", headers=headers)
    assert "every 1s" not in text(over)
    assert "trash:changed" in over.headers["HX-Trigger"]


def test_emptying_takes_the_name_of_the_workspace(alices, alice, run):
    operations.delete_run(alice, run)
    assert "Type main to confirm" in words(alices.get(PURGE))
    assert alices.post(PURGE, {"confirm": "mine"}).status_code == 400
    assert not Purge.objects.exists()
    alices.post(PURGE, {"confirm": "main"})
    assert work().kind == "trash"
    assert not Run.objects.exists()


def test_what_a_version_is_made_of_stays_and_is_named(alices, alice, run, logged_model):
    alices.post(f"/w/main/runs/{run.pk}/register/", {"name": "diabetes", "path": "model"})
    operations.delete_run(alice, run)
    assert "diabetes:1 Restore" in words(alices.get("/w/main/trash/"))
    page = text(alices.get(PURGE))
    assert "Nothing of it can go" in page
    assert "/w/main/models/diabetes/versions/1/" in page
    alices.post(PURGE, {"item": f"run:{run.pk}"})
    purge = work()
    assert Run.objects.filter(pk=run.pk).exists()
    assert "/w/main/models/diabetes/versions/1/" in text(alices.get(f"/w/main/trash/purges/{purge.pk}/"))


def test_a_reader_looks_and_a_stranger_does_not(browse, alice, bob_user, charlie_user, run):
    operations.delete_run(alice, run)
    bobs, charlies = browse(bob_user), browse(charlie_user)
    page = text(bobs.get("/w/main/trash/"))
    assert "bright-heron" in page
    assert "Restore<" not in page
    assert "Empty trash" not in page
    for path in (PURGE, "/w/main/trash/restore/", "/w/main/trash/rule/", "/w/main/trash/delete/"):
        assert bobs.post(path, {"item": f"run:{run.pk}", "days": 1}).status_code == 403
        assert charlies.post(path, {"item": f"run:{run.pk}", "days": 1}).status_code == 404
    assert charlies.get("/w/main/trash/").status_code == 404
    assert "bright-heron" not in text(charlies.get("/w/elsewhere/trash/"))
    answer = charlies.post("/w/elsewhere/trash/restore/", {"item": f"run:{run.pk}"})
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "item",
    [
        "",
        "run",
        "run:nothere",
        "experiment:x",
        "version:1",
        "experiment:999999999",
        "experiment:" + "9" * 30,
    ],
)
def test_a_wrong_item_is_refused(alices, workspace, item):
    assert alices.get("/w/main/trash/", {"name": item, "kind": item, "page": item}).status_code == 200
    assert alices.post("/w/main/trash/restore/", {"item": item}).status_code in (400, 404)
    assert alices.post(PURGE, {"item": item}).status_code in (400, 404)
    assert not Purge.objects.exists()


# ---- The rule -------------------------------------------------------------------------------------------------------


def age(run: Run, days: float) -> None:
    Run.objects.filter(pk=run.pk).update(deleted_ms=now_ms() - int(days * retention.DAY_MS))


def test_the_rule_is_kept_and_takes_effect_a_day_later(alices, alice, run, workspace):
    operations.delete_run(alice, run)
    age(run, 8)
    assert alices.post("/w/main/trash/rule/", {"days": "-1"}).status_code == 422
    assert alices.post("/w/main/trash/rule/", {"days": "7"}).status_code == 303
    page = words(alices.get("/w/main/trash/"))
    assert "for 7 days goes for good" in page
    assert re.search(r"8 d ago 1 Restore", page)
    assert retention.apply(workspace) is None
    TrashRule.objects.update(updated_ms=now_ms() - 2 * retention.DAY_MS)
    assert retention.apply_all() == [Purge.objects.get().pk]
    assert retention.apply_all() == []
    done = work()
    assert (done.is_by_rule, done.asked_by) == (True, "retention rule")
    assert not Run.objects.filter(pk=run.pk).exists()


def test_the_setting_holds_without_a_rule_and_0_is_never(alices, alice, run, workspace, settings):
    operations.delete_run(alice, run)
    age(run, 400)
    settings.STUDIO_TRASH_DAYS = 0
    assert retention.apply(workspace) is None
    assert "Nothing goes by itself" in words(alices.get("/w/main/trash/"))
    settings.STUDIO_TRASH_DAYS = 365
    assert retention.apply(workspace) is not None


def test_what_is_younger_or_needed_begins_no_purge(alices, alice, make_run, run, logged_model, workspace):
    alices.post(f"/w/main/runs/{run.pk}/register/", {"name": "diabetes", "path": "model"})
    young = make_run("young")
    for one in (run, young):
        operations.delete_run(alice, one)
    age(run, 100)
    assert retention.apply(workspace) is None
    age(young, 29)
    assert retention.apply(workspace) is None
    age(young, 31)
    assert retention.apply(workspace) is not None


# ---- One metric -----------------------------------------------------------------------------------------------------


def test_a_metric_is_deleted_from_the_runs_page(alices, run):
    assert f"/w/main/runs/{run.pk}/metrics/" in text(alices.get(f"/w/main/runs/{run.pk}/"))
    page = alices.get(f"/w/main/runs/{run.pk}/metrics/", {"key": "val_rmse"})
    assert "11 points go for good" in words(page)
    answer = alices.post(f"/w/main/runs/{run.pk}/metrics/delete/", {"key": "val_rmse"})
    assert "val_rmse deleted with 11 points" in words(alices.get(answer.headers["Location"]))
    assert metrics.keys([run.pk]) == []


# ---- Models and versions with their files ---------------------------------------------------------------------------


@pytest.fixture
def version(alices, run, logged_model) -> ModelVersion:
    alices.post(f"/w/main/runs/{run.pk}/register/", {"name": "diabetes", "path": "model"})
    return ModelVersion.objects.get()


def test_a_version_goes_with_its_files(alices, version, run, settings):
    path = "/w/main/models/diabetes/versions/1/purge/"
    assert path in text(alices.get("/w/main/models/diabetes/versions/1/"))
    assert "in 3 files" in words(alices.get(path))
    assert alices.post(path, {"confirm": "diabetes"}).status_code == 422
    assert alices.post(path, {"confirm": "diabetes:1"}).status_code == 303
    done = work()
    assert (done.freed["versions"], done.freed["logged_models"], done.freed["files"]) == (1, 1, 3)
    assert not ModelVersion.objects.exists()
    assert not [one for one in settings.ARTIFACTS_DIR.rglob("*") if one.is_file()]
    assert Run.objects.filter(pk=run.pk).exists()


def test_files_that_another_version_has_stay(alices, alice, version, run, settings):
    alices.post(f"/w/main/runs/{run.pk}/register/", {"name": "diabetes", "path": "model"})
    alices.post("/w/main/models/diabetes/versions/1/purge/", {"confirm": "diabetes:1"})
    done = work()
    assert (done.freed["versions"], done.freed["files"]) == (1, 0)
    assert [one.is_file() for one in settings.ARTIFACTS_DIR.rglob("MLmodel")] == [True]
    alices.post("/w/main/models/diabetes/purge/", {"confirm": "diabetes"})
    done = work()
    assert (done.freed["models"], done.freed["versions"], done.freed["files"]) == (1, 1, 3)
    assert done.freed == done.expected
    assert not RegisteredModel.objects.exists()


def test_a_version_made_of_a_runs_own_folder_takes_that_alone(alices, run, put, settings):
    put(run, "own/model.pkl", b"12345")
    put(run, "plot.png", b"1")
    alices.post(f"/w/main/runs/{run.pk}/register/", {"name": "own", "path": "own"})
    alices.post("/w/main/models/own/versions/1/purge/", {"confirm": "own:1"})
    assert work().freed["size_bytes"] == 5
    assert [one.name for one in settings.ARTIFACTS_DIR.rglob("*") if one.is_file()] == ["plot.png"]


def test_a_reader_may_not_and_a_contributor_may_only_delete_rows(browse, version, bob_user, charlie_user, workspace):
    from workspaces.models import Membership

    path = "/w/main/models/diabetes/versions/1/purge/"
    assert browse(bob_user).post(path, {"confirm": "diabetes:1"}).status_code == 403
    assert browse(charlie_user).post(path, {"confirm": "diabetes:1"}).status_code == 404
    Membership.objects.create(user=charlie_user, workspace=workspace, role="contributor")
    assert browse(charlie_user).post(path, {"confirm": "diabetes:1"}).status_code == 403
    assert ModelVersion.objects.exists()


def test_the_system_is_no_person(workspace):
    assert operations.planned(workspace, kind="trash").asked_by == ""
    assert operations.purge(Actor.system(), workspace, kind="trash").asked_by == "system"
