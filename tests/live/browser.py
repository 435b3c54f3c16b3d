"""A real browser, and what is asked of every page it opens."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

P = ParamSpec("P")
R = TypeVar("R")

PATIENCE_MS = 60_000  # a slow machine is no fault of the page
expect.set_options(timeout=PATIENCE_MS)

NAMES = ("chromium", "chromium-browser", "google-chrome")
# Chromium looks for its maker's hosts at every start; offline each look-up costs time and means nothing.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 320, "height": 800}
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}


def program() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


def launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=program(), args=QUIET)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if program() is None:
        pytest.skip("there is no Chromium on this machine, so nothing was driven in a browser")
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@contextmanager
def window(
    browser: Browser,
    url: str,
    *,
    dark: bool = False,
    narrow: bool = False,
    session: dict[str, str] | None = None,
    refused: int = 0,
) -> Iterator[Page]:
    """Open a page of a fresh browser profile; what its console complains of fails the test.

    `session` holds the cookies of someone signed in (`RunningStudio.session`); `refused` is a status it provokes.
    """
    context = browser.new_context(
        base_url=url,
        viewport=NARROW if narrow else WIDE,
        color_scheme="dark" if dark else "light",
        locale="en-GB",
        reduced_motion="reduce",  # or axe weighs a colour that is on its way from one theme to the other
    )
    context.set_default_timeout(PATIENCE_MS)
    context.add_cookies([{"name": name, "value": value, "url": url} for name, value in (session or {}).items()])
    page = context.new_page()
    load_fully(page)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    try:
        yield page
        complaints = [one for one in complaints if not refused or f"status of {refused} " not in one]
        assert not complaints, f"the browser's console says: {complaints}"
    finally:
        context.close()


def load_fully(page: Page) -> None:
    """Make every `goto`, key and click wait until the page's modules are mounted: it hears nothing before."""
    page.goto = after(page, page.goto)  # type: ignore[method-assign]
    keyboard = page.keyboard
    keyboard.press = before(page, keyboard.press)  # type: ignore[method-assign]
    keyboard.type = before(page, keyboard.type)  # type: ignore[method-assign]
    page.add_locator_handler(
        page.locator("html:not([data-mounted]):has(script[type=module])"), lambda: until_mounted(page)
    )


def after(page: Page, act: Callable[P, R]) -> Callable[P, R]:
    def acts(*args: P.args, **options: P.kwargs) -> R:
        answer = act(*args, **options)
        until_mounted(page)
        return answer

    return acts


def before(page: Page, act: Callable[P, R]) -> Callable[P, R]:
    def acts(*args: P.args, **options: P.kwargs) -> R:
        until_mounted(page)
        return act(*args, **options)

    return acts


def until_mounted(page: Page) -> None:
    page.wait_for_load_state("domcontentloaded")
    page.locator("html[data-mounted], html:not(:has(script[type=module]))").wait_for(state="attached")


def accessibility_faults(page: Page) -> list[str]:
    """List what axe finds on the page as it stands, a line each."""
    found = Axe().run(page, options=RULES)
    return [
        f"{fault['id']}: {node['html'][:160]}"
        for fault in found.response["violations"]
        for node in fault["nodes"]
    ]  # fmt: skip


def keep(page: Page, name: str) -> None:
    """Keep a picture when STUDIO_SHOTS names a folder for them."""
    if folder := os.environ.get("STUDIO_SHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
