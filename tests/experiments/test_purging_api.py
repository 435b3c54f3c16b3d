"""Deleting for good, for programs."""

from __future__ import annotations

import pytest

from experiments import operations
from experiments.models import Experiment, Purge, Run
from tests.experiments import purge_world as world
from workspaces.access import Actor
from workspaces.models import Membership

pytestmark = pytest.mark.django_db

API = "/w/main/api/v1"
SYSTEM = Actor.system()


@pytest.fixture
def run(workspace) -> Run:
    experiment = operations.create_experiment(SYSTEM, workspace, name="trees")
    found = world.make_run(experiment, "r", sizes=(10, 20))
    operations.delete_run(SYSTEM, found)
    return found


@pytest.fixture
def alices(bearer, alice_user):
    return bearer(alice_user)


def send(client, path: str, body: object, method: str = "post"):
    return getattr(client, method)(f"{API}/{path}", body, content_type="application/json")


def test_the_trash_is_listed_weighed_and_emptied(alices, run):
    [one] = alices.get(f"{API}/trash").json()["items"]
    assert (one["kind"], one["id"], one["files"], one["size_bytes"]) == ("run", run.pk, 2, 30)
    assert one["due_ms"] == one["deleted_ms"] + 30 * 24 * 3600 * 1000
    weight = send(alices, "trash/weigh", {"kind": "run", "names": [run.pk]}).json()
    assert weight["would_free"]["size_bytes"] == 30
    assert weight["is_complete"]
    assert not Purge.objects.exists()
    begun = send(alices, "purges", {"kind": "trash"})
    assert (begun.status_code, begun.json()["state"]) == (202, "queued")
    world.carry_out(Purge.objects.get())
    done = alices.get(f"{API}/purges/{begun.json()['id']}").json()
    assert (done["state"], done["freed"]["size_bytes"], done["freed"]["runs"]) == ("done", 30, 1)
    assert alices.get(f"{API}/trash").json() == {"items": [], "total": 0}
    assert len(alices.get(f"{API}/purges").json()) == 1


def test_a_metric_and_a_file_are_deleted(alices, run):
    operations.restore_run(SYSTEM, Run.objects.get(pk=run.pk))
    gone = alices.delete(f"{API}/runs/{run.pk}/metrics?key=loss")
    assert (gone.status_code, gone.json()["freed"]["points"]) == (200, 10)
    assert alices.delete(f"{API}/runs/{run.pk}/metrics?key=loss").status_code == 404
    begun = alices.delete(f"{API}/runs/{run.pk}/artifacts?path=files/0")
    assert begun.status_code == 202
    world.carry_out(Purge.objects.get(pk=begun.json()["id"]))
    assert list(world.files().values()) == [20]
    assert alices.delete(f"{API}/runs/{run.pk}/artifacts?path=../../x").status_code == 400


def test_the_rule_is_read_and_set(alices, run):
    assert alices.get(f"{API}/trash/rule").json() == {"days": 30}
    assert send(alices, "trash/rule", {"days": 7}, "put").json() == {"days": 7}
    assert send(alices, "trash/rule", {"days": 99999}, "put").status_code == 400


def test_a_model_goes_with_its_files_when_that_is_asked(alices, run):
    own = world.make_run(Experiment.objects.get(name="trees"), "own")
    world.make_version(world.make_model(own, "m", sizes=(5,)), "fraud")
    assert alices.delete(f"{API}/models/fraud?with_files=yes").status_code == 400
    begun = alices.delete(f"{API}/models/fraud?with_files=true")
    assert begun.status_code == 202
    assert world.carry_out(Purge.objects.get()).freed["size_bytes"] == 5


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "purges", {"kind": "trash"}),
        ("put", "trash/rule", {"days": 1}),
    ],
)
def test_only_owners_delete_for_good(bearer, bob_user, charlie_user, workspace, run, method, path, body):
    assert send(bearer(bob_user), path, body, method).status_code == 403
    assert send(bearer(charlie_user), path, body, method).status_code == 404
    Membership.objects.create(user=charlie_user, workspace=workspace, role="contributor")
    assert send(bearer(charlie_user), path, body, method).status_code == 403
    assert not Purge.objects.exists()


@pytest.mark.parametrize(
    "body",
    [{}, {"kind": "run"}, {"kind": "nothing"}, {"kind": "metric"}, {"kind": "run", "names": "x"},
     {"kind": "run", "names": [["x"]]}, {"kind": "run", "names": ["\x00"]}, {"kind": "experiment", "names": ["1; --"]}],
)  # fmt: skip
def test_hostile_bodies_are_refused(alices, run, body):
    assert send(alices, "purges", body).status_code in (400, 404)
    assert send(alices, "trash/weigh", body).status_code in (400, 404)


def test_another_workspaces_things_do_not_exist(bearer, charlie_user, elsewhere, run):
    charlies = bearer(charlie_user)
    answer = charlies.post(
        "/w/elsewhere/api/v1/purges", {"kind": "run", "names": [run.pk]}, content_type="application/json"
    )
    assert answer.status_code == 404
    assert charlies.get("/w/elsewhere/api/v1/trash").json()["total"] == 0
