"""Nested runs in the table, widths, ticks, and acts on all that match."""

from __future__ import annotations

import re

import pytest

from experiments import columns, operations
from experiments.models import PARENT_TAG, Experiment, Run

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def alice_browser(browse, alice_user):
    return browse(alice_user)


@pytest.fixture
def address(experiment):
    return f"/w/main/experiments/{experiment.pk}/"


@pytest.fixture
def family(alice, experiment) -> dict[str, Run]:
    """A parent with two children, one of which has a child; and a run of its own."""
    found: dict[str, Run] = {}

    def make(name: str, parent: str = "", **params: str) -> None:
        tags = {PARENT_TAG: found[parent].pk} if parent else {}
        found[name] = operations.create_run(alice, experiment, name=name, tags=tags, start_ms=1000 + len(found))
        operations.log_batch(alice, found[name], params=list(params.items()))
        operations.update_run(alice, found[name], status="FINISHED")

    make("parent")
    make("first", "parent", lr="1")
    make("second", "parent", lr="2")
    make("deep", "first", lr="3")
    make("alone")
    return found


def text(response) -> str:
    return response.content.decode()


def rows(page: str) -> list[tuple[int, str]]:
    """Read depth and name of each row."""
    found = re.findall(r'<tr(?: data-depth="(\d)")?><td class="c-tick">.*?title="([^"]*)"\s+data-run', page, re.S)
    return [(int(depth or 0), name) for depth, name in found]


def test_children_stand_below_their_parents_when_opened(alice_browser, address, family):
    closed = text(alice_browser.get(address))
    assert rows(closed) == [(0, "alone"), (0, "parent")]
    assert 'data-total-now="2" data-matches-now="5"' in closed
    opened = text(alice_browser.get(address, {"open": [family["parent"].pk, family["first"].pk]}))
    assert rows(opened) == [(0, "alone"), (0, "parent"), (1, "second"), (1, "first"), (2, "deep")]


def test_children_come_alone_in_the_order_and_columns_of_the_table(alice_browser, address, family):
    asked = {"under": family["parent"].pk, "depth": 1, "order": "params.lr ASC", "column": "params.lr"}
    page = text(alice_browser.get(address, asked, headers=HTMX))
    assert rows(page) == [(1, "first"), (1, "second")]
    assert "<thead" not in page
    assert re.findall(r"<td[^>]*>(\d)</td>", page) == ["1", "2"]


def test_a_match_whose_parent_does_not_match_stands_alone_and_names_it(alice_browser, address, family):
    page = text(alice_browser.get(address, {"filter": "params.lr = '3' OR params.lr = '1'"}))
    assert rows(page) == [(0, "first")]
    assert "Parent run: parent" in page
    assert rows(text(alice_browser.get(address, {"filter": "params.lr = '3'"}))) == [(0, "deep")]


def test_a_flat_or_grouped_table_has_every_match_as_a_row(alice_browser, address, family):
    assert len(rows(text(alice_browser.get(address, {"flat": "1"})))) == 5
    assert len(rows(text(alice_browser.get(address, {"group": "params.lr"})))) == 5


def test_a_run_that_names_itself_as_parent_is_still_there(alice, alice_browser, address, family):
    operations.set_tag(alice, family["alone"], key=PARENT_TAG, value=family["alone"].pk)
    assert (0, "alone") in rows(text(alice_browser.get(address)))


def test_the_number_of_queries_does_not_grow_with_the_rows(
    alice, alice_browser, address, experiment, family, django_assert_max_num_queries
):
    for number in range(12):
        operations.create_run(alice, experiment, tags={PARENT_TAG: family["parent"].pk}, name=str(number))
    with django_assert_max_num_queries(30):
        alice_browser.get(address, {"open": family["parent"].pk})


def test_widths_stand_in_the_address(alice_browser, address, family):
    asked = {"column": "params.lr", "width": ["params.lr:120", "name:300", "params.x:9", "nonsense", "params.lr:<b>"]}
    page = text(alice_browser.get(address, asked))
    assert "#run-table tr>:nth-child(4){min-width:120px;max-width:120px;width:120px}" in page
    assert 'data-column="name" data-width="300"' in page


