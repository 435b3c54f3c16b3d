"""Keep a sample of what was asked and answered, for whoever compares it with the training data later.

    <folder>/<minute>.jsonl     a line a request: time, request id, revision, input, output

The studio takes files of minutes that are over. What does not fit (large bodies, a full folder, a slow disk) is not
kept: a sample must never cost a request.
"""

from __future__ import annotations

import contextlib
import queue
import random
import threading
import time
from pathlib import Path

from .wire import dump_json

LARGEST_BODY = 256 * 1024
LARGEST_FOLDER = 64 * 1024 * 1024
WAITING = 100
MINUTE_S = 60
GATHER_S = 0.1
# time, revision, request id, what was asked, what was answered
Sample = tuple[float, str, str, bytes, bytes]


class Capture:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._queue: queue.Queue[Sample] = queue.Queue(WAITING)
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
            kept = [self._queue.get()]
            # A moment later there are more of them, and one file is opened for all.
            time.sleep(GATHER_S)
            with contextlib.suppress(queue.Empty):
                while True:
                    kept.append(self._queue.get_nowait())
            try:
                if self._has_room():
                    self._append(kept)
            except OSError as error:
                print(f"samples were not kept: {error}", flush=True)

    def _append(self, kept: list[Sample]) -> None:
        by_minute: dict[int, list[bytes]] = {}
        for sample in kept:
            by_minute.setdefault(int(sample[0]) // MINUTE_S * MINUTE_S, []).append(line_of(sample))
        for minute, lines in by_minute.items():
            with (self._folder / f"{minute}.jsonl").open("ab") as opened:
                opened.write(b"".join(lines))

    def _has_room(self) -> bool:
        return sum(file.stat().st_size for file in self._folder.glob("*.jsonl")) <= LARGEST_FOLDER


def line_of(sample: Sample) -> bytes:
    at, revision, request_id, asked, answered = sample
    line = {
        "time_ms": int(at * 1000),
        "request_id": request_id,
        "revision": revision,
        "input": asked.decode("utf-8", "replace"),
        "output": answered.decode("utf-8", "replace"),
    }
    return dump_json(line) + b"\n"
