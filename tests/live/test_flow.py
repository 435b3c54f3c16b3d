"""The one flow that must always work, driven as a new user drives it, in a real browser."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.live.browser import accessibility_faults, keep, window
from tests.live.running import RunningStudio, until

GROUP, WORKSPACE = "flow-group", "flow"
LATER = 180_000
FAULTS: list[str] = []  # what the pages of the flow do wrong for those who cannot see, or have a small window


@pytest.fixture
def admin(studio: RunningStudio, chromium) -> Iterator[Page]:
    """The admin's browser, signed in by a one-time link."""
    with window(chromium, studio.url) as page:
        page.goto(studio.new_sign_in_link())
        yield page


def make_workspace(page: Page, group: str, workspace: str) -> None:
    page.goto("/groups/")
    page.get_by_role("button", name="New group").click()
    name_dialog(page, group, "Create resource group")
    page.get_by_role("button", name="New workspace").click()
    name_dialog(page, workspace, "Create workspace")
    page.get_by_role("link", name=workspace, exact=True).first.click()
    page.wait_for_url(f"**/w/{workspace}/")


def name_dialog(page: Page, name: str, verb: str) -> None:
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_role("button", name=verb).click()
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_from_an_empty_workspace_to_a_scored_endpoint_and_back(studio: RunningStudio, admin: Page):
    make_workspace(admin, GROUP, WORKSPACE)
    others, files = studio.replicas(), files_of(studio)
    run_the_sample(admin)
    register(admin)
    deploy(admin)
    predictions = example_predictions(studio)
    test_tab(admin, predictions)
    consume_tab(admin, predictions)
    replica = studio.replicas() - others
    assert replica and left_of_the_workspace(studio) and files_of(studio) - files
    delete_the_group(admin, GROUP)
    until(lambda: not left_of_the_workspace(studio) and not replica & studio.replicas(), 120)
    # A node asks four times a minute which of its jobs are gone.
    until(lambda: not files_of(studio) - files, 120, every_s=1)
    audit = studio.manage("shell", "-c", AUDIT)
    assert "workspaces.delete_group" in audit and "workspaces.group_deleted" in audit
    assert not FAULTS, "\n".join(FAULTS)


def test_two_clicks_to_a_chart_and_three_more_to_an_endpoint(admin: Page, capsys):
    """The first click was the sign-in link; everything else on the way is a default."""
    make_workspace(admin, "quick-group", "quick")
    began = time.monotonic()
    admin.get_by_role("button", name="Run the sample").first.click()
    expect(admin.locator("[data-plot-box] svg").first).to_be_visible(timeout=LATER)
    chart_s = time.monotonic() - began
    expect(admin.locator(".head .status").first).to_have_text(re.compile("Finished"), timeout=LATER)
    admin.get_by_role("link", name="Artifacts", exact=True).click()
    admin.get_by_role("link", name="Deploy", exact=True).click()
    admin.get_by_role("button", name="Deploy", exact=True).click()
    expect(admin.locator(".head .status").first).to_have_text(re.compile("Healthy"), timeout=LATER)
    healthy_s = time.monotonic() - began
    with capsys.disabled():
        print(f"\nfirst chart after {chart_s:.1f} s, live endpoint after {healthy_s:.1f} s", end=" ")
    assert healthy_s < 120
    delete_the_group(admin, "quick-group")


def run_the_sample(page: Page) -> None:
    looked_at(page, "home-empty")
    page.get_by_role("button", name="Run the sample").first.click()
    page.wait_for_url("**/runs/*/")
    # Live: the curve is there while the run goes on, not only afterwards.
    expect(page.locator("[data-plot-box] svg").first).to_be_visible(timeout=LATER)
    expect(page.locator(".head .status").first).to_have_text(re.compile("Running"), timeout=LATER)
    looked_at(page, "run-live")
    expect(page.locator(".head .status").first).to_have_text(re.compile("Finished"), timeout=LATER)
    page.get_by_role("link", name="Charts", exact=True).click()
    expect(page.locator("[data-plot-box] svg").first).to_be_visible()
    expect(page.get_by_text("200 of 200 points").first).to_be_visible()
    looked_at(page, "run-charts")


def register(page: Page) -> None:
    page.get_by_role("link", name="Artifacts", exact=True).click()
    for name in ("MLmodel", "conda.yaml", "model.skops"):
        expect(page.get_by_role("treeitem", name=re.compile(name)).first).to_be_visible()
    looked_at(page, "run-artifacts")
    page.get_by_role("treeitem", name=re.compile("model.skops")).first.click()
    expect(page.get_by_text("Never opened here.")).to_be_visible()
    looked_at(page, "run-artifacts-pickle")
    page.locator(".tree-row", has=page.get_by_text("model", exact=True)).click()
    page.get_by_role("button", name="Register model").first.click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("Model").fill("diabetes")
    looked_at(page, "register-dialog")
    dialog.get_by_role("button", name="Register model").click()
    page.wait_for_url("**/models/diabetes/versions/1/")
    expect(page.get_by_role("heading", name="Version 1")).to_be_visible()
    looked_at(page, "model-version")


