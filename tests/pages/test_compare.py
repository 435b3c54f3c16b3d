"""Runs beside each other: what differs, which plots there are, files and images."""

from __future__ import annotations

import csv
import io
import math

import pytest

from experiments import diff, operations
from experiments.metrics import Point
from experiments.models import Run
from experiments.queries.compare import Block
from experiments.queries.packages import conda_packages, packages

pytestmark = pytest.mark.django_db

COMPARE = "/w/main/runs/compare/"
DOT = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def alice_browser(browse, alice_user):
    return browse(alice_user)


@pytest.fixture
def runs(make_run) -> list[Run]:
    return [make_run("one", 40.0, alpha="1", model="ridge"), make_run("two", 41.5, alpha="2", model="ridge")]


def ids(runs: list[Run]) -> list[str]:
    return [run.pk for run in runs]


def text(response) -> str:
    return response.content.decode()


def test_runs_are_compared_with_the_first(alice_browser, runs):
    page = text(alice_browser.get(COMPARE, {"run": ids(runs)}))
    assert "+1.500" in page
    assert "1 differ, 1 equal" in page
    assert page.count('class="differs"') >= 2
    assert '<th scope="row" title="model"' not in page
    assert 'delta is-worse">+1.500' in page


def test_another_run_is_made_the_base_and_one_is_left_out(alice_browser, runs):
    page = text(alice_browser.get(COMPARE, {"run": ids(runs), "base": runs[1].pk}))
    assert "Base: two" in page
    assert "−1.500" in page
    assert "Make two the base" not in page
    assert f'name="base" value="{runs[0].pk}"' in page
    asked = {"run": ids(runs), "base": runs[1].pk, "all": "1", "find": "", "page": "2"}
    gone = alice_browser.get(COMPARE, {**asked, "without": runs[0].pk})
    assert gone["Location"] == f"{COMPARE}?run={runs[1].pk}&all=1&base={runs[1].pk}"
    gone = alice_browser.get(COMPARE, {**asked, "without": runs[1].pk})
    assert gone["Location"] == f"{COMPARE}?run={runs[0].pk}&all=1"
    other = alice_browser.get(COMPARE, {**asked, "base": [runs[1].pk, runs[0].pk]})
    assert other["Location"] == f"{COMPARE}?run={runs[0].pk}&run={runs[1].pk}&all=1&base={runs[0].pk}"


def test_a_hundred_runs_beside_each_other_stay_a_page_one_can_send(alice, alice_browser, experiment):
    runs = []
    for n in range(100):
        run = operations.create_run(alice, experiment, name=f"run-{n}")
        operations.log_batch(alice, run, params=[(f"p{k:03}", str(n + k)) for k in range(100)])
        runs.append(run)
    plain = alice_browser.get(COMPARE, {"run": ids(runs)}).content
    packed = alice_browser.get(COMPARE, {"run": ids(runs)}, headers={"accept-encoding": "gzip"})
    assert len(plain) < 500_000
    assert packed["Content-Encoding"] == "gzip"
    assert len(packed.content) < 60_000


def test_equal_rows_are_shown_when_asked_for_and_rows_are_found(alice_browser, runs):
    everything = text(alice_browser.get(COMPARE, {"run": ids(runs), "all": "1"}))
    assert '<th scope="row" title="model"' in everything
    found = text(alice_browser.get(COMPARE, {"run": ids(runs), "find": "alp"}))
    assert 'title="alpha"' in found
    assert 'title="val_rmse"' not in found
    assert "No row is called “nothing”." in text(alice_browser.get(COMPARE, {"run": ids(runs), "find": "nothing"}))


def test_the_lowest_or_highest_of_a_metric_can_count(alice_browser, runs):
    last, highest = (text(alice_browser.get(COMPARE, {"run": ids(runs), "of": of})) for of in ("last", "max"))
    assert 'title="41.5"' in last
    assert 'title="51.5"' in highest


def test_packages_data_and_source_are_compared(alice, alice_browser, runs, put):
    put(runs[0], "requirements.txt", "scikit-learn==1.7.2\nnumpy==2.3.4\n")
    model = operations.create_logged_model(alice, runs[1].experiment, name="model", source_run_id=runs[1].pk)
    put(model, "conda.yaml", "dependencies:\n- python=3.11\n- pip:\n  - scikit-learn==1.6.1\n  - numpy==2.3.4\n")
    operations.set_tag(alice, runs[0], key="mlflow.source.git.commit", value="a81f03c")
    operations.set_tag(alice, runs[1], key="mlflow.source.git.commit", value="5de2917")
    page = text(alice_browser.get(COMPARE, {"run": ids(runs)}))
    for words in ("1.7.2", "1.6.1", "3.11", "a81f03c", "5de2917", "2 differ, 1 equal"):
        assert words in page
    assert '<th scope="row" title="numpy"' not in page


