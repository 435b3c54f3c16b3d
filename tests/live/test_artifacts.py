"""The Artifacts tab in a real browser: by keyboard alone, a hostile page in its frame, and files that come and go."""

from __future__ import annotations

import io
import re
import uuid
import zipfile
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.live.browser import accessibility_faults, keep, window
from tests.live.running import RunningStudio

HOSTILE = """<!doctype html><p id="said">no script ran</p><script>
let cookie; try { cookie = document.cookie } catch (error) { cookie = error.name }
let parent; try { parent = window.parent.document.title } catch (error) { parent = error.name }
document.getElementById("said").textContent = `cookie: ${cookie}, page around: ${parent}`;
</script>"""
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><script>parent.document.title="taken"</script></svg>'
FILES = {
    "plots/a.svg": SVG,
    "plots/b.svg": SVG,
    "report.html": HOSTILE,
    "data.csv": "n,name\n1,x\n20,y\n3,z\n",
}


@pytest.fixture(scope="module")
def client(studio: RunningStudio) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {studio.token}"}
    with httpx.Client(base_url=studio.url, headers=headers, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def run(client: httpx.Client) -> str:
    """A run with some files; its address."""
    api = "/api/2.0/mlflow"
    pk = client.post(f"{api}/experiments/create", json={"name": f"files-{uuid.uuid4().hex[:8]}"}).json()[
        "experiment_id"
    ]
    made = client.post(f"{api}/runs/create", json={"experiment_id": pk, "run_name": "files"}).json()["run"]["info"]
    for path, body in FILES.items():
        place = f"{pk}/{made['run_id']}/artifacts/{path}"
        client.put(f"/api/2.0/mlflow-artifacts/artifacts/{place}", content=body.encode()).raise_for_status()
    client.post(f"{api}/runs/update", json={"run_id": made["run_id"], "status": "FINISHED"}).raise_for_status()
    return f"/w/main/runs/{made['run_id']}"


@pytest.fixture
def page(studio: RunningStudio, chromium) -> Iterator[Page]:
    # 400: a file that is there already is refused until the reader says that it may be replaced.
    with window(chromium, studio.url, session=studio.session(), refused=400) as page:
        yield page


def test_files_are_looked_at_by_keys_alone(page: Page, run: str):
    page.goto(f"{run}/artifacts/")
    page.locator("[role=treeitem][tabindex='0']").focus()
    page.keyboard.type("da")
    expect(page.get_by_role("treeitem", name="data.csv")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#viewer h2")).to_have_text("data.csv")
    expect(page).to_have_url(re.compile(r"path=data\.csv"))
    page.get_by_role("columnheader", name="n", exact=True).get_by_role("link").press("Enter")
    expect(page.locator("th[aria-sort=ascending]")).to_be_visible()
    assert page.locator("table.grid tbody td:first-of-type").all_inner_texts() == ["1", "3", "20"]
    keep(page, "artifacts-grid")
    assert not accessibility_faults(page)
    page.goto(f"{run}/artifacts/?path=plots/a.svg")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#viewer h2")).to_have_text("b.svg")
    expect(page.get_by_role("treeitem", name="b.svg")).to_have_attribute("aria-selected", "true")
    assert page.title() != "taken"
    assert not accessibility_faults(page)


def test_a_hostile_page_runs_in_its_frame_and_reaches_nothing(page: Page, run: str):
    page.goto(f"{run}/artifacts/?path=report.html")
    said = page.frame_locator("iframe.frame").locator("#said")
    expect(said).to_have_text("cookie: SecurityError, page around: SecurityError")
    keep(page, "artifacts-page")


def test_files_come_and_go_by_the_page(page: Page, client: httpx.Client, run: str):
    def send(body: bytes) -> None:
        page.get_by_role("button", name="Upload").first.click()
        page.locator("#upload-files").set_input_files({"name": "new.txt", "mimeType": "text/plain", "buffer": body})
        page.locator("#upload-folder").fill("sent here")
        page.get_by_role("dialog").get_by_role("button", name="Upload").click()

    page.goto(f"{run}/artifacts/")
    with page.expect_navigation():
        send(b"first words")
    page.goto(f"{run}/artifacts/?path=sent%20here/new.txt")
    expect(page.locator("#viewer pre")).to_contain_text("first words")
    send(b"second words")
    assert not accessibility_faults(page)
    with page.expect_navigation():
        page.get_by_role("button", name="Replace it").click()
    expect(page.locator("#viewer pre")).to_contain_text("second words")
    page.get_by_role("button", name="Delete new.txt").click()
    expect(page.get_by_role("dialog")).to_contain_text("12 B")
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("status").filter(has_text="freed")).to_be_visible()
    with zipfile.ZipFile(io.BytesIO(client.get(f"{run}/artifact/", params={"as": "zip"}).content)) as archive:
        assert {name.removeprefix("files/") for name in archive.namelist()} == set(FILES)


def test_a_part_of_a_film_is_sent_alone(client: httpx.Client, run: str):
    part = client.get(f"{run}/artifact/", params={"path": "data.csv"}, headers={"Range": "bytes=0-5"})
    assert (part.status_code, part.content) == (206, b"n,name")