def test_a_width_is_kept_within_bounds():
    found = columns.read_widths(["name:1", "params.a:b:99999", "metrics.x:120"])
    assert found == {"name": columns.NARROWEST, "params.a:b": columns.WIDEST, "metrics.x": 120}


def test_ticks_stand_in_the_address(alice_browser, address, family):
    page = text(alice_browser.get(address, {"tick": family["alone"].pk}))
    assert re.findall(r'value="(\w+)" checked', page) == [family["alone"].pk]


def test_an_act_on_all_that_match_takes_the_filter(alice_browser, experiment, family):
    given = {
        "all": "filter=params.lr+%3D+%271%27+OR+params.lr+%3D+%272%27&order=start_time",
        "experiment": experiment.pk,
    }
    alice_browser.post("/w/main/runs/tag/", {**given, "key": "stage", "value": "x"}, headers=HTMX)
    assert set(Run.objects.filter(tags__key="stage")) == {family["first"], family["second"]}
    answer = alice_browser.post("/w/main/runs/archive/", given, headers=HTMX)
    assert "3 runs archived" in answer.headers["HX-Trigger"]


def test_archived_runs_are_hidden_listed_and_put_back(alice_browser, address, experiment, family):
    alice_browser.post("/w/main/runs/archive/", {"run": family["alone"].pk}, headers=HTMX)
    assert rows(text(alice_browser.get(address))) == [(0, "parent")]
    assert rows(text(alice_browser.get(address, {"view": "archived"}))) == [(0, "alone")]
    given = {"all": "view=archived", "experiment": experiment.pk}
    alice_browser.post("/w/main/runs/unarchive/", given, headers=HTMX)
    assert len(rows(text(alice_browser.get(address)))) == 2


def test_when_every_run_is_out_of_sight_the_page_says_so(alice_browser, address, family):
    alice_browser.post("/w/main/runs/archive/", {"run": [run.pk for run in family.values()]}, headers=HTMX)
    page = text(alice_browser.get(address))
    assert "All runs here are archived or deleted." in page
    assert "MLFLOW_TRACKING_URI" not in page


def test_runs_are_moved_by_the_name_of_an_experiment_and_back(alice, alice_browser, workspace, experiment, family):
    target = operations.create_experiment(alice, workspace, name="x/target")
    assert "x/target" in text(alice_browser.get("/w/main/runs/targets/", {"to": "TARG"}))
    answer = alice_browser.post("/w/main/runs/move/", {"run": family["parent"].pk, "to": "x/target"}, headers=HTMX)
    assert "4 runs moved to x/target" in answer.headers["HX-Trigger"]
    assert Run.objects.filter(experiment=target).count() == 4
    token = re.search(r'"token", "(\w+)"', answer.headers["HX-Trigger"])[1]
    alice_browser.post("/w/main/runs/undo/", {"token": token}, headers=HTMX)
    assert Run.objects.filter(experiment=experiment).count() == 5
    missing = alice_browser.post("/w/main/runs/move/", {"run": family["parent"].pk, "to": "nowhere"}, headers=HTMX)
    assert missing.status_code == 404


def test_a_reader_changes_nothing(browse, bob_user, experiment, family):
    browser, given = browse(bob_user), {"run": family["alone"].pk, "to": experiment.name, "token": "x"}
    for act in ("archive", "unarchive", "move", "undo", "delete", "restore"):
        assert browser.post(f"/w/main/runs/{act}/", given).status_code == 403


def test_another_workspace_takes_nothing_back(browse, charlie_user, alice_browser, family):
    answer = alice_browser.post("/w/main/runs/archive/", {"run": family["alone"].pk}, headers=HTMX)
    token = re.search(r'"token", "(\w+)"', answer.headers["HX-Trigger"])[1]
    assert browse(charlie_user).post("/w/elsewhere/runs/undo/", {"token": token}).status_code == 404
    assert Experiment.objects.get(name="diabetes").runs.exclude(archived_ms=None).exists()