def test_requirements_are_read_as_they_are_written():
    lines = [
        "Scikit_Learn == 1.7.2  # pinned",
        "numpy>=2,<3",
        "",
        "# no",
        "plain",
        "-e .",
        "x @ https://a.example/x.whl",
    ]
    assert packages(lines) == {
        "scikit-learn": "1.7.2",
        "numpy": "<3,>=2",
        "plain": "any",
        "-e .": "yes",
        "x": "https://a.example/x.whl",
    }
    assert conda_packages("dependencies: [python=3.11.7, {pip: [mlflow]}]") == {"python": "3.11.7", "mlflow": "any"}
    assert conda_packages("a: [") == conda_packages("- a") == conda_packages("dependencies: 3") == {}


def test_a_page_of_differences_is_bounded(alice, alice_browser, experiment, django_assert_max_num_queries):
    runs = []
    for n in range(30):
        run = operations.create_run(alice, experiment, name=f"run-{n}")
        operations.log_batch(alice, run, params=[(f"p{k:03}", str(n if k % 2 else 0)) for k in range(100)])
        operations.log_batch(alice, run, params=[(f"q{k:03}", str(n)) for k in range(100)])
        runs.append(run)
    with django_assert_max_num_queries(30):
        first = text(alice_browser.get(COMPARE, {"run": ids(runs), "all": "1"}))
    assert "Page 1 of 3" in first
    assert 0 < first.split('<table class="diff"')[1].split("</table>")[0].count("<td") <= diff.CELLS
    assert "150 differ, 50 equal" in first
    second = text(alice_browser.get(COMPARE, {"run": ids(runs), "all": "1", "page": 2}))
    assert 'title="q099"' in second
    assert 'title="p000"' not in second


def test_nan_equals_nan_and_what_is_no_number_has_no_delta():
    columns = ({"a": math.nan, "b": 1.0, "c": 1.0}, {"a": math.nan, "b": math.inf, "c": 3.0})
    found = diff.diff(diff.lines([Block("metrics", "Metrics", columns)]), shows_all=True)
    cells = {row.key: row.cells[1] for row in found.groups[0].rows}
    assert not cells["a"].differs
    assert (cells["b"].differs, cells["b"].delta) == (True, None)
    assert (cells["c"].delta, cells["c"].is_better) == (2.0, None)


def test_the_differences_come_as_csv(alice_browser, runs):
    response = alice_browser.get(f"{COMPARE}csv/", {"run": ids(runs), "base": runs[1].pk})
    rows = list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode())))
    assert rows[0] == ["", "run_id", runs[1].pk, runs[0].pk]
    assert ["metrics", "val_rmse", "41.5", "40.0"] in rows
    assert ["params", "alpha", "2", "1"] in rows
    assert not [row for row in rows if row[1] == "model"]


def test_comparing_one_run_asks_for_another_and_offers_it(alice_browser, runs):
    assert "Choose at least two runs" in text(alice_browser.get(COMPARE, {"run": runs[0].pk}))
    offers = text(alice_browser.get(f"{COMPARE}offer/", {"run": runs[0].pk, "tab": "box"}))
    assert f"{COMPARE}?run={runs[0].pk}&amp;run={runs[1].pk}&amp;tab=box" in offers
    assert ">one<" not in offers
    assert "No other run is called" in text(alice_browser.get(f"{COMPARE}offer/", {"run": runs[0].pk, "add": "zzz"}))


@pytest.mark.parametrize("tab", ["charts", "parallel", "scatter", "contour", "box", "files", "images"])
def test_each_tab_shows_itself_and_keeps_the_runs(alice_browser, runs, tab):
    page = text(alice_browser.get(COMPARE, {"run": ids(runs), "tab": tab}))
    assert 'aria-current="page"' in page
    assert f"?run={runs[0].pk}&amp;run={runs[1].pk}&amp;tab=" in page


