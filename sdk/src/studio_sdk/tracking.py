"""Runs by MLflow's protocol, without MLflow: what the SDK's own calls need of it."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from studio_sdk.client import Client

MOST_POINTS, MOST_TAGS = 1000, 100


@dataclass(frozen=True)
class Tracking:
    """`client` asks below a workspace's `api/2.0/mlflow`."""

    client: Client

    def create_run(
        self, experiment_id: str, start_ms: int, name: str = "", tags: dict[str, str] | None = None
    ) -> dict[str, Any]:
        asked = {"experiment_id": experiment_id, "start_time": start_ms, "tags": pairs(tags or {})}
        if name:
            asked["run_name"] = name
        run: dict[str, Any] = self.client.post("runs/create", asked)["run"]
        return run

    def run(self, run_id: str) -> dict[str, Any]:
        run: dict[str, Any] = self.client.get("runs/get", run_id=run_id)["run"]
        return run

    def search(
        self, experiment_ids: Sequence[str], filter: str = "", order: Sequence[str] = ()
    ) -> Iterator[dict[str, Any]]:
        """Give runs page by page, the newest first unless `order` says otherwise."""
        token = ""
        while True:
            asked = {
                "experiment_ids": list(experiment_ids),
                "filter": filter,
                "max_results": 200,
                "order_by": list(order) or ["attributes.start_time DESC"],
                "page_token": token,
            }
            page = self.client.post("runs/search", asked, is_safe=True)
            yield from page.get("runs", [])
            token = page.get("next_page_token", "")
            if not token:
                return

    def update(self, run_id: str, **fields: Any) -> None:
        self.client.post("runs/update", {"run_id": run_id, **fields}, is_safe=True)

    def log(
        self,
        run_id: str,
        points: Iterable[tuple[str, float, int]] = (),
        tags: dict[str, str] | None = None,
        at_ms: int = 0,
    ) -> None:
        """Log points (key, value, step) and tags; a repetition changes nothing, for a point's value is its identity."""
        metrics = [
            {"key": key, "value": number(value), "timestamp": at_ms, "step": step} for key, value, step in points
        ]
        named = pairs(tags or {})
        while metrics or named:
            body = {"run_id": run_id, "metrics": metrics[:MOST_POINTS], "tags": named[:MOST_TAGS]}
            self.client.post("runs/log-batch", body, is_safe=True)
            metrics, named = metrics[MOST_POINTS:], named[MOST_TAGS:]

    def delete_tag(self, run_id: str, key: str) -> None:
        self.client.post("runs/delete-tag", {"run_id": run_id, "key": key}, is_safe=True)

    def history(self, run_id: str, key: str) -> list[float]:
        """Give all values of a metric in the order of their steps and times."""
        found: list[dict[str, Any]] = []
        token = ""
        while True:
            asked = {"run_id": run_id, "metric_key": key, "max_results": 25_000, "page_token": token}
            page = self.client.get("metrics/get-history", **{name: value for name, value in asked.items() if value})
            found += page.get("metrics", [])
            token = page.get("next_page_token", "")
            if not token:
                break
        found.sort(key=lambda point: (int(point.get("step", 0)), int(point.get("timestamp", 0))))
        return [as_logged(float(point["value"])) for point in found]


def pairs(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def number(value: float) -> float | str:
    """Write a number as protobuf's JSON has it."""
    if value != value:
        return "NaN"
    return value if value not in (float("inf"), float("-inf")) else ("Infinity" if value > 0 else "-Infinity")


def as_logged(value: float) -> float:
    """Give an infinity back, which MLflow keeps as the largest number there is."""
    return value if value != value or abs(value) < sys.float_info.max else math.copysign(math.inf, value)


def named(rows: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Read a list of key and value, as the protocol writes params and tags."""
    return {row["key"]: row.get("value", "") for row in rows}
