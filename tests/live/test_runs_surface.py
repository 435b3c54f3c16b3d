"""The runs table and the palette in a real browser, by mouse and by keyboard alone."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.live.browser import accessibility_faults, keep, window
from tests.live.running import RunningStudio

RUNS = 45


@pytest.fixture(scope="module")
def experiment(studio: RunningStudio) -> str:
    """An experiment with more runs than one page holds; its address."""
    headers = {"Authorization": f"Bearer {studio.token}"}
    with httpx.Client(base_url=f"{studio.url}/api/2.0/mlflow", headers=headers, timeout=60) as client:
        name = f"surface-{uuid.uuid4().hex[:8]}"
        pk = client.post("/experiments/create", json={"name": name}).json()["experiment_id"]
        for number in range(RUNS):
            start = {"experiment_id": pk, "run_name": f"trial-{number:02}", "start_time": 1_700_000_000_000 + number}
            run = client.post("/runs/create", json=start).json()["run"]["info"]["run_id"]
            logged = {
                "run_id": run,
                "metrics": [{"key": "loss", "value": number / 10, "timestamp": 1_700_000_000_000, "step": 0}],
                "params": [{"key": "optimizer", "value": "adam" if number % 2 else "sgd"}],
            }
            client.post("/runs/log-batch", json=logged).raise_for_status()
            client.post("/runs/update", json={"run_id": run, "status": "FINISHED"}).raise_for_status()
    return f"/w/main/experiments/{pk}/"


@pytest.fixture
def page(studio: RunningStudio, chromium) -> Iterator[Page]:
    with window(chromium, studio.url, session=studio.session()) as page:
        yield page


def rows(page: Page):
    return page.locator("#run-table tbody tr:has([name=run])")


def faultless(page: Page, name: str) -> None:
    page.wait_for_timeout(300)  # what opens fades in: half-way its contrast is not the one to judge
    keep(page, name)
    faults = accessibility_faults(page)
    assert not faults, f"{name}: {faults}"


def test_runs_are_ticked_and_compared_by_keys_alone(page: Page, experiment: str):
    page.goto(experiment)
    expect(rows(page).first).to_be_visible()
    for key in "jxjx":
        page.keyboard.press(key)
    expect(page.locator("[data-selected-count]")).to_have_text("2")
    page.keyboard.press("c")
    page.wait_for_url("**/runs/compare/**")
    expect(page.get_by_role("heading", level=1)).to_have_text("Compare 2 runs")


def test_the_table_goes_on_to_its_end(page: Page, experiment: str):
    page.goto(experiment)
    expect(page.locator("[data-total]")).to_have_text(str(RUNS))
    page.locator(".pane .scroll").first.evaluate("pane => pane.scrollTo(0, pane.scrollHeight)")
    expect(rows(page)).to_have_count(RUNS)
    expect(page.locator("[data-loaded]")).to_have_text(str(RUNS))


def test_a_filter_is_typed_with_suggestions_and_its_address_shows_the_same(
    studio, chromium, page: Page, experiment: str
):
    page.goto(experiment)
    expect(rows(page).first).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("params.opt")
    expect(
        page.get_by_role("option", name="params.optimizer").or_(page.get_by_role("option", name="optimizer"))
    ).to_be_visible()
    faultless(page, "runs-suggestions")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.type("= 'adam'")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(page.locator(".chip")).to_have_count(1)
    page.locator("[data-filter]").fill("metrics.loss > 4")
    page.keyboard.press("Enter")
    expect(page.locator(".chip")).to_have_count(2)
    expect(rows(page)).to_have_count(2)
    with window(chromium, studio.url, session=studio.session()) as other:
        other.goto(page.url)
        expect(rows(other)).to_have_count(2)
        expect(other.locator(".chip")).to_have_count(2)


def test_columns_are_chosen_and_kept_as_a_view(page: Page, experiment: str):
    page.goto(experiment)
    page.get_by_role("button", name="Columns").click()
    page.get_by_placeholder("Find a column").fill("loss")
    page.get_by_role("button", name="highest loss").click()
    faultless(page, "runs-columns")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_role("columnheader", name="highest loss")).to_be_visible()
    page.get_by_role("button", name="Views").click()
    page.get_by_role("button", name="Save as a view").click()
    page.locator("#view-name").fill("Peaks")
    page.get_by_role("button", name="Save view").click()
    expect(page.locator("[popovertarget=views-menu]")).to_contain_text("Peaks")


def test_a_deletion_is_taken_back(page: Page, experiment: str):
    page.goto(experiment)
    rows(page).first.locator("[name=run]").check()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator("[data-total]")).to_have_text(str(RUNS - 1))
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("[data-total]")).to_have_text(str(RUNS))


def test_the_palette_leads_to_a_run_and_keys_can_be_turned_off(page: Page, experiment: str):
    page.goto("/w/main/")
    page.keyboard.press("Control+k")
    page.keyboard.type("trial-07")
    expect(page.get_by_role("option", name="trial-07").first).to_be_visible()
    faultless(page, "palette")
    page.keyboard.press("Enter")
    page.wait_for_url("**/runs/*/")
    expect(page.get_by_role("heading", level=1)).to_have_text("trial-07")
    page.keyboard.press("?")
    faultless(page, "keys")
    page.get_by_label("Single keys work").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.keyboard.press("Control+k")
    expect(page.locator("dialog[open]")).to_have_count(1)


def nest(studio: RunningStudio, experiment: str, parent: str, count: int) -> None:
    headers = {"Authorization": f"Bearer {studio.token}"}
    with httpx.Client(base_url=f"{studio.url}/api/2.0/mlflow", headers=headers, timeout=60) as client:
        for number in range(count):
            tags = [{"key": "mlflow.parentRunId", "value": parent}]
            start = {"experiment_id": experiment.split("/")[-2], "run_name": f"nested-{number}", "tags": tags}
            run = client.post("/runs/create", json=start).json()["run"]["info"]["run_id"]
            client.post("/runs/update", json={"run_id": run, "status": "FINISHED"}).raise_for_status()


def test_nested_runs_widths_and_lines_by_keys_alone_stand_in_the_address(studio, chromium, page: Page, experiment: str):
    page.goto(experiment)
    parent = rows(page).first.locator("[name=run]").get_attribute("value")
    nest(studio, experiment, parent, 2)
    page.goto(experiment)
    page.keyboard.press("j")
    page.keyboard.press("ArrowRight")
    expect(page.locator("tr[data-depth='1']")).to_have_count(2)
    page.keyboard.press("h")
    expect(page.locator(f"[data-eye='{parent}']")).to_have_attribute("aria-pressed", "false")
    page.locator("[data-column='metrics.loss'] .sort").focus()
    page.keyboard.press("Shift+ArrowRight")
    width = page.locator("[data-column='metrics.loss']").evaluate("head => head.offsetWidth")
    faultless(page, "runs-nested")
    with window(chromium, studio.url, dark=True, session=studio.session()) as other:
        other.goto(page.url)
        expect(other.locator("tr[data-depth='1']")).to_have_count(2)
        expect(other.locator(f"[data-eye='{parent}']")).to_have_attribute("aria-pressed", "false")
        assert other.locator("[data-column='metrics.loss']").evaluate("head => head.offsetWidth") == width
        faultless(other, "runs-nested-dark")
    page.locator(f"[data-open='{parent}']").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("tr[data-depth='1']")).to_have_count(0)


def test_all_that_match_are_archived_and_taken_back(page: Page, experiment: str):
    page.goto(f"{experiment}?flat=1&filter=metrics.loss+<+4.2")
    expect(page.locator("[data-total]")).to_have_text("42")
    page.get_by_label("Select all rows shown").check()
    page.get_by_role("button", name="Select all 42 that match").click()
    expect(page.locator("[data-selected-count]")).to_have_text("42")
    page.get_by_role("button", name="Archive").click()
    expect(page.get_by_text("No run is left here.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("[data-total]")).to_have_text("42")


def test_a_run_is_left_for_the_next_of_its_table(page: Page, experiment: str):
    page.goto(experiment)
    first = rows(page).first.locator("[data-run]")
    names = rows(page).locator("[data-run]").all_inner_texts()
    first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(names[0])
    page.keyboard.press("j")
    expect(page.get_by_role("heading", level=1)).to_have_text(names[1])
    expect(page.locator("[data-table]")).to_have_text(f"2 / {len(names)}")
    page.get_by_label("New tag", exact=True).fill("stage")
    page.get_by_label("Value of the new tag").fill("candidate")
    page.keyboard.press("Enter")
    expect(page.get_by_label("stage", exact=True)).to_have_value("candidate")
    faultless(page, "run-overview")


def test_folders_open_in_place_and_keep_the_focus(studio, chromium, page: Page, experiment: str):
    name = f"folder-{uuid.uuid4().hex[:8]}"
    headers = {"Authorization": f"Bearer {studio.token}"}
    made = {"name": f"{name}/inner/leaf"}
    httpx.post(f"{studio.url}/api/2.0/mlflow/experiments/create", headers=headers, json=made, timeout=60)
    page.goto("/w/main/experiments/?order=-created")
    twist = page.get_by_label(f"Folder {name}", exact=True)
    twist.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label(f"Folder {name}/inner")).to_be_visible()
    expect(twist).to_be_focused()
    faultless(page, "experiments")
    with window(chromium, studio.url, narrow=True, session=studio.session()) as other:
        other.goto(page.url)
        expect(other.get_by_label(f"Folder {name}/inner")).to_be_visible()
        assert other.evaluate("document.documentElement.scrollWidth") <= 320
        faultless(other, "experiments-320")
