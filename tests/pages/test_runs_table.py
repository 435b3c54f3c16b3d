"""The runs table: what it asks for, its pages, groups, chips and bulk acts."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest

from experiments import columns, operations, tables
from experiments.metrics import Point
from experiments.models import Run
from experiments.queries import table
from experiments.templatetags.cells import cell_html

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def alice_browser(browse, alice_user):
    return browse(alice_user)


@pytest.fixture
def address(experiment):
    return f"/w/main/experiments/{experiment.pk}/"


@pytest.fixture
def many(alice, experiment) -> list[Run]:
    runs = [Run(experiment=experiment, workspace=experiment.workspace, name=f"n-{number:03}",
                status="FINISHED", start_ms=number // 3, end_ms=number) for number in range(125)]  # fmt: skip
    return Run.objects.bulk_create(runs)


def text(response) -> str:
    return response.content.decode()


def names(page: str) -> list[str]:
    return re.findall(r'title="(n-\d+)"', page)


def test_pages_go_on_until_every_run_was_shown_once(alice_browser, address, many):
    page, seen = text(alice_browser.get(address)), []
    assert ">125</span>" in page
    while True:
        seen += names(page)
        more = re.search(r'hx-get="([^"]*after=[^"]*)"', page)
        if more is None:
            break
        page = text(alice_browser.get(more[1].replace("&amp;", "&"), headers=HTMX))
        assert "<thead" not in page
    assert len(seen) == len(set(seen)) == 125
    newest = {run.name for run in many if run.start_ms == 41}
    assert set(seen[: len(newest)]) == newest


def test_a_place_of_another_order_is_refused(alice_browser, address, many):
    more = re.search(r"after=([^&\"]*)", text(alice_browser.get(address)))[1]
    for after in (more, "nonsense"):
        found = alice_browser.get(f"{address}?order=metrics.x&after={after}", headers={**HTMX, "Accept": "text/html"})
        assert found.status_code == 400


def test_a_refresh_asks_for_as_many_rows_as_are_there(alice_browser, address, many):
    assert len(names(text(alice_browser.get(address, {"rows": 110}, headers=HTMX)))) == 110
    assert len(names(text(alice_browser.get(address, {"rows": 10**6}, headers=HTMX)))) == 125


def test_a_metric_shows_its_last_lowest_or_highest_value(alice_browser, address, make_run):
    make_run("one", 40.0)
    for column, value in (("metrics.val_rmse", "40"), ("min(metrics.val_rmse)", "40"), ("max(metrics.val_rmse)", "50")):
        assert f'title="{value}.0"' in text(alice_browser.get(address, {"column": column}))
    page = text(
        alice_browser.get(address, {"column": "max(metrics.val_rmse)", "order": "max(metrics.`val_rmse`) DESC"})
    )
    assert 'aria-sort="descending"' in page


def test_only_the_columns_shown_are_read(django_assert_num_queries, make_run, alice, workspace, experiment):
    make_run("one", alpha="1", model="ridge")
    question = table.Question(columns=(columns.Column("param", "alpha"),))
    rows = table.matching(alice, workspace, [experiment.pk], question)
    with django_assert_num_queries(2):
        page = table.page(rows, question)
    assert list(page.values[page.runs[0].pk].values()) == ["1"]


def test_runs_stand_in_groups_with_their_sizes(alice_browser, address, make_run):
    make_run("a1", model="lasso")
    make_run("b1", model="ridge")
    make_run("a2", model="lasso")
    make_run("none")
    page = text(alice_browser.get(address, {"group": "params.model"}))
    assert page.index("<b>lasso</b>") < page.index("<b>ridge</b>") < page.index("<b>not set</b>")
    assert page.count('class="is-group"') == 3
    assert "2 runs" in page


def test_a_group_goes_on_over_pages_without_a_second_head(alice_browser, address, many):
    page = text(alice_browser.get(address, {"group": "attributes.status"}))
    more = re.search(r'hx-get="([^"]*after=[^"]*)"', page)[1].replace("&amp;", "&")
    assert page.count('class="is-group"') == 1
    assert 'class="is-group"' not in text(alice_browser.get(more, headers=HTMX))


def test_pinned_columns_come_first(alice_browser, address, make_run):
    make_run("one", alpha="0.125", model="ridge")
    query = {"column": ["params.alpha", "params.model"], "pin": "params.model"}
    page = text(alice_browser.get(address, query))
    assert page.index("Parameter: model") < page.index("Parameter: alpha")
    assert "is-pinned" in page


def test_conditions_are_chips_and_another_is_added(alice_browser, address, make_run):
    make_run("low", 40.0, model="ridge")
    page = text(alice_browser.get(address, {"filter": "metrics.val_rmse < 50 AND params.model = 'ridge'"}))
    assert page.count('class="chip"') == 2
    added = alice_browser.get(
        address, {"filter": "metrics.val_rmse < 50 OR status = 'FAILED'", "add": "params.model = 'x'"}
    )
    assert added.status_code == 302
    assert "%28metrics.val_rmse+%3C+50+OR+status+%3D+%27FAILED%27%29+AND+params.model" in added.headers["Location"]


def test_no_match_offers_to_drop_each_condition(alice_browser, address, make_run):
    make_run("one")
    page = text(alice_browser.get(address, {"filter": "status = 'FAILED' AND params.model = 'x'"}))
    assert "Drop a condition" in page


def test_the_picker_offers_what_was_logged(alice_browser, experiment, make_run):
    make_run("one", alpha="1")
    page = text(alice_browser.get("/w/main/runs/columns/", {"experiment": experiment.pk}))
    for name in ("params.alpha", "min(metrics.val_rmse)", "attributes.status"):
        assert f'data-add="{name}"' in page


def test_the_table_is_exported_as_shown(alice_browser, experiment, make_run):
    one = make_run("=cmd()", 40.0, alpha="-1.5")
    make_run("two", alpha="+x")
    query = {"column": ["params.alpha", "min(metrics.val_rmse)"], "experiment": experiment.pk, "order": "start_time"}
    found = b"".join(alice_browser.get("/w/main/runs/csv/", query).streaming_content).decode()
    rows = {row["run_id"]: row for row in csv.DictReader(io.StringIO(found))}
    assert len(rows) == 2
    assert rows[one.pk] == {
        "run_id": one.pk,
        "Name": "'=cmd()",
        "params.alpha": "-1.5",
        "min(metrics.val_rmse)": "40.0",
    }
    ticked = b"".join(alice_browser.get("/w/main/runs/csv/", {"run": one.pk}).streaming_content).decode()
    assert len(ticked.splitlines()) == 2


def undo_of(answer) -> dict[str, str]:
    events = json.loads(answer.headers["HX-Trigger"])
    assert events["runs:changed"] is True
    assert events["toast"]["undo"]["url"] == "/w/main/runs/undo/"
    return dict(events["toast"]["undo"]["names"])


@pytest.mark.parametrize(("act", "field"), [("delete", "deleted_ms"), ("archive", "archived_ms")])
def test_an_act_says_how_to_take_it_back_once(alice_browser, make_run, act, field):
    runs = [make_run("one"), make_run("two")]
    before = make_run("before")
    alice_browser.post(f"/w/main/runs/{act}/", {"run": before.pk}, headers=HTMX)
    ids = [run.pk for run in [*runs, before]]
    token = undo_of(alice_browser.post(f"/w/main/runs/{act}/", {"run": ids}, headers=HTMX))
    assert Run.objects.filter(**{field: None}).count() == 0
    assert alice_browser.post("/w/main/runs/undo/", token, headers=HTMX).status_code == 204
    assert set(Run.objects.filter(**{field: None})) == set(runs)
    assert alice_browser.post("/w/main/runs/undo/", token, headers=HTMX).status_code == 404


def test_runs_are_tagged_together(alice_browser, make_run):
    runs = [make_run("one"), make_run("two")]
    ids = [run.pk for run in runs]
    alice_browser.post("/w/main/runs/tag/", {"run": ids, "key": "stage", "value": "final"}, headers=HTMX)
    assert [run.tags.get(key="stage").value for run in runs] == ["final", "final"]
    alice_browser.post("/w/main/runs/tag/", {"run": ids, "key": "stage", "value": ""}, headers=HTMX)
    assert not any(run.tags.filter(key="stage").exists() for run in runs)


def test_a_reader_cannot_tag(browse, bob_user, run):
    answer = browse(bob_user).post("/w/main/runs/tag/", {"run": run.pk, "key": "a", "value": "b"})
    assert answer.status_code == 403


def test_a_stranger_sees_no_columns_and_no_export(browse, charlie_user, run):
    for part in ("columns", "csv"):
        assert browse(charlie_user).get(f"/w/main/runs/{part}/").status_code == 404


def test_the_number_of_queries_does_not_grow_with_the_runs(
    alice_browser, address, make_run, django_assert_max_num_queries
):
    for number in range(12):
        make_run(f"run-{number}", alpha=str(number))
    with django_assert_max_num_queries(22):
        alice_browser.get(address, {"group": "params.alpha"})


@pytest.mark.parametrize("name", ["metrics.a/b", "min(metrics.x y)", "params.(", "tags.ä", "attributes.status"])
def test_a_columns_name_is_read_back(name):
    assert columns.read(name).name == name


@pytest.mark.parametrize("name", ["", "metrics.", "min(params.x)", "attributes.secret", "min(metrics.x", "x"])
def test_what_is_no_column_is_left_out(name):
    assert columns.read(name) is None


def test_a_view_is_saved_under_a_name_and_found_at_its_address(alice_browser, bob_user, browse, experiment, make_run):
    make_run("one", alpha="1")
    query = "order=start_time&column=params.alpha&rows=7"
    save = {"name": "mine", "query": query, "experiment": experiment.pk}
    saved = alice_browser.post("/w/main/views/save/", save).headers["Location"]
    page = text(browse(bob_user).get(saved))
    assert "Parameter: alpha" in page
    assert "Save as a view</button>" not in page
    view = experiment.saved_views.get()
    assert view.query == "column=params.alpha&order=start_time"
    assert alice_browser.get(f"/w/main/views/{view.pk}/").headers["Location"] == saved
    moved = text(alice_browser.get(saved.replace("params.alpha", "metrics.val_rmse")))
    assert "Reset to the saved view" in moved
    assert "Reset to the saved view" not in text(alice_browser.get(saved))


def test_saving_again_replaces_and_deleting_forgets(alice_browser, workspace, run):
    for query in ("order=start_time", "group=params.alpha"):
        alice_browser.post("/w/main/views/save/", {"name": "mine", "query": query})
    [view] = workspace.saved_views.all()
    assert view.query == "group=params.alpha"
    alice_browser.post(f"/w/main/views/{view.pk}/delete/")
    assert not workspace.saved_views.exists()


def test_views_are_refused_to_those_who_may_not(browse, bob_user, charlie_user, alice_browser, workspace, run):
    alice_browser.post("/w/main/views/save/", {"name": "mine", "query": ""})
    view = workspace.saved_views.get()
    assert browse(bob_user).post("/w/main/views/save/", {"name": "x", "query": ""}).status_code == 403
    assert browse(charlie_user).get(f"/w/main/views/{view.pk}/").status_code == 404
    assert browse(charlie_user).get(f"/w/elsewhere/views/{view.pk}/").status_code == 404


def test_charts_come_a_few_at_a_time(alice, alice_browser, experiment):
    run = operations.create_run(alice, experiment, name="wide")
    points = [Point(f"m{number:02}", 1.0, 1_700_000_000_000, 0) for number in range(10)]
    operations.log_batch(alice, run, metrics=points)
    first = text(alice_browser.get("/w/main/runs/charts/", {"shown": run.pk}))
    assert first.count('class="plot"') == 4
    more = re.search(r'hx-get="([^"]*from=4[^"]*)"', first)[1].replace("&amp;", "&")
    rest = text(alice_browser.get(more))
    assert rest.count('class="plot"') == 4
    last = re.search(r'hx-get="([^"]*from=8[^"]*)"', rest)[1].replace("&amp;", "&")
    assert "hx-get" not in text(alice_browser.get(last))


def test_a_search_that_takes_too_long_is_told_on_the_page(alice_browser, address, many, monkeypatch):
    from django.db import connection

    from experiments.views import table as page
    from lib.search.bounds import limited

    def slow(*given, **named):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(2)")

    monkeypatch.setattr(page.table, "extremes", slow)
    monkeypatch.setattr(page, "limited", lambda: limited(0.2))
    answer = alice_browser.get(address)
    assert answer.status_code == 422
    assert "took longer than" in text(answer)


def test_a_cell_shows_little_and_holds_the_whole():
    cells = [
        tables.Cell("number", 0.927490716, "num", is_best=True),
        tables.Cell("number", 3.5, ""),
        tables.Cell("text", "<b>" + "x" * 60, "rank-2"),
        tables.Cell("missing", None, ""),
    ]
    written = "".join(map(cell_html, cells))
    assert '<td class="num best" title="0.927490716">0.9275</td>' in written
    assert f'title="&lt;b&gt;{"x" * 60}">&lt;b&gt;{"x" * 36}…</td>' in written
    assert "<b>" not in written
    assert '<td><span class="none">—</span></td>' in written


def test_the_best_is_sought_only_where_a_name_tells_which_way_is_better():
    named = [columns.Column("metric", key) for key in ("val_loss", "metric_001", "accuracy")]
    assert [one.key for one in tables.judged(named)] == ["val_loss", "accuracy"]


def test_rows_are_packed_and_the_first_run_is_three_keys_away(alice_browser, make_run, experiment):
    for n in range(12):
        make_run(f"run-{n}", 40.0 + n)
    address = f"/w/main/experiments/{experiment.pk}/"
    page = alice_browser.get(address).content.decode()
    packed = alice_browser.get(address, headers={"accept-encoding": "gzip"})
    assert packed["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed["Vary"]
    assert len(packed.content) < len(page.encode()) / 3
    assert page.count('id="first-run"') == page.count('href="#first-run"') == 1
