"""The trash: what was deleted, how much it keeps, and the way back."""

from __future__ import annotations

import pytest

from experiments import operations
from experiments.models import Run

pytestmark = pytest.mark.django_db


def text(response) -> str:
    return response.content.decode()


def test_a_deleted_run_lies_there_with_its_bytes_and_comes_back(browse, alice, alice_user, run, put):
    put(run, "weights.bin", b"x" * 3000)
    operations.delete_run(alice, run)
    page = text(browse(alice_user).get("/w/main/trash/"))
    assert "bright-heron" in page
    assert "3.0 kB" in page or "3 kB" in page
    browse(alice_user).post("/w/main/runs/restore/", {"run": run.pk})
    assert Run.objects.get(pk=run.pk).deleted_ms is None
    assert "The trash is empty" in text(browse(alice_user).get("/w/main/trash/"))


def test_runs_of_a_deleted_experiment_lie_in_it(browse, alice, alice_user, run):
    operations.delete_experiment(alice, run.experiment)
    page = text(browse(alice_user).get("/w/main/trash/"))
    assert "diabetes" in page
    assert "bright-heron" not in page


def test_the_trash_is_searched_by_name(browse, alice, alice_user, make_run):
    for name in ("lynx", "otter"):
        operations.delete_run(alice, make_run(name))
    page = text(browse(alice_user).get("/w/main/trash/", {"name": "lyn"}))
    assert "lynx" in page
    assert "otter" not in page


def test_a_reader_looks_and_a_stranger_does_not(browse, alice, bob_user, charlie_user, run):
    operations.delete_run(alice, run)
    page = text(browse(bob_user).get("/w/main/trash/"))
    assert "bright-heron" in page
    assert "/runs/restore/" not in page
    assert browse(charlie_user).get("/w/main/trash/").status_code == 404
    assert "bright-heron" not in text(browse(charlie_user).get("/w/elsewhere/trash/"))
