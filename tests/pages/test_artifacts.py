"""The Artifacts tab: what is shown, and what is never opened."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from experiments import artifacts
from experiments.artifacts import of_run
from experiments.browser.sending import one_of_few
from workspaces.models import AuditEntry

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def tab(browse, alice_user, run):
    browser = browse(alice_user)

    def get(path: str = "", raw: bool = False, headers=None, **asked):
        address = f"/w/main/runs/{run.pk}/{'artifact' if raw else 'artifacts'}/"
        return browser.get(address, {**({"path": path} if path else {}), **asked}, headers=headers)

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
    assert 'aria-sort="none" title="value: number"' in page
    assert "of 2 rows" in page


def test_markup_in_a_file_is_text(tab, put, run):
    put(run, "notes.txt", "<script>alert(1)</script>")
    page = tab("notes.txt").content.decode()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_page_of_somebodys_stands_in_a_sandbox_that_reaches_nothing(tab, put, run):
    put(run, "page.html", "<script>alert(document.cookie)</script>")
    shown = tab("page.html").content.decode()
    assert 'sandbox="allow-scripts"' in shown
    assert "document.cookie" not in shown
    answer = tab("page.html", raw=True, **{"as": "page"})
    policy = answer.headers["Content-Security-Policy"]
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert policy.startswith("sandbox allow-scripts;")
    assert "allow-same-origin" not in policy
    assert "connect-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy


@pytest.mark.parametrize("name", ["page.txt", "page.svg", "page.csv", "page"])
def test_only_a_page_is_sent_as_one(tab, put, run, name):
    put(run, name, "<script>alert(1)</script>")
    assert "html" not in tab(name, raw=True, **{"as": "page"}).headers["Content-Type"]


def test_only_what_begins_like_a_pdf_is_sent_as_one(tab, put, run):
    put(run, "true.pdf", b"%PDF-1.4\n%%EOF")
    put(run, "false.pdf", b"<script>alert(1)</script>")
    assert tab("true.pdf", raw=True, **{"as": "pdf"}).headers["Content-Type"] == "application/pdf"
    assert tab("false.pdf", raw=True, **{"as": "pdf"}).headers["Content-Type"] == "application/octet-stream"
    assert "<iframe" not in tab("false.pdf").content.decode()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("plot.png", "image/png"),
        ("image.svg", "image/svg+xml"),
        ("sound.wav", "audio/wav"),
        ("film.mp4", "video/mp4"),
        ("page.html", None),
        ("data.json", None),
        ("doc.pdf", None),
    ],
)
def test_what_is_drawn_or_played_is_seen_and_all_else_is_saved(tab, put, run, name, kind):
    put(run, name, b"bytes")
    response = tab(name, raw=True)
    assert response.headers["Content-Disposition"].startswith("inline" if kind else "attachment")
    assert response.headers["Content-Type"] == (kind or "application/octet-stream")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


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


def test_a_large_folder_is_listed_a_page_at_a_time(tab, run, put, artifact_root, settings):
    put(run, "many/0000.txt", "x")
    folder = settings.ARTIFACTS_DIR / of_run(run).key / "many"
    for n in range(1, 1001):
        (folder / f"{n:04}.txt").touch()
    page = tab().content.decode()
    assert page.count('class="tree-row"') < 120
    assert "?nodes=many" in page
    assert "901 more" in tab("many/0001.txt").content.decode()
    far = tab("many/0999.txt").content.decode()
    assert "many/0999.txt" in far
    part = tab(nodes="many", after="f0199.txt", headers=HTMX).content.decode()
    assert "many/0200.txt" in part
    assert "many/0199.txt" not in part
    assert "701 more" in part


def test_a_file_is_found_by_words_of_its_path(tab, put, run, logged_model):
    put(run, "plots/Residuals.png", b"x")
    put(run, "plots/loss.png", b"x")
    found = tab(find="residuals plots", headers=HTMX).content.decode()
    assert "plots/Residuals.png" in found
    assert "loss.png" not in found
    assert "model/model.pkl" in tab(find="pkl", headers=HTMX).content.decode()
    assert "No file has such a name" in tab(find="absent", headers=HTMX).content.decode()


def test_a_name_that_turns_letters_round_is_spelled_out(tab, put, run):
    put(run, "photo\u202egpj.exe", b"x")
    page = tab().content.decode()
    assert "photo‹U+202E›gpj.exe" in page
    assert "\u202e" not in page.replace(quote("photo\u202egpj.exe"), "").replace('data-path="photo\u202egpj.exe"', "")
    assert "202E" in unquote(tab("photo\u202egpj.exe", raw=True).headers["Content-Disposition"])


@pytest.mark.parametrize("name", ["<script>alert(1)<", '"onload="x', "a&b;c", "{{ 7*7 }}", "a b+c%d?e#f", "日本語.txt"])
def test_any_name_is_shown_as_it_is_and_leads_to_its_file(tab, put, run, name):
    put(run, name, "found it")
    page = tab().content.decode()
    assert "<script>alert" not in page
    assert '"onload="' not in page
    assert f"?path={quote(name)}" in page
    assert "found it" in tab(name).content.decode()


def test_all_files_come_as_one_zip_with_the_models(tab, put, run, logged_model):
    put(run, "plots/a.png", b"12345")
    response = tab(raw=True, **{"as": "zip"})
    assert response.headers["X-Accel-Buffering"] == "no"
    assert response.headers["Content-Disposition"] == f'attachment; filename="{run.name}.zip"'
    with zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content))) as archive:
        assert archive.testzip() is None
        assert set(archive.namelist()) == {
            f"{run.name}/{path}"
            for path in ("plots/a.png", "model/MLmodel", "model/model.pkl", "model/requirements.txt")
        }
        assert archive.read(f"{run.name}/plots/a.png") == b"12345"


def test_a_zip_is_of_a_folder_and_several_at_once_are_refused(tab, put, run):
    put(run, "plots/a.png", b"12345")
    assert tab("plots/a.png", raw=True, **{"as": "zip"}).status_code == 400
    open_ones = [tab("plots", raw=True, **{"as": "zip"}) for _n in range(3)]
    assert tab("plots", raw=True, **{"as": "zip"}).status_code == 503
    for one in open_ones:
        assert b"".join(one.streaming_content).startswith(b"PK")
    assert b"".join(tab("plots", raw=True, **{"as": "zip"}).streaming_content).startswith(b"PK")


def test_a_reader_who_goes_away_gives_his_place_back():
    def endless():
        while True:
            yield b"x"

    for _n in range(10):
        pieces = one_of_few(endless())
        assert next(pieces) == b"x"
        pieces.close()


def test_a_file_goes_for_good_after_a_question_that_says_how_much(tab, put, run, browse, alice_user, bob_user):
    put(run, "plots/a.png", b"12345")
    put(run, "plots/b.png", b"67")
    address = f"/w/main/runs/{run.pk}/artifacts/delete/"
    question = browse(alice_user).get(address, {"path": "plots"}).content.decode()
    assert "2 files, 7 B" in question
    assert browse(bob_user).post(address, {"path": "plots"}).status_code == 403
    assert browse(alice_user).post(address, {"path": "plots/a.png"}).headers["Location"].endswith("?path=plots")
    assert browse(alice_user).post(address, {"path": "plots/b.png"}).headers["Location"].endswith("/artifacts/")
    assert artifacts.entries(run, "plots") == []
    entry = AuditEntry.objects.filter(action="experiments.delete_artifact").latest("pk")
    assert entry.details["path"] == "plots/b.png"


def test_a_logged_models_files_go_only_with_it(put, run, logged_model, browse, alice_user):
    address = f"/w/main/runs/{run.pk}/artifacts/delete/"
    assert browse(alice_user).post(address, {"path": "model/model.pkl"}).status_code == 400
    assert browse(alice_user).post(address, {"path": ""}).status_code == 400
    assert artifacts.resolve(run, "model/model.pkl")[1] == logged_model
    page = browse(alice_user).get(f"/w/main/runs/{run.pk}/artifacts/", {"path": "model/model.pkl"}).content.decode()
    assert "artifact-delete" not in page


def test_files_of_a_form_are_stored_and_none_is_replaced_unasked(run, put, browse, alice_user, bob_user):
    address = f"/w/main/runs/{run.pk}/artifacts/upload/"

    def send(user, **fields):
        files = [SimpleUploadedFile("a.txt", b"new"), SimpleUploadedFile("b.txt", b"b")]
        return browse(user).post(address, {"files": files, "folder": "notes", **fields})

    put(run, "notes/a.txt", "old")
    assert send(bob_user).status_code == 403
    assert send(alice_user).status_code == 303
    assert read(run, "notes/a.txt") == b"old"
    assert read(run, "notes/b.txt") == b"b"
    send(alice_user, replace="1")
    assert read(run, "notes/a.txt") == b"new"


def test_a_page_sends_a_file_as_mlflows_clients_do_but_replaces_none(run, put, browse, alice_user):
    page = browse(alice_user).get(f"/w/main/runs/{run.pk}/artifacts/").content.decode()
    address = page.split('data-put="')[1].split('"')[0] + "sub/c.bin"
    sent = browse(alice_user).put(address, b"first", headers={"If-None-Match": "*"})
    assert sent.status_code == 200
    again = browse(alice_user).put(address, b"second", headers={"If-None-Match": "*"})
    assert again.json()["error_code"] == "RESOURCE_ALREADY_EXISTS"
    assert read(run, "sub/c.bin") == b"first"


def test_a_logged_model_has_a_page_of_its_own(logged_model, browse, alice_user, charlie_user):
    address = f"/w/main/logged-models/{logged_model.pk}/artifacts/"
    page = browse(alice_user).get(address).content.decode()
    for words in ("scikit-learn", "Its run", f"models:/{logged_model.pk}"):
        assert words in page
    assert 'commandfor="upload"' not in page
    raw = browse(alice_user).get(f"/w/main/logged-models/{logged_model.pk}/artifact/", {"path": "model.pkl"})
    assert raw.headers["X-Accel-Redirect"].endswith("/artifacts/model.pkl")
    assert browse(charlie_user).get(address).status_code == 404


def test_a_sum_is_made_once_and_shown(tab, put, run):
    put(run, "a.txt", b"abc")
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest in tab("a.txt").content.decode()
    assert digest in tab(sha256="a.txt", headers=HTMX).content.decode()


def read(run, path) -> bytes:
    with artifacts.open_file(artifacts.resolve(run, path)[0]) as file:
        return file.read()
