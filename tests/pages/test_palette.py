"""The palette: search or go."""

from __future__ import annotations

import pytest

from registry import operations as registry

pytestmark = pytest.mark.django_db
ADDRESS = "/w/main/find/"


def text(response) -> str:
    return response.content.decode()


def test_it_finds_runs_experiments_models_and_pages_by_name(browse, alice, alice_user, workspace, run):
    registry.register_model(alice, workspace, name="heron-model")
    page = text(browse(alice_user).get(ADDRESS, {"q": "HERON"}))
    assert f"/w/main/runs/{run.pk}/" in page
    assert "/w/main/models/heron-model/" in page
    assert "/w/main/jobs/" not in page
    assert "/w/main/jobs/" in text(browse(alice_user).get(ADDRESS, {"q": "job"}))
    assert f"/w/main/experiments/{run.experiment_id}/" in text(browse(alice_user).get(ADDRESS, {"q": "diab"}))


def test_a_run_is_found_by_its_id(browse, alice_user, run):
    assert "bright-heron" in text(browse(alice_user).get(ADDRESS, {"q": run.pk[:8].upper()}))


def test_without_a_word_it_offers_pages_and_the_newest_runs(browse, bob_user, run):
    page = text(browse(bob_user).get(ADDRESS))
    assert "bright-heron" in page
    assert "/w/main/experiments/" in page
    assert "/groups/" not in page


def test_a_stranger_finds_nothing_of_it(browse, charlie_user, run):
    assert browse(charlie_user).get(ADDRESS, {"q": "heron"}).status_code == 404
    assert "bright-heron" not in text(browse(charlie_user).get("/w/elsewhere/find/", {"q": "heron"}))


def test_a_name_that_nothing_has_is_said(browse, alice_user, run):
    assert "Nothing has such a name" in text(browse(alice_user).get(ADDRESS, {"q": "zzz"}))


def test_every_page_carries_it_and_the_list_of_keys(browse, alice_user, run):
    page = text(browse(alice_user).get("/w/main/jobs/"))
    assert 'id="palette"' in page
    assert 'id="keys"' in page
