"""Keep a sample of what was asked and answered, for whoever compares it with the training data later.

    <folder>/<minute>.jsonl     a line a request: time, request id, revision, input, output

The studio takes files of minutes that are over. What does not fit (large bodies, a full folder, a slow disk) is not
kept: a sample must never cost a request.
"""

from __future__ import annotations

import json
import queue
import random
import threading
import time
from pathlib import Path

LARGEST_BODY = 256 * 1024
LARGEST_FOLDER = 64 * 1024 * 1024
WAITING = 100
MINUTE_S = 60


class Capture:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._queue: queue.Queue[tuple[float, str, str, bytes, bytes]] = queue.Queue(WAITING)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def offer(self, rate: float, revision: str, request_id: str, asked: bytes, answered: bytes) -> None:
        """Keep one of `1 / rate` requests, if that costs nothing."""
        if random.random() >= rate or len(asked) + len(answered) > LARGEST_BODY:  # noqa: S311  a sample, no secret
            return
        self._begin()
        try:
            self._queue.put_nowait((time.time(), revision, request_id, asked, answered))
        except queue.Full:
            return

    def _begin(self) -> None:
        with self._lock:
            if self._thread is None:
                self._folder.mkdir(exist_ok=True)
                self._thread = threading.Thread(target=self._write, name="capture", daemon=True)
                self._thread.start()

    def _write(self) -> None:
        while True:
            at, revision, request_id, asked, answered = self._queue.get()
            try:
                if sum(file.stat().st_size for file in self._folder.glob("*.jsonl")) > LARGEST_FOLDER:
                    continue
                line = {
                    "time_ms": int(at * 1000),
                    "request_id": request_id,
                    "revision": revision,
                    "input": asked.decode("utf-8", "replace"),
                    "output": answered.decode("utf-8", "replace"),
                }
                file = self._folder / f"{int(at) // MINUTE_S * MINUTE_S}.jsonl"
                with file.open("a", encoding="utf-8") as opened:
                    opened.write(json.dumps(line, ensure_ascii=False) + "\n")
            except OSError as error:
                print(f"a sample was not kept: {error}", flush=True)
