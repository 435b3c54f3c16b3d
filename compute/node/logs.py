"""Send growing files to the studio, by offset, so that a piece sent twice or out of turn does no harm."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from compute.node.client import Refused, StudioAway, StudioClient
from compute.node.work import Work
from lib.textfile import newest_line

logger = logging.getLogger(__name__)

EVERY_S = 0.3
PIECE_BYTES = 1024 * 1024


class LogSender:
    """One thread that sends what is new in the job's logs, until it is closed, and then the rest."""

    def __init__(self, client: StudioClient, work: Work) -> None:
        self.client = client
        self.work = work
        self.files: dict[str, Path] = {}
        self.sent: dict[str, int] = {}
        self.newest = ""
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, name="logs", daemon=True)

    def follow(self, name: str, path: Path) -> None:
        """Send this file from now on, under this name."""
        self.sent.setdefault(name, 0)
        self.files = {**self.files, name: path}
        if not self.thread.is_alive():
            self.thread.start()

    def close(self, wait_s: float = 60.0) -> None:
        self.over.set()
        if self.thread.is_alive():
            self.thread.join(wait_s)

    def _run(self) -> None:
        while not self.over.wait(EVERY_S):
            self._round()
        for _try in range(40):
            if self._round():
                return
            threading.Event().wait(1.0)

    def _round(self) -> bool:
        """Send what is new; False when something is left."""
        try:
            whole = [self._send(name, path) for name, path in self.files.items()]
            return all(whole)
        except StudioAway:
            return False
        except Refused as error:
            logger.warning("log refused: %s", error)
            return True

    def _send(self, name: str, path: Path) -> bool:
        try:
            with path.open("rb") as file:
                file.seek(self.sent[name])
                data = file.read(PIECE_BYTES)
        except FileNotFoundError:
            return True
        if not data:
            return True
        self.newest = newest_line(path) or self.newest
        place = f"{self.work.path}/logs/{name}"
        try:
            self.sent[name] = self.client.append(place, data, offset=self.sent[name], attempt=self.work.attempt)
        except Refused as error:
            if error.status != 409:
                raise
            self.sent[name] = 0  # a piece went missing: what the studio has already, it takes no second time
        return len(data) < PIECE_BYTES
