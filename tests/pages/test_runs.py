"""The pages of experiments and runs."""

from __future__ import annotations

import pytest

from experiments import operations
from experiments.models import Experiment, Run

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice_browser(browse, alice_user):
    return browse(alice_user)


def text(response) -> str:
    return response.content.decode()


def test_an_empty_workspace_says_how_to_begin(alice_browser, workspace):
    page = text(alice_browser.get("/w/main/"))
    assert "MLFLOW_TRACKING_URI=" in page
    assert "/w/main" in page


def test_home_makes_a_token_and_shows_it_once(alice_browser, alice_user, workspace):
    made = alice_browser.post("/w/main/client-token/", headers={"HX-Request": "true"})
    assert "MLFLOW_TRACKING_TOKEN=studio_user_" in text(made)
    assert made.headers["Cache-Control"] == "no-store"
    assert alice_user.tokens.get().name == "mlflow"
    assert "MLFLOW_TRACKING_TOKEN=studio_user_" not in text(alice_browser.get("/w/main/"))


def test_home_shows_what_runs(alice_browser, make_run):
    make_run("goes-on", ends=False)
    page = text(alice_browser.get("/w/main/"))
    assert "Running now" in page
    assert "goes-on" in page


def test_an_experiment_is_made_renamed_deleted_and_restored(alice_browser, workspace):
    made = alice_browser.post("/w/main/experiments/create/", {"name": "iris"})
    assert made.status_code == 303
    experiment = Experiment.objects.get(name="iris")
    alice_browser.post(f"/w/main/experiments/{experiment.pk}/rename/", {"name": "iris-2"})
    alice_browser.post(f"/w/main/experiments/{experiment.pk}/delete/")
    assert "iris-2" not in text(alice_browser.get("/w/main/experiments/"))
    assert "iris-2" in text(alice_browser.get("/w/main/experiments/?view=deleted"))
    alice_browser.post(f"/w/main/experiments/{experiment.pk}/restore/")
    assert "iris-2" in text(alice_browser.get("/w/main/experiments/"))


def test_a_taken_name_is_refused_in_the_form(alice_browser, experiment):
    response = alice_browser.post("/w/main/experiments/create/", {"name": "diabetes"})
    assert response.status_code == 422
    assert "already exists" in text(response)
    assert "data-open" in text(response)


def test_the_table_filters_and_sorts_as_mlflow_does(alice_browser, make_run, experiment):
    make_run("low", 40.0, model="ridge")
    make_run("high", 60.0, model="lasso")
    address = f"/w/main/experiments/{experiment.pk}/"
    filtered = text(alice_browser.get(address, {"filter": "metrics.val_rmse < 50 and params.model = 'ridge'"}))
    assert ">low<" in filtered
    assert ">high<" not in filtered
    ordered = text(alice_browser.get(address, {"order": "metrics.`val_rmse` DESC"}))
    assert ordered.index(">high<") < ordered.index(">low<")
    assert 'aria-sort="descending"' in ordered


def test_a_filter_that_cannot_be_read_is_explained(alice_browser, run, experiment):
    response = alice_browser.get(f"/w/main/experiments/{experiment.pk}/", {"filter": "metrics.oops foo"})
    assert response.status_code == 422
    assert "The filter cannot be read." in text(response)


def test_the_best_value_stands_out(alice_browser, make_run, experiment):
    make_run("low", 40.0)
    make_run("high", 60.0)
    page = text(alice_browser.get(f"/w/main/experiments/{experiment.pk}/"))
    assert page.count("num best") == 1


def test_columns_are_chosen_by_the_address(alice_browser, make_run, experiment):
    make_run("one", alpha="0.125", model="ridge")
    address = f"/w/main/experiments/{experiment.pk}/"
    page = text(alice_browser.get(address, {"column": ["params.alpha"]}, headers={"HX-Request": "true"}))
    assert "0.125" in page
    assert "ridge" not in page
    assert "43.00" not in page


def test_a_page_that_waits_for_its_first_run_reloads_once_it_is_there(alice_browser, make_run, experiment):
    address, asks = f"/w/main/experiments/{experiment.pk}/", {"HX-Request": "true", "HX-Target": "no-runs"}
    assert "HX-Refresh" not in alice_browser.get(address, headers=asks).headers
    make_run("first")
    assert alice_browser.get(address, headers=asks).headers["HX-Refresh"] == "true"


def test_htmx_gets_the_table_alone(alice_browser, run, experiment):
    response = alice_browser.get(f"/w/main/experiments/{experiment.pk}/", headers={"HX-Request": "true"})
    assert text(response).lstrip().startswith("<table")


