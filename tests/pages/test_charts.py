"""Charts: their points, their sections, what a live page gets, every point as CSV."""

from __future__ import annotations

import csv
import io
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experiments import metrics, operations
from experiments.metrics import Point
from experiments.models import Run

pytestmark = pytest.mark.django_db

POINTS = "/w/main/api/v1/metrics"


@pytest.fixture
def alice_browser(browse, alice_user):
    return browse(alice_user)


@pytest.fixture
def log(alice):
    def log_values(run: Run, key: str, values, *, first: int = 0) -> None:
        points = [Point(key, value, 1_700_000_000_000 + step, step) for step, value in enumerate(values, first)]
        operations.log_batch(alice, run, metrics=points)

    return log_values


@pytest.fixture
def live(alice, experiment) -> Run:
    return operations.create_run(alice, experiment, name="live")


def text(response) -> str:
    return response.content.decode()


def points(browser, asked):
    return browser.get(POINTS, asked, headers={"Accept": "application/json"})


def number(value: float | str | None) -> float:
    return math.nan if value is None else float(value)


window = st.tuples(st.integers(0, 3000), st.integers(0, 3000)).map(sorted)
values = st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), min_size=1, max_size=60)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values, st.integers(1, 60), st.lists(window, min_size=1, max_size=3), st.booleans())
def test_every_drawn_window_holds_the_lowest_and_the_highest_of_its_data(
    alice_browser, experiment, some, repeats, windows, is_packed
):
    """Whole, zoomed, packed or not: no spike is lost, and nothing is drawn that is not there."""
    run = Run.objects.create(workspace=experiment.workspace, experiment=experiment, name="any")
    logged = np.array((some * repeats)[:3000], dtype=float)
    metrics.append(run.pk, [Point("any", value, 1000 + step, step) for step, value in enumerate(logged.tolist())])
    if is_packed:
        metrics.compact_due()
    for begin, end in [(0, 3000), *windows]:
        asked = {"run": run.pk, "key": "any", "start_step": begin, "end_step": end, "points": 40}
        [series] = points(alice_browser, asked).json()
        drawn = np.array([number(value) for value in series["values"]])
        data = logged[begin : end + 1]
        assert series["total"] == len(data)
        assert np.array_equal(drawn, logged[series["steps"]], equal_nan=True)
        for pick in (np.min, np.max):
            for one in (drawn, data):
                assert np.isfinite(data).any() == np.isfinite(one).any()
            if np.isfinite(data).any():
                assert pick(drawn[np.isfinite(drawn)]) == pick(data[np.isfinite(data)])
        assert np.isnan(drawn).any() <= np.isnan(data).any()
        assert (~np.isfinite(drawn)).any() == (~np.isfinite(data)).any()


def test_points_come_by_run_and_range(alice_browser, run):
    asked = {"run": run.pk, "key": "val_rmse", "start_step": 2, "end_step": 4}
    [series] = points(alice_browser, asked).json()
    assert (series["steps"], series["total"], series["name"]) == ([2, 3, 4], 3, "bright-heron")
    assert points(alice_browser, {**asked, "start_step": "x"}).status_code == 400


def test_charts_stand_in_sections_by_the_beginning_of_their_names(alice_browser, run, log):
    for key in ("train/loss", "train/accuracy", "val/loss", "system/cpu"):
        log(run, key, [1.0])
    page = text(alice_browser.get(f"/w/main/runs/{run.pk}/charts/"))
    names = [part.split('"')[0] for part in page.split('data-section="')[1:]]
    assert names == ["", "train", "val", "system"]
    assert 'data-section="train" open' in page
    assert 'data-section="system" open' not in page
    folded = text(alice_browser.get(f"/w/main/runs/{run.pk}/charts/", {"fold": ["train", "val"]}))
    assert 'data-section="train" open' not in folded
    assert 'data-section="system" open' in folded


def test_metrics_are_found_by_words_of_their_names(alice_browser, run, log):
    for key in ("train/loss", "val/loss", "val/accuracy"):
        log(run, key, [1.0])
    page = text(alice_browser.get("/w/main/runs/sections/", {"run": run.pk, "find": "LOSS val"}))
    assert 'data-title="val/loss"' in page
    assert "train/loss" not in page
    assert "No metric’s name holds “nothing”." in text(
        alice_browser.get("/w/main/runs/sections/", {"run": run.pk, "find": "nothing"})
    )


