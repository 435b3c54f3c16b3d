"""What a node does, over and over: beat, look after the attempts it holds, take new ones."""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from pathlib import Path
from typing import Any

from compute import launcher
from compute.node import work
from compute.node.client import Refused, StudioAway, StudioClient
from compute.node.settings import NodeSettings
from compute.node.work import Work

logger = logging.getLogger(__name__)

LOOK_S = 1.0
BEAT_S = 2.0
TIDY_S = 15.0
# How long an ended attempt's folder stays: what was left outside ./outputs may be wanted.
KEPT_S = 3600.0


class Loop:
    """The node's work, in one thread; `woken` makes it look at once."""

    def __init__(self, settings: NodeSettings) -> None:
        self.settings = settings
        self.client = StudioClient(settings.url, settings.token)
        self.woken = threading.Event()
        self.over = threading.Event()
        self.beat_at = 0.0
        self.tidy_at = 0.0
        self.is_away = False
        self.wanted = "work"

    def hello(self) -> str:
        """Say that the node is there, as often as it takes; give the name of its cluster's queue."""
        while True:
            try:
                answer = self._beat()
                if self.settings.cluster and answer["cluster"] != self.settings.cluster:
                    raise SystemExit(f"The token is for the cluster {answer['cluster']}, not {self.settings.cluster}.")
                return str(answer["queue"])
            except (StudioAway, Refused) as error:
                self._say_away(error)
                time.sleep(0.5)

    def run(self) -> None:
        while not self.over.is_set():
            self.woken.clear()
            try:
                self.look()
                self.is_away = False
            except (StudioAway, Refused) as error:
                self._say_away(error)
            except Exception:  # whatever one job's folder holds, the others' node lives on
                logger.exception("the node stumbled")
            self.woken.wait(LOOK_S)

    def look(self) -> None:
        """Beat if it is time, look after what is held, then take jobs for as long as there are any."""
        now = time.monotonic()
        if now >= self.beat_at:
            self._beat()
            self.beat_at = now + BEAT_S
            self.look_after()
            self._leave_if_asked()
        if now >= self.tidy_at:
            self.tidy_at = now + TIDY_S
            self.tidy()
        while self.wanted == "work" and self.take():
            pass

    def _beat(self) -> dict[str, Any]:
        report = {
            "name": self.settings.name,
            "slots": self.settings.slots,
            "cpu_count": os.cpu_count() or 1,
            "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            "load": round(os.getloadavg()[0], 2),
        }
        answer = self.client.post("/api/v1/node/heartbeat", report)
        self.wanted = str(answer["wanted"])
        return answer

    def _leave_if_asked(self) -> None:
        """Go when told to, once nothing is held: the studio then knows that nothing of ours runs."""
        if self.wanted != "leave" or self.held():
            return
        self.client.post("/api/v1/node/leave", {"name": self.settings.name})
        logger.info("the studio let this node go")
        self.over.set()

    # ---- Attempts held -----------------------------------------------------------------------------------------------

    def held(self) -> set[str]:
        rows = self.client.get("/api/v1/node/jobs", node=self.settings.name)["jobs"]
        return {f"{row['run_id']}-{row['attempt']}" for row in rows}

    def look_after(self) -> None:
        """Find attempts whose runner is gone, end what is left of them, and only then say that they are lost."""
        for key in self.held():
            folder = self.settings.jobs / key
            seen = launcher.observe(folder)
            if seen.state == "running":
                continue
            end_attempt(folder)
            run_id, attempt = key.rsplit("-", 1)
            outcome = "lost" if seen.state == "exited" else "unstarted"
            body = {"attempt": int(attempt), "outcome": outcome, "error": work.why_gone(folder)}
            logger.warning("attempt %s is %s", key, outcome)
            self.client.post(f"/api/v1/node/jobs/{run_id}/finish", body)

    def tidy(self) -> None:
        """End what runs though the studio has given it up; remove the folders of attempts long over or deleted."""
        folders = [folder for folder in self.settings.jobs.glob("*") if work.key_parts(folder.name)]
        if not folders:
            return
        held, known = self.held(), self.known(folders)
        for folder in folders:
            if folder.name in held or launcher.observe(folder).state == "running":
                continue  # a runner hears from the studio itself that its job is given up
            end_attempt(folder)
            is_deleted = run_of(folder) not in known
            if is_deleted or time.time() - folder.stat().st_mtime > KEPT_S:
                shutil.rmtree(folder, ignore_errors=True)

    def known(self, folders: list[Path]) -> set[str]:
        """Ask which of the jobs whose folders lie here still exist."""
        body = {"run_ids": sorted({run_of(folder) for folder in folders})}
        return set(self.client.post("/api/v1/node/known", body)["run_ids"])

    # ---- New attempts ------------------------------------------------------------------------------------------------

    def take(self) -> bool:
        """Claim one job and start its runner; False when there is none for us."""
        claimed = self.client.post("/api/v1/node/claim", {"node": self.settings.name})["job"]
        if claimed is None:
            return False
        # The studio is where this machine finds it, which need not be where it finds itself.
        self.start(Work(**{**claimed, "tracking_uri": f"{self.settings.url}/w/{claimed['workspace']}"}))
        return True

    def start(self, attempt: Work) -> None:
        folder = self.settings.jobs / attempt.key
        work.store(folder, attempt)
        launcher.start(work.runner_process(folder), again=False)
        logger.info("job started run=%s attempt=%s", attempt.run_id, attempt.attempt)

    def _say_away(self, error: Exception) -> None:
        if not self.is_away:
            logger.warning("the studio does not answer: %s", error)
        self.is_away = True


def run_of(folder: Path) -> str:
    return folder.name.rpartition("-")[0]


def end_attempt(folder: Path) -> None:
    """End the runner and the command, whichever of them is left; when this returns, nothing of both lives."""
    launcher.stop(folder, grace_s=2.0)
    launcher.stop(folder / "process", grace_s=5.0)
