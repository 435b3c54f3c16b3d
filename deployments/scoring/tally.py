"""Count what a replica answers: by the minute, by class of status, by how long it took.

Counting is on the scoring path, so it is one lock and a few additions; who asks (see status.py) pays for the rest.
"""

from __future__ import annotations

import os
import threading
import time
from bisect import bisect_left
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Upper ends of the latency buckets in milliseconds, each a third wider than the one before; the last one has no end.
BOUNDS_MS = tuple(round(0.25 * 1.35**step, 3) for step in range(42))
MINUTE_MS = 60_000
KEPT_MINUTES = 15


@dataclass
class Minute:
    """Totals of one minute; `cpu_s` is the process's own time at its beginning.

    Of the requests that were drawn for the sample, `sampled` were kept and `unsampled` were not (see capture.py).
    """

    start_ms: int
    cpu_s: float
    ok: int = 0
    refused: int = 0
    failed: int = 0
    spent_ms: float = 0.0
    sampled: int = 0
    unsampled: int = 0
    latency: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_MS) + 1))

    def add(self, status: int, took_ms: float) -> None:
        if status < 400:
            self.ok += 1
        elif status < 500:
            self.refused += 1
        else:
            self.failed += 1
        self.spent_ms += took_ms
        self.latency[bisect_left(BOUNDS_MS, took_ms)] += 1


class Tally:
    """What a replica has answered since it began, and what it is working on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minutes: OrderedDict[int, Minute] = OrderedDict()
        self._working: dict[int, float] = {}
        self._busy_ms = 0.0
        self._requests = 0

    def begin(self) -> None:
        self._working[threading.get_ident()] = time.monotonic()

    def end(self, status: int, waited_ms: float, *, is_kept: bool = True) -> float:
        """Count the request of this thread; `waited_ms` is the time it stood in the queue. Give how long it took.

        Without `is_kept` it counts for how busy the replica is, which scaling asks, and for no minute.
        """
        took_ms = (time.monotonic() - self._working.pop(threading.get_ident())) * 1000
        total = took_ms + waited_ms
        with self._lock:
            if is_kept:
                self._minute().add(status, total)
            self._busy_ms += total
            self._requests += 1
        return total

    def count_samples(self, kept: int, left_out: int) -> None:
        with self._lock:
            minute = self._minute()
            minute.sampled += kept
            minute.unsampled += left_out

    def snapshot(self) -> dict[str, Any]:
        """Give everything; the newest minutes with their totals, which only grow until a minute is over."""
        now = time.monotonic()
        working = list(self._working.values())
        with self._lock:
            self._minute()
            ends = [*(minute.cpu_s for minute in self._minutes.values()), time.process_time()][1:]
            minutes = [
                {
                    "start_ms": minute.start_ms,
                    "ok": minute.ok,
                    "refused": minute.refused,
                    "failed": minute.failed,
                    "sampled": minute.sampled,
                    "unsampled": minute.unsampled,
                    "spent_ms": round(minute.spent_ms, 3),
                    "latency": list(minute.latency),
                    "cpu_ms": round((end - minute.cpu_s) * 1000, 1),
                }
                for minute, end in zip(self._minutes.values(), ends, strict=True)
            ]
            return {
                "requests": self._requests,
                "in_flight": len(working),
                "oldest_ms": round((now - min(working)) * 1000) if working else 0,
                # What is still being worked on counts too, or a replica with one endless request would look idle.
                "busy_ms": round(self._busy_ms + sum(now - began for began in working) * 1000, 1),
                "cpu_ms": round(time.process_time() * 1000, 1),
                "memory_bytes": memory_bytes(),
                "at_ms": time.time_ns() // 1_000_000,
                "minutes": minutes,
            }

    def _minute(self) -> Minute:
        start = time.time_ns() // 1_000_000 // MINUTE_MS * MINUTE_MS
        minute = self._minutes.get(start)
        if minute is None:
            minute = self._minutes[start] = Minute(start, time.process_time())
            while len(self._minutes) > KEPT_MINUTES:
                self._minutes.popitem(last=False)
        return minute


def memory_bytes() -> int:
    """Give the resident memory of this process; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
