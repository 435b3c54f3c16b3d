"""The nodes of clusters that scale: processes of the studio's own machine, started and stopped as the rows say.

Only the studio's own node hosts. Each hosted node is a program like any other, with a token of its own and a folder of
its own; it outlives the one that started it.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import threading
from pathlib import Path
from typing import Any

from compute import launcher
from compute.launcher import ProcessSpec
from compute.node.client import Refused, StudioAway, StudioClient
from compute.node.places import LOG, hosted_folder
from compute.node.settings import NodeSettings
from compute.node.work import ROOT, is_passed_on

logger = logging.getLogger(__name__)

LOOK_S = 1.0
GRACE_S = 5.0


class Host:
    """Compares the nodes that are wanted with those that run, over and over, in a thread of its own."""

    def __init__(self, settings: NodeSettings) -> None:
        self.settings = settings
        self.client = StudioClient(settings.url, settings.token)
        self.root = settings.home / "nodes"
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(LOOK_S):
            try:
                self.look()
            except StudioAway:
                continue
            except (Refused, OSError) as error:
                logger.warning("hosting: %s", error)

    def look(self) -> None:
        """Start what is wanted and not there, end what is to leave, and forget what nobody knows."""
        rows = self.client.get("/api/v1/node/hosted")["nodes"]
        for row in rows:
            self.serve(row)
        known = {self.folder_of(row) for row in rows}
        for folder in self.root.glob("*/"):
            if folder not in known:
                self.end(folder)

    def serve(self, row: dict[str, Any]) -> None:
        folder = self.folder_of(row)
        seen = launcher.observe(folder)
        if row["wanted"] != "leave" and seen.state != "running":
            self.start(row, folder)
        elif row["wanted"] == "leave" and (seen.state != "running" or not (folder / "jobs").exists()):
            # One that was never heard has nothing to finish; any other ends by itself when its work is done.
            self.end(folder)
            self.client.post(f"/api/v1/node/hosted/{row['id']}/dismiss", {})

    def folder_of(self, row: dict[str, Any]) -> Path:
        return hosted_folder(self.settings.home, str(row["name"]), int(row["id"]))

    def start(self, row: dict[str, Any], folder: Path) -> None:
        token = str(self.client.post(f"/api/v1/node/hosted/{row['id']}/admit", {})["token"])
        self.root.mkdir(exist_ok=True)
        folder.mkdir(exist_ok=True)
        jobs = folder / "jobs"
        jobs.mkdir(exist_ok=True)
        for place in (self.root, folder, jobs):
            place.chmod(0o711)  # jobs run below it, as users of their own
        launcher.start(node_process(self.settings, row, folder, token))
        logger.info("node started %s", row["name"])

    def end(self, folder: Path) -> None:
        launcher.stop(folder, GRACE_S)
        for record in (*folder.glob("jobs/*/state.json"), *folder.glob("jobs/*/process/state.json")):
            launcher.stop(record.parent, GRACE_S)
        shutil.rmtree(folder, ignore_errors=True)
        logger.info("node ended %s", folder.name)


def node_process(settings: NodeSettings, row: dict[str, Any], folder: Path, token: str) -> ProcessSpec:
    """Describe the node's program: ours, and as trusted as we are. It asks for work, and needs no broker."""
    passed = {name: os.environ[name] for name in os.environ if is_passed_on(name)}
    return ProcessSpec(
        name=f"node-{folder.name}",
        folder=folder,
        argv=(sys.executable, "-m", "compute.node"),
        env={
            **passed,
            "PYTHONUNBUFFERED": "1",
            "STUDIO_INTERNAL_URL": settings.url,
            "STUDIO_RUNTIME_HOME": str(settings.home),
            "STUDIO_NODE_TOKEN": token,
            "STUDIO_NODE_NAME": str(row["name"]),
            "STUDIO_NODE_SLOTS": str(row["slots"]),
            "STUDIO_NODE_JOBS": str(folder / "jobs"),
        },
        cwd=ROOT,
        log=folder / LOG,
        log_bytes_max=4 * 1024 * 1024,
        leaves_children=True,  # its runners go on when it is killed, and it finds them again
    )
