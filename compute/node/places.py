"""Where a hosted node has its folder; the studio's pages read its log there."""

from __future__ import annotations

from pathlib import Path

LOG = "node.log"


def hosted_folder(runtime_home: Path, name: str, node_id: int) -> Path:
    """Name a node's folder by its row: of two clusters with a node of one name, each has its own."""
    return runtime_home / "nodes" / f"{name}.{node_id}"
