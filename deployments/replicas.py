"""What is known of a revision's replicas from one look to the next: which are in rotation, how busy they are.

The rows are kept with the revision (`Deployment.seen`), so that any worker can go on from them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from deployments.drivers.base import Observed, ReplicaSeen

# One look may be lost to a busy machine; a second one in a row is a replica that does not answer.
MISSES = 2
MISSES_OF_THE_LAST = 4
Row = dict[str, Any]


def rows(seen: Observed, before: Iterable[Row], now_ms: int, max_concurrent: int) -> list[Row]:
    """Give a row a replica, going on from the rows of the last look."""
    known = {(row["name"], row.get("pid")): row for row in before}
    found = [_row(one, known.get((one.name, one.pid)), now_ms, max_concurrent) for one in seen.replicas]
    if not any(row["in_rotation"] for row in found):
        # With nobody to go to instead, a silent replica of a busy machine is better than none.
        for row in found:
            was_good = known.get((row["name"], row["pid"]), {}).get("in_rotation")
            row["in_rotation"] = bool(was_good and row["state"] == "unready" and row["misses"] < MISSES_OF_THE_LAST)
    return found


def in_rotation(seen: Observed, known: Iterable[Row], most: int) -> tuple[ReplicaSeen, ...]:
    """Give the replicas that requests are sent to: those that answer, or did until a moment ago."""
    good = {row["name"] for row in known if row["in_rotation"]}
    return tuple(one for one in seen.replicas if one.name in good and one.number < most)


def utilization(known: Iterable[Row]) -> float | None:
    """Give how busy the replicas in rotation are together, in per cent; None when it cannot be known yet."""
    values = [row["utilization"] for row in known if row["in_rotation"] and row.get("utilization") is not None]
    return sum(values) / len(values) if values else None


def needed(running: int, busy: float, target: int, least: int, most: int) -> int:
    """Give how many replicas would be as busy as wanted."""
    return max(least, min(most, math.ceil(running * busy / target - 1e-9)))


def is_stuck(row: Row, timeout_ms: int) -> bool:
    """Say whether a replica works on something far longer than it may: its thread will not come back."""
    return int(row.get("oldest_ms") or 0) > timeout_ms + 60_000


def _row(one: ReplicaSeen, before: Row | None, now_ms: int, max_concurrent: int) -> Row:
    status: Mapping[str, Any] = one.status or {}
    was_good = bool(before and before.get("in_rotation"))
    misses = 0 if one.state == "ready" else int((before or {}).get("misses", 0)) + 1
    is_same = before is not None and before["state"] == one.state
    row: Row = {
        "name": one.name,
        "state": one.state,
        "pid": one.pid,
        "limited_by": one.limited_by,
        "since_ms": before["since_ms"] if is_same and before else now_ms,
        "misses": misses,
        "in_rotation": one.state == "ready" or (one.state == "unready" and was_good and misses < MISSES),
    }
    if status:
        row |= {name: status.get(name, 0) for name in ("in_flight", "oldest_ms", "memory_bytes")}
        row |= _busyness(status, before or {}, max_concurrent)
    return row


def _busyness(status: Mapping[str, Any], before: Row, max_concurrent: int) -> Row:
    """Compare the time that requests spent since the last look with the time there was for them."""
    busy, at, cpu = (float(status.get(name, 0)) for name in ("busy_ms", "at_ms", "cpu_ms"))
    row: Row = {"busy_ms": busy, "at_ms": at, "cpu_ms": cpu}
    if "at_ms" in before and (span := at - before["at_ms"]) > 0:
        share = (busy - before["busy_ms"]) / (span * max(1, max_concurrent)) * 100
        row["utilization"] = round(min(1000.0, max(0.0, share)), 1)
        row["cpu_per_cent"] = round(max(0.0, cpu - before["cpu_ms"]) / span * 100, 1)
    return row
