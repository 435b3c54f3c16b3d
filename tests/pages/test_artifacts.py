"""The Artifacts tab: what is shown, and what is never opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments import viewer
from experiments.artifacts import Entry

pytestmark = pytest.mark.django_db


@pytest.fixture
def tab(browse, alice_user, run):
    browser = browse(alice_user)

    def get(path: str = "", raw: bool = False, **options):
        address = f"/w/main/runs/{run.pk}/{'artifact' if raw else 'artifacts'}/"
        return browser.get(address, {"path": path} if path else {}, **options)

    return get


def test_a_logged_model_stands_under_its_name_with_its_card(tab, logged_model):
    page = tab().content.decode()
    for words in ("MLmodel", "model.pkl", "scikit-learn", "Register model", "bmi", "float64"):
        assert words in page


def test_a_pickle_is_described_and_never_opened(tab, logged_model):
    Path("/tmp/opened").unlink(missing_ok=True)
    page = tab("model/model.pkl").content.decode()
    assert "Never opened here." in page
    assert "SHA-256" in page
    assert not Path("/tmp/opened").exists()


def test_a_csv_is_a_table(tab, put, run):
    put(run, "predictions.csv", "id,value\n1,2.5\n2,3.5\n")
    page = tab("predictions.csv").content.decode()
    assert '<th scope="col">value</th>' in page
    assert "2 of 2 rows" in page


def test_markup_in_a_file_is_text(tab, put, run):
    put(run, "page.html", "<script>alert(1)</script>")
    page = tab("page.html").content.decode()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize(("name", "is_shown"), [("plot.png", True), ("page.html", False), ("image.svg", False)])
def test_only_pictures_are_shown_by_the_browser(tab, put, run, name, is_shown):
    put(run, name, b"bytes")
    response = tab(name, raw=True)
    assert response.headers["Content-Disposition"].startswith("inline" if is_shown else "attachment")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["../secret", "a/../../b", "/etc/passwd", "..\\x"])
def test_a_path_stays_inside(tab, put, run, path):
    put(run, "file.txt", "x")
    assert tab(path, raw=True).status_code in (400, 404)
    assert tab(path).status_code in (400, 404)


def test_htmx_gets_the_viewer_alone_but_a_way_back_gets_the_page(tab, put, run):
    put(run, "file.txt", "words")
    assert "<html" not in tab("file.txt", headers={"HX-Request": "true"}).content.decode()
    back = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
    assert "<html" in tab("file.txt", headers=back).content.decode()


def test_a_run_without_files_says_so(tab):
    assert "No artifacts" in tab().content.decode()


def test_the_tree_has_folders_first_with_their_size():
    nodes = viewer.tree(
        [Entry("z.txt", False, 5), Entry("b/a.txt", False, 7), Entry("b", True), Entry("b/c/d", False, 1)]
    )
    assert [(node.path, node.size_bytes) for node in nodes] == [("b", 8), ("z.txt", 5)]
    assert [node.path for node in nodes[0].nodes] == ["b/c", "b/a.txt"]
    found = viewer.find(nodes, "b/c/d")
    assert found is not None
    assert found.size_bytes == 1


@pytest.mark.parametrize(
    ("name", "body", "kind"),
    [
        ("a.json", b'{"b":1}', "text"),
        ("a.bin", b"\x00\x01", "opaque"),
        ("a.txt", "é".encode()[:1], "opaque"),
        ("noname", b"words", "text"),
        ("a.png", b"", "image"),
    ],
)
def test_a_file_is_known_by_name_and_first_bytes(name, body, kind):
    assert viewer.show_file(name, len(body), body).kind == kind