def test_a_run_shows_its_metrics_and_params(alice_browser, run):
    page = text(alice_browser.get(f"/w/main/runs/{run.pk}/"))
    for words in ("bright-heron", "val_rmse", "53.18", "alpha", "0.01", "metric-chart"):
        assert words in page


def test_a_live_run_refreshes_and_an_ended_one_does_not(alice_browser, make_run):
    live, ended = make_run("live", ends=False), make_run("ended")
    assert 'hx-trigger="every 2s"' in text(alice_browser.get(f"/w/main/runs/{live.pk}/"))
    assert 'hx-trigger="every' not in text(alice_browser.get(f"/w/main/runs/{ended.pk}/"))


def test_the_last_refresh_brings_the_duration(alice_browser, run):
    refreshed = text(alice_browser.get(f"/w/main/runs/{run.pk}/values/", headers={"HX-Request": "true"}))
    assert 'id="run-duration" hx-swap-oob="true"' in refreshed
    assert "hx-swap-oob" not in text(alice_browser.get(f"/w/main/runs/{run.pk}/"))


def test_a_live_run_gets_only_the_charts_it_lacks(alice_browser, make_run):
    run = make_run("live", ends=False)
    address = f"/w/main/runs/{run.pk}/plots/"
    assert "metric-chart" in text(alice_browser.get(address))
    assert "metric-chart" not in text(alice_browser.get(address, {"known": "val_rmse"}))


def test_several_runs_are_deleted_and_restored(alice_browser, make_run):
    runs = [make_run("one"), make_run("two")]
    names = {"run": [run.pk for run in runs]}
    alice_browser.post("/w/main/runs/delete/", names)
    assert Run.objects.filter(deleted_ms=None).count() == 0
    assert "2 runs moved" in text(alice_browser.get("/w/main/runs/"))
    alice_browser.post("/w/main/runs/restore/", names)
    assert Run.objects.filter(deleted_ms=None).count() == 2


def test_nobody_is_sent_to_another_host(alice_browser, run):
    referer = {"Referer": "https://elsewhere.example//evil.example/x?y=1"}
    response = alice_browser.post("/w/main/runs/delete/", {"run": run.pk}, headers=referer)
    assert response.headers["Location"] == "/evil.example/x?y=1"


def test_a_note_and_a_name_are_kept(alice_browser, run):
    alice_browser.post(f"/w/main/runs/{run.pk}/note/", {"text": "Better on <all> folds"})
    alice_browser.post(f"/w/main/runs/{run.pk}/rename/", {"name": "champion"})
    page = text(alice_browser.get(f"/w/main/runs/{run.pk}/"))
    assert "Better on &lt;all&gt; folds" in page
    assert ">champion<" in page


def test_a_reader_looks_and_does_not_touch(browse, bob_user, run):
    browser = browse(bob_user)
    response = browser.get(f"/w/main/runs/{run.pk}/")
    assert response.status_code == 200
    assert f"/runs/{run.pk}/delete/" not in text(response)
    assert browser.post(f"/w/main/runs/{run.pk}/delete/").status_code == 403


def test_a_stranger_finds_no_run(browse, charlie_user, run):
    browser = browse(charlie_user)
    assert browser.get(f"/w/main/runs/{run.pk}/").status_code == 404
    assert browser.get(f"/w/elsewhere/runs/{run.pk}/").status_code == 404


def test_a_link_without_the_right_workspace_leads_to_the_run(browse, alice_user, run, elsewhere):
    from workspaces.models import Membership, Role

    Membership.objects.create(user=alice_user, workspace=elsewhere, role=Role.OWNER)
    response = browse(alice_user).get(f"/w/elsewhere/runs/{run.pk}/")
    assert response.status_code == 302
    assert response.headers["Location"] == f"/w/main/runs/{run.pk}/"


def test_the_list_of_runs_keeps_its_number_of_queries(alice_browser, make_run, django_assert_max_num_queries):
    for number in range(12):
        make_run(f"run-{number}", alpha=str(number))
    with django_assert_max_num_queries(20):
        alice_browser.get("/w/main/runs/")


def test_a_child_run_names_its_parent(alice, alice_browser, experiment, run):
    child = operations.create_run(alice, experiment, name="fold-1", tags={"mlflow.parentRunId": run.pk})
    assert "bright-heron" in text(alice_browser.get(f"/w/main/runs/{child.pk}/"))
    assert "fold-1" in text(alice_browser.get(f"/w/main/runs/{run.pk}/children/"))
