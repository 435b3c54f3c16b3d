"""A whole studio for the live tests, one for all that do not break it."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.live import outside
from tests.live.browser import chromium
from tests.live.running import RunningStudio, temporary_folder

__all__ = ["chromium"]


# The longest files; begun last, one of them would keep a process long after the others had ended.
LONG = (
    "test_azureml",
    "test_flow",
    "test_run_survives",
    "test_mlflow_clients",
    "test_flow_survives",
    "test_endpoints_flow",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.live)
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))


@pytest.fixture(scope="session")
def outbound() -> Iterator[socket.socket]:
    """Keep the one address that the studio of all may call; nobody listens there but who wants to be called."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound


@pytest.fixture(scope="session")
def studio(outbound) -> Iterator[RunningStudio]:
    """The studio that tests share: it may be killed in part, for it mends itself, but not stopped.

    Each process of the tests has one. It stands on the servers of DATABASE_URL and REDIS_URL where both are given.
    STUDIO_LIVE_HOME names the home of one that runs already: to write a test against it without waiting for a start.
    """
    if home := os.environ.get("STUDIO_LIVE_HOME"):
        yield RunningStudio.found(Path(home))
        return
    folder = temporary_folder()
    with outside.settings() if outside.are_given() else nullcontext({}) as settings:
        settings |= {"STUDIO_OUTBOUND_ALLOW": "{}:{}".format(*outbound.getsockname())}
        running = RunningStudio(folder / "data", with_sample=True, settings=settings)
        try:
            yield running.start()
        finally:
            running.discard()
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def used_home() -> Iterator[Path]:
    """A home that the tests of a file start studios on, one after the other: its first start takes longest."""
    folder = temporary_folder()
    yield folder / "data"
    RunningStudio(folder / "data").discard()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def another_studio() -> Iterator[Callable[..., RunningStudio]]:
    """Make studios of one's own, not started yet: `another_studio(home=…, root=…)`; what is to `stay` is only ended."""
    made: list[RunningStudio] = []
    staying: list[RunningStudio] = []
    folder = temporary_folder()

    def make(home: Path | None = None, *, stays: bool = False, **options) -> RunningStudio:
        running = RunningStudio(home or folder / f"data-{len(made)}", **options)
        (staying if stays else made).append(running)
        return running

    yield make
    for running in made:
        running.discard()
    for running in staying:
        running.end()
    shutil.rmtree(folder, ignore_errors=True)
