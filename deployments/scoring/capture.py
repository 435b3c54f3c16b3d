"""Keep a sample of what was asked and answered, for whoever compares it with the training data later.

    <folder>/<minute>.jsonl     a line a request: time, request id, revision, input, output

The studio takes files of minutes that are over. A sample must never cost a request: what is drawn is handed to one
thread as the bytes that came and went, and that thread writes what has gathered. It is bounded in bytes a second, so
that a busy replica spreads what it keeps over the minute and spends no more on it than a quiet one. What was drawn and
is not kept (a large body, too many bytes a second, a full folder, a disk that fails or is slow) is counted.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterable
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from .wire import dump_json

LARGEST_BODY = 256 * 1024
LARGEST_FOLDER = 64 * 1024 * 1024
BYTES_A_SECOND = 1024 * 1024
MOST_AT_ONCE = BYTES_A_SECOND // 2
MINUTE_S = 60
MOST_WAITING = 4 * BYTES_A_SECOND
# A file is opened once for all that gathers in this time: each time the thread asks for the interpreter's lock again, a
# request gives it up, and pays more for that than the sample costs.
GATHER_S = 1.0
# How many samples were kept, and how many were drawn and left out.
Count = Callable[[int, int], None]


class Sample(NamedTuple):
    at: float
    revision: str
    request_id: str
    asked: bytes
    answered: bytes

    @property
    def size(self) -> int:
        return len(self.asked) + len(self.answered)


class Allowance:
    """So many bytes a second, of which those not used are saved up; the last to be let in may overdraw it.

    Were each held to what is left, large bodies would be left out more often than small ones.
    """

    def __init__(self, a_second: float, most: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._a_second, self._most, self._clock = a_second, most, clock
        self._left, self._at = most, clock()

    def lets_in(self, size: int) -> bool:
        now = self._clock()
        self._left = min(self._most, self._left + (now - self._at) * self._a_second)
        self._at = now
        if self._left <= 0:
            return False
        self._left -= size
        return True


class Capture:
    def __init__(self, folder: Path, count: Count = lambda kept, left_out: None) -> None:
        self._folder = folder
        self._count = count
        self._allowance = Allowance(BYTES_A_SECOND, MOST_AT_ONCE)
        self._waiting: list[Sample] = []
        self._waiting_bytes = 0
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._some = threading.Event()
        self._thread: threading.Thread | None = None
        self._has_failed = False

    def offer(self, rate: float, revision: str, request_id: str, asked: bytes, answered: bytes) -> None:
        """Keep one of `1 / rate` requests, if that costs nothing."""
        if random.random() >= rate:  # noqa: S311  a sample, no secret
            return
        if not self._takes(Sample(time.time(), revision, request_id, asked, answered)):
            self._count(0, 1)

    def flush(self) -> None:
        """Write what waits."""
        with self._writing:
            waiting = self._taken()
            kept = self._kept(waiting)
        if waiting:
            self._count(kept, len(waiting) - kept)

    def _takes(self, sample: Sample) -> bool:
        if sample.size > LARGEST_BODY:
            return False
        with self._lock:
            # So much waits only for a disk that has not taken what came before.
            if self._waiting_bytes > MOST_WAITING or not self._allowance.lets_in(sample.size):
                return False
            self._waiting.append(sample)
            self._waiting_bytes += sample.size
            if len(self._waiting) == 1:
                self._wake()
            return True

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, name="capture", daemon=True)
            self._thread.start()
        self._some.set()

    def _write(self) -> None:
        while True:
            self._some.wait()
            time.sleep(GATHER_S)
            self.flush()

    def _taken(self) -> list[Sample]:
        with self._lock:
            waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
            self._some.clear()
        return waiting

    def _kept(self, samples: list[Sample]) -> int:
        """Write samples; say of how many that is true. Trouble is told once, until it is over."""
        kept = 0
        try:
            for start, group in groupby(samples, key=lambda one: int(one.at) // MINUTE_S * MINUTE_S):
                lines = list(group)
                if has_room(self._folder):
                    append(self._folder / f"{start}.jsonl", map(line_of, lines))
                    kept += len(lines)
        except OSError as error:
            if not self._has_failed:
                print(f"samples are not kept: {error}", flush=True)
            self._has_failed = True
        else:
            self._has_failed = False
        return kept


def has_room(folder: Path) -> bool:
    """Say whether a folder, which is made, may have more in it."""
    folder.mkdir(exist_ok=True)
    size = 0
    for file in folder.glob("*.jsonl"):
        with contextlib.suppress(FileNotFoundError):  # taken meanwhile
            size += file.stat().st_size
    return size <= LARGEST_FOLDER


def append(path: Path, lines: Iterable[bytes]) -> None:
    """Add lines to a file, one after the other: joined, they would be copied into memory that is new each time."""
    with path.open("ab") as opened:
        for line in lines:
            opened.write(line)
            opened.write(b"\n")


def line_of(sample: Sample) -> bytes:
    line = {
        "time_ms": int(sample.at * 1000),
        "request_id": sample.request_id,
        "revision": sample.revision,
        "input": sample.asked.decode("utf-8", "replace"),
        "output": sample.answered.decode("utf-8", "replace"),
    }
    return dump_json(line)
