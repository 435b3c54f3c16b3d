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
    """`home` holds environments and jobs, and must be reachable by the users that jobs run as."""

    url: str
    token: str
    name: str
    home: Path
    slots: int
    broker_url: str

    @property
    def jobs(self) -> Path:
        return self.home / "jobs"


def read_settings(environ: Mapping[str, str] = os.environ) -> NodeSettings:
    """Read the settings; stop with one sentence when one is missing."""
    for name in ("STUDIO_INTERNAL_URL", "STUDIO_NODE_TOKEN", "STUDIO_RUNTIME_HOME"):
        if not environ.get(name):
            raise BadSetting(f"{name} is not set: a compute node needs it.")
    return NodeSettings(
        url=environ["STUDIO_INTERNAL_URL"].rstrip("/"),
        token=environ["STUDIO_NODE_TOKEN"],
        name=environ.get("STUDIO_NODE_NAME") or socket.gethostname()[:100] or "node",
        home=Path(environ["STUDIO_RUNTIME_HOME"]),
        slots=env_int("STUDIO_NODE_SLOTS", os.cpu_count() or 1, least=1),
        broker_url=environ.get("REDIS_URL", ""),
    )
