"""Send growing files to the studio, by offset, so that a piece sent twice or out of turn does no harm."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from urllib.parse import quote

from compute.node.beneath import files_beneath, open_beneath
from compute.node.client import Refused, StudioAway, StudioClient
from compute.node.work import Work
from lib.textfile import newest_line

logger = logging.getLogger(__name__)

EVERY_S = 0.3
PIECE_BYTES = 1024 * 1024
# Files of ./logs that are streamed; more are kept when the job ends.
FILES_MAX = 100
# Logs that the launcher and the installer write: their newest line is the job's.
OWN = ("build", "std")


class LogSender:
    """One thread that sends what is new in the job's logs, until it is closed, and then the rest."""

    def __init__(self, client: StudioClient, work: Work) -> None:
        self.client = client
        self.work = work
        self.files: dict[str, tuple[Path, str]] = {}
        self.refused: set[str] = set()
        self.folder: Path | None = None
        self.sent: dict[str, int] = {}
        self.newest = ""
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, name="logs", daemon=True)

    def follow(self, name: str, path: Path) -> None:
        """Send this file from now on, under this name."""
        self.sent.setdefault(name, 0)
        self.files = {**self.files, name: (path.parent, path.name)}
        if not self.thread.is_alive():
            self.thread.start()

    def follow_folder(self, folder: Path) -> None:
        """Send the files that appear in this folder, each as `logs/<path>`."""
        self.folder = folder

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
        self._discover()
        is_whole = True
        for name in list(self.files):
            try:
                is_whole = self._send(name) and is_whole
            except StudioAway:
                return False
            except Refused as error:
                logger.warning("log %s refused: %s", name, error)
                self.refused.add(name)
                del self.files[name]
        return is_whole

    def _discover(self) -> None:
        """Find files that the command has begun in its ./logs."""
        if self.folder is None:
            return
        for found in files_beneath(self.folder, at_most=FILES_MAX):
            name = f"logs/{found.path}"
            if name not in self.files and name not in self.refused and found.size_bytes:
                self.sent.setdefault(name, 0)
                self.files = {**self.files, name: (self.folder, found.path)}

    def _send(self, name: str) -> bool:
        root, path = self.files[name]
        try:
            with open_beneath(root, path) as file:
                file.seek(self.sent[name])
                data = file.read(PIECE_BYTES)
        except OSError:
            return True
        if not data:
            return True
        if name in OWN:
            self.newest = newest_line(root / path) or self.newest
        try:
            place = f"{self.work.path}/logs/{quote(name)}"
            self.sent[name] = self.client.append(place, data, offset=self.sent[name], attempt=self.work.attempt)
        except Refused as error:
            if error.status != 409:
                raise
            self.sent[name] = 0  # a piece went missing: what the studio has already, it takes no second time
        return len(data) < PIECE_BYTES
