"""What a node is told by its environment."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lib.env import BadSetting, env_int


@dataclass(frozen=True)
class NodeSettings:
    """`home` holds environments, `jobs_folder` the jobs; users that jobs run as must be able to pass through both.

    `hosts` is for the studio's own node, which starts the nodes of clusters that scale; `cluster` for a machine that
    joins: then the studio must agree that its token is for this cluster.
    """

    url: str
    token: str
    name: str
    home: Path
    slots: int
    broker_url: str
    jobs_folder: Path | None = None
    hosts: bool = False
    cluster: str = ""

    @property
    def jobs(self) -> Path:
        return self.jobs_folder or self.home / "jobs"


def read_settings(environ: Mapping[str, str] = os.environ) -> NodeSettings:
    """Read the settings; stop with one sentence when one is missing."""
    for name in ("STUDIO_INTERNAL_URL", "STUDIO_NODE_TOKEN", "STUDIO_RUNTIME_HOME"):
        if not environ.get(name):
            raise BadSetting(f"{name} is not set: a compute node needs it.")
    home = Path(environ["STUDIO_RUNTIME_HOME"])
    return NodeSettings(
        url=environ["STUDIO_INTERNAL_URL"].rstrip("/"),
        token=environ["STUDIO_NODE_TOKEN"],
        name=environ.get("STUDIO_NODE_NAME") or socket.gethostname()[:100] or "node",
        home=home,
        slots=env_int("STUDIO_NODE_SLOTS", os.cpu_count() or 1, least=1),
        broker_url=environ.get("REDIS_URL", ""),
        jobs_folder=Path(environ.get("STUDIO_NODE_JOBS") or home / "jobs"),
        # Who joins says which cluster; who is hosted has a folder for its jobs; the studio's own has neither.
        hosts=not environ.get("STUDIO_NODE_CLUSTER") and not environ.get("STUDIO_NODE_JOBS"),
        cluster=environ.get("STUDIO_NODE_CLUSTER", ""),
    )
