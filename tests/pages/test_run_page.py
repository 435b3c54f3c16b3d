"""One run's page: what it says of the run, and what is changed in place."""

from __future__ import annotations

import re

import pytest

from experiments import operations
from experiments.metrics import Point
from experiments.models import PARENT_TAG, Run

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def alice_browser(browse, alice_user):
    return browse(alice_user)


def text(response) -> str:
    return response.content.decode()


def test_a_run_whose_client_is_gone_says_since_when(alice_browser, make_run, experiment):
    run = make_run("gone", ends=False)
    assert "No word for" not in text(alice_browser.get(f"/w/main/runs/{run.pk}/"))
    Run.objects.filter(pk=run.pk).update(heard_ms=run.heard_ms - 3 * 3_600_000, start_ms=run.start_ms - 4 * 3_600_000)
    for address in (
        f"/w/main/runs/{run.pk}/",
        f"/w/main/runs/{run.pk}/state/",
        f"/w/main/experiments/{experiment.pk}/",
    ):
        assert "No word for 3 h" in text(alice_browser.get(address))
    Run.objects.filter(pk=run.pk).update(is_submitted=True)
    assert "No word for" not in text(alice_browser.get(f"/w/main/runs/{run.pk}/"))


def test_a_refresh_brings_values_only_when_they_changed(alice, alice_browser, make_run):
    run = make_run("live", ends=False)
    page = text(alice_browser.get(f"/w/main/runs/{run.pk}/"))
    address = re.search(r'hx-get="([^"]*/values/\?seen=\w+)"', page)[1]
    assert 'id="run-metrics"' not in text(alice_browser.get(address, headers=HTMX))
    operations.log_metric(alice, run, point=Point("val_rmse", 41.25, 1_700_000_100_000, 99))
    changed = text(alice_browser.get(address, headers=HTMX))
    assert 'id="run-metrics" hx-swap-oob="innerHTML"' in changed
    assert "41.25" in changed


def test_a_note_is_markdown_and_does_no_harm(alice_browser, run):
    alice_browser.post(f"/w/main/runs/{run.pk}/note/", {"text": "**good** <script>alert(1)</script>"})
    page = text(alice_browser.get(f"/w/main/runs/{run.pk}/"))
    assert "<strong>good</strong>" in page
    assert "<script>alert" not in page


def test_tags_are_added_changed_and_removed_in_place(alice_browser, run):
    address = f"/w/main/runs/{run.pk}/tag/"
    assert 'value="a"' in text(alice_browser.post(address, {"key": "team", "value": "a"}, headers=HTMX))
    assert 'value="b"' in text(alice_browser.post(address, {"key": "team", "value": "b"}, headers=HTMX))
    assert run.tags.get(key="team").value == "b"
    left = text(alice_browser.post(address, {"key": "team", "remove": "1"}, headers=HTMX))
    assert "team" not in left
    assert not run.tags.filter(key="team").exists()


def test_a_tag_that_cannot_be_is_said_where_it_was_typed(alice_browser, run):
    answer = alice_browser.post(f"/w/main/runs/{run.pk}/tag/", {"key": "bad\x01key?", "value": "v"}, headers=HTMX)
    assert answer.status_code == 422
    assert 'role="alert"' in text(answer)


def test_a_reader_sees_tags_and_changes_none(browse, bob_user, alice, run):
    operations.set_tag(alice, run, key="team", value="vision")
    browser = browse(bob_user)
    page = text(browser.get(f"/w/main/runs/{run.pk}/"))
    assert "vision" in page
    assert "/tag/" not in page
    assert browser.post(f"/w/main/runs/{run.pk}/tag/", {"key": "team", "value": "x"}).status_code == 403


def test_the_commit_leads_to_its_host(alice, alice_browser, run):
    commit = "3f1c0de9ab12cd34ef56ab12cd34ef56ab12cd34"
    operations.set_tag(alice, run, key="mlflow.source.git.commit", value=commit)
    operations.set_tag(alice, run, key="mlflow.source.git.repoURL", value="https://github.com/acme/train.git")
    assert f'href="https://github.com/acme/train/commit/{commit}"' in text(alice_browser.get(f"/w/main/runs/{run.pk}/"))
    operations.set_tag(alice, run, key="mlflow.source.git.repoURL", value="javascript:alert(1)//")
    assert 'href="javascript' not in text(alice_browser.get(f"/w/main/runs/{run.pk}/"))


def test_children_have_a_tab_with_their_number(alice, alice_browser, experiment, run):
    assert "/children/" not in text(alice_browser.get(f"/w/main/runs/{run.pk}/"))
    child = operations.create_run(alice, experiment, name="fold-1", tags={PARENT_TAG: run.pk})
    operations.create_run(alice, experiment, name="inner", tags={PARENT_TAG: child.pk})
    page = text(alice_browser.get(f"/w/main/runs/{run.pk}/children/"))
    assert 'Children <span class="faint">1</span>' in page
    assert "fold-1" in page
    assert "inner" not in page


def test_models_have_a_tab_with_links_both_ways(alice, alice_browser, experiment, run, logged_model):
    page = text(alice_browser.get(f"/w/main/runs/{run.pk}/models/"))
    assert f"/w/main/runs/{run.pk}/artifacts/?path=model" in page
    assert logged_model.pk in page
    reader = operations.create_run(alice, experiment, name="reader")
    operations.log_inputs(alice, reader, model_ids=[logged_model.pk])
    assert "bright-heron" in text(alice_browser.get(f"/w/main/runs/{reader.pk}/models/"))


def test_a_stranger_finds_no_tab(browse, charlie_user, run):
    for tab in ("children", "models"):
        assert browse(charlie_user).get(f"/w/main/runs/{run.pk}/{tab}/").status_code == 404