def test_a_section_goes_on_where_it_is_scrolled(alice_browser, run, log):
    for n in range(30):
        log(run, f"layer/{n:02}", [1.0])
    page = text(alice_browser.get(f"/w/main/runs/{run.pk}/charts/"))
    assert 'data-title="layer/23"' in page
    assert 'data-title="layer/24"' not in page
    more = text(alice_browser.get("/w/main/runs/sections/", {"run": run.pk, "section": "layer", "from": 24}))
    assert more.count("data-title=") == 6
    assert "hx-get" not in more


def test_a_live_page_gets_the_charts_it_lacks_and_where_they_belong(alice_browser, live, log):
    log(live, "train/loss", [1.0])
    page = text(alice_browser.get(f"/w/main/runs/{live.pk}/charts/"))
    ask = page.split('class="plots-growth" hx-get="')[1].split('"')[0].replace("&amp;", "&")
    assert alice_browser.get(ask).status_code == 204
    log(live, "train/accuracy", [1.0])
    log(live, "val/loss", [1.0])
    grown = text(alice_browser.get(ask))
    assert 'data-title="train/loss"' not in grown
    assert grown.index('data-section="val"') < grown.index('hx-swap-oob="beforeend:#plots-')
    assert 'data-title="train/accuracy"' in grown.split("hx-swap-oob")[1]
    again = grown.split('class="plots-growth" hx-get="')[1].split('"')[0].replace("&amp;", "&")
    assert alice_browser.get(again).status_code == 204


def test_a_live_page_stops_asking_once_its_runs_have_ended(alice, alice_browser, live, log):
    log(live, "loss", [1.0])
    page = text(alice_browser.get(f"/w/main/runs/{live.pk}/charts/"))
    ask = page.split('class="plots-growth" hx-get="')[1].split('"')[0].replace("&amp;", "&")
    operations.update_run(alice, live, status="FINISHED")
    last = alice_browser.get(ask)
    assert last.status_code == 200
    assert "hx-trigger" not in text(last)


def test_children_are_drawn_with_their_parent(alice, alice_browser, experiment, run, log):
    child = operations.create_run(alice, experiment, name="fold-1", tags={"mlflow.parentRunId": run.pk})
    log(child, "fold/loss", [1.0])
    alone, together = (
        text(alice_browser.get(f"/w/main/runs/{run.pk}/charts/", query)) for query in ({}, {"children": "1"})
    )
    assert "With 1 child" in alone
    assert child.pk not in alone.split("data-charts")[1].split("run-menu")[0]
    assert f"run={run.pk}&amp;run={child.pk}" in together
    assert 'data-title="fold/loss"' in together


def test_an_empty_run_says_that_there_is_nothing(alice, alice_browser, experiment, live):
    assert "No metrics yet." in text(alice_browser.get(f"/w/main/runs/{live.pk}/charts/"))
    ended = operations.update_run(alice, live, status="FINISHED")
    assert "No metrics were logged." in text(alice_browser.get(f"/w/main/runs/{ended.pk}/charts/"))


def test_every_point_comes_as_csv(alice, alice_browser, experiment, log):
    run = operations.create_run(alice, experiment, name="=HYPERLINK(1)")
    log(run, "loss", [1.5, math.nan, math.inf])
    for first in (3, 1003):
        log(run, "loss", range(1000), first=first)
    response = alice_browser.get("/w/main/runs/points/", {"run": run.pk, "key": "loss"})
    rows = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))
    assert len(rows) == 2003
    assert rows[0] == {
        "run_id": run.pk,
        "run": "'=HYPERLINK(1)",
        "step": "0",
        "time": "2023-11-14T22:13:20.000Z",
        "value": "1.5",
    }
    assert [row["value"] for row in rows[1:3]] == ["nan", "inf"]


def test_a_stranger_gets_no_points(browse, charlie_user, run):
    assert points(browse(charlie_user), {"run": run.pk, "key": "val_rmse"}).status_code in (403, 404)
    assert browse(charlie_user).get("/w/main/runs/points/", {"run": run.pk, "key": "val_rmse"}).status_code == 404


def test_a_page_of_many_runs_asks_for_fewer_points_of_each(alice_browser, make_run):
    runs = [make_run(f"run-{n}") for n in range(25)]
    page = text(alice_browser.get("/w/main/runs/charts/", {"run": [run.pk for run in runs]}))
    assert "&amp;points=400" in page
