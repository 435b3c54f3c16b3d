"""Charts and comparisons in a real browser, by keys alone where they can be."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.live.browser import accessibility_faults, keep, window
from tests.live.running import RunningStudio

STEPS = 2000


@pytest.fixture(scope="module")
def runs(studio: RunningStudio) -> list[str]:
    """Two runs with a curve of 2000 points, a spike, a NaN and an infinity in it, and a second curve."""
    headers = {"Authorization": f"Bearer {studio.token}"}
    with httpx.Client(base_url=f"{studio.url}/api/2.0/mlflow", headers=headers, timeout=60) as client:
        name = f"charts-{uuid.uuid4().hex[:8]}"
        experiment = client.post("/experiments/create", json={"name": name}).json()["experiment_id"]
        return [logged(client, experiment, f"trial-{number}", number) for number in range(2)]


def logged(client: httpx.Client, experiment: str, name: str, number: int) -> str:
    start = {"experiment_id": experiment, "run_name": name, "start_time": 1_700_000_000_000 + number}
    run: str = client.post("/runs/create", json=start).json()["run"]["info"]["run_id"]
    odd: dict[int, object] = {500: 99.0, 700: "NaN", 900: "Infinity"}
    points = [
        {"key": key, "value": odd.get(step, math.exp(-step / 500) + number), "timestamp": 1000 * step, "step": step}
        for key in ("train/loss", "train/error")
        for step in range(STEPS)
    ]
    for first in range(0, len(points), 1000):
        sent = {"run_id": run, "metrics": points[first : first + 1000]}
        client.post("/runs/log-batch", json=sent).raise_for_status()
    params = [{"key": "lr", "value": str(0.1 / (number + 1))}, {"key": "model", "value": "ridge"}]
    client.post("/runs/log-batch", json={"run_id": run, "params": params}).raise_for_status()
    client.post("/runs/update", json={"run_id": run, "status": "FINISHED"}).raise_for_status()
    return run


@pytest.fixture
def page(studio: RunningStudio, chromium) -> Iterator[Page]:
    with window(chromium, studio.url, session=studio.session()) as page:
        yield page


def faultless(page: Page, name: str) -> None:
    page.wait_for_timeout(300)  # what opens fades in: half-way its contrast is not the one to judge
    keep(page, name)
    faults = accessibility_faults(page)
    assert not faults, f"{name}: {faults}"


def test_a_chart_is_read_zoomed_and_saved_by_keys_and_its_address_shows_the_same(
    studio: RunningStudio, chromium, page: Page, runs: list[str]
):
    page.goto(f"/w/main/runs/{runs[0]}/charts/")
    chart = page.get_by_role("application", name="train/error")
    note = page.locator("figure", has=chart).locator("[data-plot-note]")
    expect(note).to_contain_text("of 2,000 points · 2 NaN or infinite")
    chart.focus()
    page.keyboard.press("Home")
    expect(page.locator("figure", has=chart).locator("[data-plot-said]")).to_have_text("Step 0: 1")
    expect(page.locator(".hoverlayer", has_text="trial-0")).to_have_count(2)  # the other chart shows the same step
    for key in "++":
        page.keyboard.press(key)
    expect(note).to_contain_text("501 of 501 points")
    assert "zoom=train" in page.url
    with window(chromium, studio.url, session=studio.session()) as other:
        other.goto(page.url)
        again = other.locator("figure", has=other.get_by_role("application", name="train/error"))
        expect(again.locator("[data-plot-note]")).to_contain_text("501 of 501 points")
    page.keyboard.press("0")
    expect(note).to_contain_text("of 2,000 points")
    page.get_by_role("button", name="More: train/error").click()
    faultless(page, "chart-menu")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as PNG").click()
    assert download.value.path().read_bytes().startswith(b"\x89PNG")


def test_runs_are_compared_by_keys(page: Page, runs: list[str]):
    page.goto(f"/w/main/runs/compare/?run={runs[0]}&run={runs[1]}")
    page.keyboard.press("n")
    expect(page.locator("[data-diff-at]")).to_contain_text("1 of")
    faultless(page, "compare-differences")
    page.get_by_role("button", name="Make trial-1 the base").click()
    expect(page.locator(".diff thead th").first).to_have_text("Base: trial-1")
    page.get_by_role("link", name="Parallel").click()
    lower = page.get_by_role("slider", name="lr, lower end")
    lower.focus()
    page.keyboard.press("PageUp")
    expect(page.locator("figure [data-plot-note]")).to_have_text("1 of 2 runs within the brushes")
    assert "brush=params.lr" in page.url
    faultless(page, "compare-parallel")
    page.get_by_role("link", name="Scatter", exact=True).click()
    expect(page.locator(".plot-canvas .main-svg").first).to_be_visible()
    faultless(page, "compare-scatter")
