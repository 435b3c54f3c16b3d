"""Take the README's picture of a run that trains."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.live.browser import launch
from tests.live.running import RunningStudio, temporary_folder


def main(target: Path) -> None:
    folder = temporary_folder()
    home = os.environ.get("STUDIO_LIVE_HOME")
    studio = RunningStudio.found(Path(home)) if home else RunningStudio(folder / "data", with_sample=True).start()
    try:
        take(studio, target)
    finally:
        if not home:
            studio.discard()
        shutil.rmtree(folder, ignore_errors=True)


def take(studio: RunningStudio, target: Path) -> None:
    """Open the sample's run while it trains, once half of its curve is there."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page(viewport={"width": 1280, "height": 800}, base_url=studio.url)
        page.goto(studio.new_sign_in_link())
        page.request.post("/w/main/api/v1/jobs/sample", headers={"Authorization": f"Bearer {studio.token}"})
        page.goto("/w/main/runs/")
        page.get_by_role("row").nth(1).get_by_role("link").first.click()
        page.wait_for_selector("text=/1[0-9][0-9] of 1[0-9][0-9] points/", timeout=120_000)
        target.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=target)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