def deploy(page: Page) -> None:
    page.get_by_role("link", name="Deploy").click()
    page.wait_for_url("**/deploy/**")
    looked_at(page, "deploy-form")
    page.get_by_role("button", name="Deploy").click()
    page.wait_for_url("**/endpoints/diabetes/")
    expect(page.locator(".head .status").first).to_have_text(re.compile("Healthy"), timeout=LATER)
    looked_at(page, "endpoint-details")


def test_tab(page: Page, predictions: list[float]) -> None:
    page.get_by_role("link", name="Test", exact=True).click()
    page.get_by_role("button", name="Send").click()
    expect(page.locator("[data-answer-status='200']")).to_be_visible()
    answered = json.loads(page.locator("#answer pre").first.inner_text().strip())
    assert answered == predictions
    looked_at(page, "endpoint-test")


def consume_tab(page: Page, predictions: list[float]) -> None:
    page.get_by_role("link", name="Consume", exact=True).click()
    page.get_by_role("button", name="Show keys").click()
    expect(page.get_by_text("The primary key is in the code")).to_be_visible()
    looked_at(page, "endpoint-consume")
    curl, python = (page.locator("pre").nth(index).inner_text() for index in (0, 1))
    assert json.loads(said(["sh", "-c", curl])) == predictions
    assert json.loads(said(["python3", "-c", python])) == predictions


test_tab.__test__ = False  # a step of the flow, named for the tab


def said(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def example_predictions(studio: RunningStudio) -> list[float]:
    """What the model said in the training process."""
    base = f"/w/{WORKSPACE}/api/2.0/mlflow"
    headers = {"Authorization": f"Bearer {studio.token}"}
    with httpx.Client(base_url=studio.url, headers=headers, timeout=30) as client:
        experiments = client.get(f"{base}/experiments/search", params={"max_results": 10}).json()["experiments"]
        ids = [one["experiment_id"] for one in experiments]
        runs = client.post(f"{base}/runs/search", json={"experiment_ids": ids, "max_results": 1}).json()["runs"]
        place = runs[0]["info"]["artifact_uri"].removeprefix("mlflow-artifacts:/")
        file = f"/w/{WORKSPACE}/api/2.0/mlflow-artifacts/artifacts/{place}/example_predictions.json"
        return client.get(file).json()["predictions"]


def delete_the_group(page: Page, group: str) -> None:
    page.goto(f"/groups/{group}/delete/")
    button = page.get_by_role("button", name="Delete resource group")
    page.get_by_label(f"Type {group} to confirm").fill("something else")
    expect(button).to_be_disabled()
    looked_at(page, "group-delete")
    page.get_by_label(f"Type {group} to confirm").fill(group)
    button.click()
    page.wait_for_url("**/groups/")


AUDIT = (
    "from workspaces.models import AuditEntry; "
    f"print(*AuditEntry.objects.filter(group='{GROUP}').values_list('action', flat=True))"
)
LEFT = f"""
from django.apps import apps
from workspaces.models import ResourceGroup, Workspace
print(ResourceGroup.objects.filter(name='{GROUP}').count() + Workspace.objects.filter(name='{WORKSPACE}').count())
print(*[f"{{one.label}}={{one.rows}}" for w in Workspace.objects.filter(name='{WORKSPACE}')
        for one in __import__('workspaces.deletion').deletion.count(w) if one.rows])
"""


def left_of_the_workspace(studio: RunningStudio) -> list[str]:
    """List what of the workspace is in the database, on the disk and in the gateway."""
    rows = studio.manage("shell", "-v", "0", "-c", LEFT).split()
    routes = (studio.home / "gateway/routes").glob(f"*{WORKSPACE}*")
    return [row for row in rows if row != "0"] + [str(path) for path in routes]


def files_of(studio: RunningStudio) -> set[str]:
    """Find every file that workspaces own: artifacts, snapshots and logs of jobs, folders of processes, routes."""
    folders = [studio.home / name for name in ("artifacts", "jobs", "replicas")]
    files = {str(path) for folder in folders for path in folder.rglob("*") if path.is_file()}
    return files | {str(path) for path in (studio.home / "gateway/routes").glob("*.conf")}


def looked_at(page: Page, name: str) -> None:
    """Ask axe of the page in both themes, see that it fits 320 px, and keep pictures; faults are told at the end."""
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        FAULTS.extend(f"{name}, {theme}: {fault}" for fault in accessibility_faults(page))
        keep(page, f"{name}-{theme}")
    page.emulate_media(color_scheme="light")
    wide = page.viewport_size
    page.set_viewport_size({"width": 320, "height": 800})
    for _moment in range(30):  # charts draw themselves anew a moment after the window has changed
        if (width := page.evaluate("document.documentElement.scrollWidth")) <= 320:
            break
        page.wait_for_timeout(100)
    else:
        FAULTS.append(f"{name}: {width} px wide in a window of 320")
    keep(page, f"{name}-320")
    page.set_viewport_size(wide)
