"""How much of the workspace's compute is in use: counted from its clusters and their sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from studio_sdk.client import Client

BUSY, AWAY = ("running",), ("leaving", "preempted")


@dataclass(frozen=True)
class Usage:
    """One cluster: nodes that are up of the most it may have, those that run a job, and the cores of both.

    The studio's own machine has no size, and so no cores that are counted.
    """

    name: str
    vm_size: str
    nodes: int
    most: int
    running: int
    cores: float | None
    cores_most: float | None

    @property
    def row(self) -> dict[str, Any]:
        return {**self.__dict__}

    @classmethod
    def of(cls, api: Client) -> list[Usage]:
        """Ask a workspace; `api` asks below its `api/v1`."""
        cores = {str(row["name"]).lower(): float(row["cores"]) for row in api.get("compute-sizes")}
        return [cls.read(row, cores.get(str(row["vm_size"]).lower())) for row in api.get("compute")]

    @classmethod
    def read(cls, row: dict[str, Any], cores: float | None) -> Usage:
        counts: dict[str, int] = (row.get("status") or {}).get("node_state_counts", {})
        up = sum(count for state, count in counts.items() if state not in AWAY)
        most = int(row.get("max_nodes") or up)
        running = sum(counts.get(state, 0) for state in BUSY)
        both = (None, None) if cores is None else (up * cores, most * cores)
        return cls(row["name"], row["vm_size"], up, most, running, *both)
