"""The list of experiments: folders, order, search, description, archive."""

from __future__ import annotations

import re

import pytest

from experiments import operations
from experiments.models import NOTE_TAG, Experiment
from experiments.queries import View, folders

pytestmark = pytest.mark.django_db
NAMES = ("vision/resnet/a", "vision/resnet/b", "vision/vit", "nlp", "/nlp//bert", "vision")


@pytest.fixture
def alice_browser(browse, alice_user):
    return browse(alice_user)


@pytest.fixture
def many(alice, workspace) -> list[Experiment]:
    return [operations.create_experiment(alice, workspace, name=name) for name in NAMES]


def text(response) -> str:
    return response.content.decode()


def shown(actor, workspace, folder="", opened=(), sort="name", *, descends=False) -> list[tuple[int, str]]:
    found = folders.lines(actor, workspace, View.SHOWN)
    lines = folders.tree(found, folder, opened, sort, descends=descends)
    return [(line.depth, line.name if line.experiment else f"{line.name}/") for line in lines]


def test_names_with_slashes_are_folders(alice, workspace, many):
    assert shown(alice, workspace) == [(0, "nlp/"), (0, "vision/"), (0, "Default"), (0, "nlp"), (0, "vision")]
    assert shown(alice, workspace, "vision") == [(0, "resnet/"), (0, "vit")]
    assert shown(alice, workspace, "/vision/resnet/") == [(0, "a"), (0, "b")]
    opened = shown(alice, workspace, opened=["vision", "vision/resnet"])
    assert opened[1:6] == [(0, "vision/"), (1, "resnet/"), (2, "a"), (2, "b"), (1, "vit")]


def test_a_folder_sums_what_is_in_it(alice, workspace, many):
    for number in range(3):
        operations.create_run(alice, many[0], start_ms=1_000 + number)
    deleted = operations.create_run(alice, many[1])
    operations.delete_run(alice, deleted)
    [vision] = [
        line
        for line in folders.tree(folders.lines(alice, workspace, View.SHOWN), "", (), "name", descends=False)
        if line.path == "vision" and line.experiment is None
    ]
    assert (vision.experiments, vision.runs) == (3, 3)


def test_the_busiest_comes_first_when_asked(alice, workspace, many):
    operations.create_run(alice, many[3])
    assert shown(alice, workspace, sort="runs", descends=True)[2:] == [(0, "nlp"), (0, "vision"), (0, "Default")]


def test_the_page_shows_folders_crumbs_and_opens_in_place(alice_browser, many):
    page = text(alice_browser.get("/w/main/experiments/"))
    assert "vision/</a>" in page
    assert ">vit<" not in page
    assert ">vit<" in text(alice_browser.get("/w/main/experiments/?open=vision"))
    inside = text(alice_browser.get("/w/main/experiments/?folder=vision/resnet"))
    assert 'value="vision/resnet/"' in inside
    assert re.search(r'href="\?folder=vision"', inside)
    assert ">a<" in inside


def test_a_search_looks_into_all_folders(alice_browser, many):
    page = text(alice_browser.get("/w/main/experiments/", {"name": "RESNET"}))
    assert ">vision/resnet/a<" in page
    assert ">nlp<" not in page


def test_an_experiment_is_made_in_a_folder_with_a_description(alice_browser, workspace):
    made = {"name": "vision/new", "note": "# About\n\nIt **works**."}
    alice_browser.post("/w/main/experiments/create/", made)
    experiment = Experiment.objects.get(name="vision/new")
    assert experiment.tags.get(key=NOTE_TAG).value == made["note"]
    page = text(alice_browser.get(f"/w/main/experiments/{experiment.pk}/"))
    assert "<strong>works</strong>" in page
    assert "About</span>" in text(alice_browser.get("/w/main/experiments/?folder=vision"))


def test_a_description_is_changed_and_does_no_harm(alice_browser, bob_user, browse, experiment):
    address = f"/w/main/experiments/{experiment.pk}/describe/"
    alice_browser.post(address, {"text": "<script>alert(1)</script>"})
    assert "<script>alert" not in text(alice_browser.get(f"/w/main/experiments/{experiment.pk}/"))
    assert browse(bob_user).post(address, {"text": "x"}).status_code == 403


def test_an_archived_experiment_is_out_of_sight_and_alive(alice, alice_browser, workspace, experiment):
    alice_browser.post(f"/w/main/experiments/{experiment.pk}/archive/")
    assert ">diabetes<" not in text(alice_browser.get("/w/main/experiments/"))
    assert ">diabetes<" in text(alice_browser.get("/w/main/experiments/?view=archived"))
    assert operations.create_run(alice, Experiment.objects.get(pk=experiment.pk)).experiment == experiment
    alice_browser.post(f"/w/main/experiments/{experiment.pk}/unarchive/")
    assert ">diabetes<" in text(alice_browser.get("/w/main/experiments/"))


def test_the_list_keeps_its_number_of_queries(alice_browser, alice, workspace, django_assert_max_num_queries):
    for number in range(30):
        operations.create_run(alice, operations.create_experiment(alice, workspace, name=f"f{number % 3}/e{number}"))
    with django_assert_max_num_queries(12):
        alice_browser.get("/w/main/experiments/?open=f1")
