"""The trash in a real browser, by mouse and by keyboard: what is deleted for good leaves the disk."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.live.browser import accessibility_faults, keep, window
from tests.live.running import RunningStudio

SIZE = 30_000


@pytest.fixture
def deleted(studio: RunningStudio) -> tuple[str, str, list[str]]:
    """Three deleted runs with a file each: a word that only they have in their names, their experiment, their ids."""
    word, ids = f"trash-{uuid.uuid4().hex[:8]}", []
    headers = {"Authorization": f"Bearer {studio.token}"}
    with httpx.Client(base_url=f"{studio.url}/api/2.0", headers=headers, timeout=60) as client:
        pk = client.post("/mlflow/experiments/create", json={"name": word}).json()["experiment_id"]
        for number in range(3):
            start = {"experiment_id": pk, "run_name": f"{word}-{number}"}
            run = client.post("/mlflow/runs/create", json=start).json()["run"]["info"]["run_id"]
            path = f"/mlflow-artifacts/artifacts/{pk}/{run}/artifacts/weights.bin"
            client.put(path, content=os.urandom(SIZE)).raise_for_status()
            client.post("/mlflow/runs/update", json={"run_id": run, "status": "FINISHED"}).raise_for_status()
            client.post("/mlflow/runs/delete", json={"run_id": run}).raise_for_status()
            ids.append(run)
    return word, pk, ids


@pytest.fixture
def page(studio: RunningStudio, chromium) -> Iterator[Page]:
    with window(chromium, studio.url, session=studio.session()) as page:
        yield page


def files(studio: RunningStudio, experiment: str) -> list[Path]:
    return [one for one in (studio.home / "artifacts" / experiment).rglob("*") if one.is_file()]


def faultless(page: Page, name: str) -> None:
    keep(page, name)
    assert not accessibility_faults(page), name


def test_runs_are_restored_taken_back_and_deleted_for_good(studio: RunningStudio, page: Page, deleted):
    word, experiment, _ids = deleted
    rows = page.locator("#trash tbody tr")
    page.goto(f"/w/main/trash/?name={word}")
    expect(rows).to_have_count(3)
    faultless(page, "trash")

    page.get_by_role("button", name=f"Restore {word}-0").click()
    expect(rows).to_have_count(2)
    page.get_by_role("button", name="Undo").click()
    expect(rows).to_have_count(3)

    page.get_by_label(f"Select {word}-1").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Delete ticked for good").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Delete for good")
    expect(page.locator("main")).to_contain_text("30.0 kB in 1 file")
    assert len(files(studio, experiment)) == 3
    faultless(page, "trash-confirm")
    page.get_by_role("button", name="Delete for good").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#purges li").first).to_contain_text("Freed 30.0 kB in 1 file · 1 run")
    expect(page.locator("#trash")).not_to_contain_text(f"{word}-1")
    faultless(page, "trash-freed")
    assert sorted(one.stat().st_size for one in files(studio, experiment)) == [SIZE, SIZE]

    page.locator("#purges li a").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{word}-1")
    faultless(page, "purge")
