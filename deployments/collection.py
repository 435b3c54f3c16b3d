"""Samples of what endpoints were asked and answered, brought from the replicas into the workspace's store.

collected/<workspace>/<endpoint>/<revision>/<day>/<hour and minute>-<replica>.jsonl
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from deployments.drivers.base import Sample, ServingDriver
from deployments.models import SERVING, Deployment, Endpoint
from experiments import artifacts
from lib.errors import NotFound, StudioError

logger = logging.getLogger(__name__)
ROOT = "collected"
END_OF_TIME_MS = 1 << 60


@dataclass(frozen=True)
class Kept:
    """A file of samples; `path` is below the endpoint's."""

    path: str
    size_bytes: int


def collect(now_ms: int, driver: Callable[[str], ServingDriver]) -> int:
    """Take what replicas kept in minutes that are over; say how many files there were."""
    rows = Deployment.objects.filter(endpoint__collects_data=True, state__in=SERVING).select_related("endpoint")
    return sum(_take(row, driver(row.endpoint.driver), now_ms) for row in rows)


def collect_last(deployment: Deployment, driver: ServingDriver, now_ms: int) -> None:
    """Take all that a revision kept before replicas of it end, of the minute under way too; trouble stops no end.

    What goes on keeping in that minute is written to another file.
    """
    try:
        _take(deployment, driver, END_OF_TIME_MS, f"-{now_ms}")
    except (OSError, StudioError):
        logger.exception("samples lost deployment=%s", deployment.pk)


def _take(deployment: Deployment, driver: ServingDriver, before_ms: int, mark: str = "") -> int:
    count = 0
    for sample in driver.take_samples(deployment.key, before_ms):
        artifacts.store().put(key_of(deployment, sample, mark), io.BytesIO(sample.lines), len(sample.lines))
        count += 1
    return count


def key_of(deployment: Deployment, sample: Sample, mark: str) -> str:
    moment = datetime.fromtimestamp(sample.start_ms / 1000, UTC)
    number = sample.replica.rpartition(".")[2]
    return f"{folder(deployment.endpoint)}/{deployment.revision}/{moment:%Y-%m-%d}/{moment:%H%M}-{number}{mark}.jsonl"


def folder(endpoint: Endpoint) -> str:
    return f"{ROOT}/{endpoint.workspace_id}/{endpoint.pk}"


def kept(endpoint: Endpoint, most: int = 2000) -> list[Kept]:
    """List an endpoint's files of samples, the newest days last."""
    found: list[Kept] = []
    waiting = [""]
    while waiting and len(found) < most:
        below = waiting.pop()
        for entry in artifacts.store().entries("/".join(filter(None, (folder(endpoint), below)))):
            path = "/".join(filter(None, (below, entry.name)))
            if entry.is_dir:
                waiting.append(path)
            else:
                found.append(Kept(path, entry.size_bytes or 0))
    return sorted(found, key=lambda one: one.path)


def read(endpoint: Endpoint, path: str) -> bytes:
    """Give one file. Raises NotFound for one that is not there."""
    with artifacts.store().open(f"{folder(endpoint)}/{artifacts.checked(path)}") as file:
        return file.read()


def forget(endpoint: Endpoint) -> None:
    """Remove all samples of an endpoint; none is no error."""
    with contextlib.suppress(NotFound):
        artifacts.store().delete(folder(endpoint))