@pytest.mark.parametrize("tab", ["parallel", "scatter", "contour", "box"])
def test_runs_that_share_nothing_leave_a_plot_empty(alice, alice_browser, experiment, tab):
    runs = [operations.create_run(alice, experiment, name=name) for name in ("a", "b")]
    page = text(alice_browser.get(COMPARE, {"run": ids(runs), "tab": tab}))
    assert "could be drawn" in page or "at least two parameters" in page
    assert "data-url" not in page


def test_values_are_numbers_where_all_are(alice, alice_browser, runs):
    operations.log_batch(alice, runs[0], metrics=[Point("odd", math.inf, 1, 0)])
    asked = {"run": ids(runs), "column": ["params.alpha", "params.model", "metrics.val_rmse", "metrics.odd"]}
    found = alice_browser.get(f"{COMPARE}values/", asked).json()
    assert [run["name"] for run in found["runs"]] == ["one", "two"]
    assert [(one["is_number"], one["values"]) for one in found["columns"]] == [
        (True, [1.0, 2.0]),
        (False, ["ridge", "ridge"]),
        (True, [40.0, 41.5]),
        (True, [None, None]),
    ]


def test_axes_are_those_in_which_the_runs_differ_unless_chosen(alice_browser, runs):
    page = text(alice_browser.get(COMPARE, {"run": ids(runs), "tab": "parallel"}))
    assert "column=params.alpha&amp;column=metrics.val_rmse" in page
    assert "column=params.model" not in page
    chosen = text(
        alice_browser.get(COMPARE, {"run": ids(runs), "tab": "parallel", "column": ["params.model", "params.alpha"]})
    )
    assert "column=params.model&amp;column=params.alpha" in chosen


def test_files_stand_side_by_side_with_what_is_new_in_them(alice_browser, runs, put):
    put(runs[0], "config.yaml", "depth: 3\nfold: none\n")
    put(runs[1], "config.yaml", "depth: 4\nfold: none\n")
    put(runs[0], "only.txt", "x")
    page = text(alice_browser.get(COMPARE, {"run": ids(runs), "tab": "files", "path": "config.yaml"}))
    assert page.count(f"{COMPARE}file/?run=") == 2
    assert "not in all" in page
    asked = {"run": runs[1].pk, "base": runs[0].pk, "path": "config.yaml"}
    shown = text(alice_browser.get(f"{COMPARE}file/", asked))
    assert "<ins>depth: 4</ins>" in shown
    assert "<span>fold: none</span>" in shown
    assert "1 line of the base is gone" in shown
    assert "Not in this run." in text(alice_browser.get(f"{COMPARE}file/", {**asked, "path": "only.txt"}))
    assert "Not in this run." in text(alice_browser.get(f"{COMPARE}file/", {**asked, "path": "nowhere"}))


def test_images_of_one_name_stand_side_by_side_up_to_a_step(alice_browser, runs, put):
    for run in runs:
        put(run, "plots/roc.png", DOT)
        for step in (0, 5):
            put(run, f"images/val~grid+step+{step}+timestamp+17{step}+{'ab' * 16}.png", DOT)
            put(run, f"images/val~grid+step+{step}+timestamp+17{step}+{'ab' * 16}+compressed.webp", DOT)
    page = text(alice_browser.get(COMPARE, {"run": ids(runs), "tab": "images"}))
    assert page.count('loading="lazy"') == 4
    assert ">val/grid</h2>" in page
    assert "step 5" in page
    earlier = text(alice_browser.get(COMPARE, {"run": ids(runs), "tab": "images", "step": "4"}))
    assert "step 0" in earlier
    assert "step%2B0" in earlier.split('id="images"')[1]


def test_a_stranger_compares_nothing(browse, charlie_user, runs):
    browser = browse(charlie_user)
    for path in ("", "csv/", "offer/", "values/", "file/"):
        assert browser.get(f"{COMPARE}{path}", {"run": ids(runs)}).status_code == 404


def test_runs_of_another_workspace_are_left_out(alice_browser, runs, elsewhere):
    foreign = Run.objects.create(
        workspace=elsewhere, experiment=elsewhere.experiments.create(name="theirs"), name="foreign"
    )
    assert "foreign" not in text(alice_browser.get(COMPARE, {"run": [*ids(runs), foreign.pk]}))
    assert alice_browser.get(f"{COMPARE}file/", {"run": foreign.pk, "path": "x"}).status_code == 404
