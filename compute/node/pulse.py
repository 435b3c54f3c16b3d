"""The runner's heartbeat: tells the studio that the attempt lives, and hears what it is to do."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from compute.node.client import Refused, StudioAway, StudioClient
from compute.node.work import Work

logger = logging.getLogger(__name__)

EVERY_S = 2.0
# Even refusals may be passing (a studio that is being restored); this many in a row are an answer.
REFUSALS = 3


class Pulse:
    """One thread; `wanted` is "run" until the studio says "cancel" or "drop"."""

    def __init__(self, client: StudioClient, work: Work, newest: Callable[[], str]) -> None:
        self.client = client
        self.work = work
        self.newest = newest
        self.state = "Preparing"
        self.wanted = "run"
        self.refused = 0
        self.woken = threading.Event()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def enter(self, state: str) -> None:
        """Go to the next stage, and say so at once."""
        self.state = state
        self.woken.set()

    def close(self) -> None:
        self.over.set()
        self.woken.set()
        self.thread.join(20)

    def _run(self) -> None:
        while not self.over.is_set():
            self.woken.clear()
            self._beat()
            self.woken.wait(EVERY_S)

    def _beat(self) -> None:
        body = {"attempt": self.work.attempt, "state": self.state, "newest": self.newest()}
        try:
            wanted = self.client.post(f"{self.work.path}/beat", body)["wanted"]
        except StudioAway:
            return
        except Refused as error:
            self.refused += 1
            logger.warning("beat refused: %s", error)
            if self.refused >= REFUSALS:
                self.wanted = "drop"
            return
        self.refused = 0
        self.wanted = str(wanted)
