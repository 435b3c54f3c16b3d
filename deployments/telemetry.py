"""What endpoints answered: kept by the minute, later by the hour; read as rates, errors and percentiles.

Replicas count (deployments/scoring/tally.py); whoever looks at them brings the totals of their minutes here. A minute's
totals are written over the same totals as they grow, so nothing is counted twice and a look that was missed is made up.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from deployments.models import Deployment, Endpoint, Traffic
from deployments.scoring.tally import BOUNDS_MS

MINUTE_MS, HOUR_MS = Traffic.MINUTE, Traffic.HOUR
MINUTES_KEPT_MS = 48 * HOUR_MS
HOURS_KEPT_MS = 400 * 24 * HOUR_MS
BUCKETS = len(BOUNDS_MS) + 1
COUNTS = ("ok", "refused", "failed", "sampled", "unsampled")
# A replica that an older studio started, and that outlived it, does not say these.
UNCOUNTED = {"sampled": 0, "unsampled": 0}

UPSERT = """
INSERT INTO deployments_traffic
       (deployment_id, replica, start_ms, span_ms, ok, refused, failed, sampled, unsampled, latency, spent_ms, cpu_ms,
        memory_bytes)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (deployment_id, start_ms, span_ms, replica) DO UPDATE
   SET ok = EXCLUDED.ok, refused = EXCLUDED.refused, failed = EXCLUDED.failed, latency = EXCLUDED.latency,
       sampled = EXCLUDED.sampled, unsampled = EXCLUDED.unsampled,
       spent_ms = EXCLUDED.spent_ms, cpu_ms = EXCLUDED.cpu_ms,
       memory_bytes = GREATEST(deployments_traffic.memory_bytes, EXCLUDED.memory_bytes)
"""


@dataclass(frozen=True)
class Slice:
    """Totals over one span of time."""

    start_ms: int
    span_ms: int
    ok: int = 0
    refused: int = 0
    failed: int = 0
    sampled: int = 0
    unsampled: int = 0
    latency: tuple[int, ...] = ()
    spent_ms: float = 0.0
    cpu_ms: float = 0.0
    memory_bytes: int = 0

    @property
    def requests(self) -> int:
        return self.ok + self.refused + self.failed

    @property
    def per_minute(self) -> float:
        return self.requests * MINUTE_MS / self.span_ms

    def percentile(self, share: float) -> float | None:
        return percentile(self.latency, share)


def keep(deployment: Deployment, replica: str, status: Mapping[str, Any], since_ms: int) -> None:
    """Write down what a replica says of its minutes, from the one on that was under way at `since_ms`."""
    found = [one for one in status.get("minutes", ()) if _is_sound(one)]
    minutes = [one for one in found if one["start_ms"] + MINUTE_MS >= since_ms]
    memory = int(status.get("memory_bytes", 0))
    with connection.cursor() as cursor:
        for one in minutes[-20:]:
            cursor.execute(UPSERT, [deployment.pk, replica[:80], *_values(one, memory)])


def _is_sound(minute: Any) -> bool:
    """Take only what a replica can mean: its process runs the model's author's code, who may have made this up."""
    if not isinstance(minute, dict) or not isinstance(minute.get("latency"), list):
        return False
    numbers = [(UNCOUNTED | minute).get(name) for name in ("start_ms", *COUNTS, "spent_ms", "cpu_ms")]
    counts = minute["latency"]
    return (
        all(isinstance(one, (int, float)) and 0 <= one < 1e15 for one in [*numbers, *counts])
        and len(counts) == BUCKETS
        and abs(minute["start_ms"] - time.time() * 1000) < HOUR_MS
    )


def _values(minute: dict[str, Any], memory_bytes: int) -> list[Any]:
    counts = [int(count) for count in minute["latency"]]
    whole = [int((UNCOUNTED | minute)[name]) for name in COUNTS]
    start = int(minute["start_ms"]) // MINUTE_MS * MINUTE_MS
    return [start, MINUTE_MS, *whole, json.dumps(counts), minute["spent_ms"], minute["cpu_ms"], max(0, memory_bytes)]


# ---- Reading --------------------------------------------------------------------------------------------------------


def percentile(latency: Sequence[int], share: float) -> float | None:
    """Give the time within which a share of the requests was answered, by straight line inside its bucket."""
    total = sum(latency)
    if not total:
        return None
    rank, below = share * total, 0
    for number, count in enumerate(latency):
        if count and below + count >= rank:
            low = BOUNDS_MS[number - 1] if number else 0.0
            high = BOUNDS_MS[number] if number < len(BOUNDS_MS) else BOUNDS_MS[-1]
            return round(low + (high - low) * (rank - below) / count, 2)
        below += count
    return BOUNDS_MS[-1]


def series(
    endpoint: Endpoint, since_ms: int, until_ms: int, revision: int | None = None, points: int = 240
) -> list[Slice]:
    """Give an endpoint's totals over time: at most so many spans, whole minutes each, empty ones among them."""
    minutes = max(1, -(-(until_ms - since_ms) // (MINUTE_MS * points)))
    span = minutes * MINUTE_MS
    found = Traffic.objects.filter(
        deployment__endpoint=endpoint, start_ms__gte=since_ms - HOUR_MS, start_ms__lt=until_ms
    )
    if revision is not None:
        found = found.filter(deployment__revision=revision)
    begin = since_ms // span * span
    groups: dict[int, list[Traffic]] = {}
    for row in found.order_by("start_ms"):
        start = row.start_ms // span * span
        if start >= begin:
            groups.setdefault(start, []).append(row)
    return [total(groups.get(start, ()), start, span) for start in range(begin, until_ms, span)]


def total(rows: Iterable[Traffic], start_ms: int, span_ms: int) -> Slice:
    """Add up what several replicas answered in several minutes; memory is the most seen of each, added up."""
    counts = dict.fromkeys(COUNTS, 0)
    spent = cpu = 0.0
    latency = [0] * BUCKETS
    memory: dict[str, int] = {}
    for row in rows:
        counts = {name: count + getattr(row, name) for name, count in counts.items()}
        spent, cpu = spent + row.spent_ms, cpu + row.cpu_ms
        latency = [a + b for a, b in zip(latency, row.latency, strict=True)]
        memory[row.replica] = max(memory.get(row.replica, 0), row.memory_bytes)
    return Slice(
        start_ms,
        span_ms,
        **counts,
        latency=tuple(latency),
        spent_ms=spent,
        cpu_ms=cpu,
        memory_bytes=sum(memory.values()),
    )


def together(slices: Sequence[Slice]) -> Slice:
    """Add up spans that follow each other."""
    latency = [sum(counts) for counts in zip(*(one.latency for one in slices), strict=True)]
    counts = {name: sum(getattr(one, name) for one in slices) for name in COUNTS}
    return Slice(slices[0].start_ms, sum(one.span_ms for one in slices), **counts, latency=tuple(latency))


def latest(endpoint_ids: Iterable[int], now_ms: int, minutes: int = 5) -> dict[int, Slice]:
    """Give the totals of the last minutes by endpoint; those that answered nothing are left out."""
    since = (now_ms // MINUTE_MS - minutes) * MINUTE_MS
    rows = Traffic.objects.filter(
        deployment__endpoint__in=list(endpoint_ids), span_ms=MINUTE_MS, start_ms__gte=since
    ).select_related("deployment")
    groups: dict[int, list[Traffic]] = {}
    for row in rows:
        groups.setdefault(row.deployment.endpoint_id, []).append(row)
    span = max(MINUTE_MS, now_ms - since)
    return {pk: total(group, since, span) for pk, group in groups.items()}


# ---- Growing old ----------------------------------------------------------------------------------------------------


def roll_up(now_ms: int, batch: int = 200) -> int:
    """Turn the minutes of hours long past into one row a revision and hour, and forget what is older still."""
    Traffic.objects.filter(span_ms=HOUR_MS, start_ms__lt=now_ms - HOURS_KEPT_MS).delete()
    horizon = (now_ms - MINUTES_KEPT_MS) // HOUR_MS * HOUR_MS
    old = Traffic.objects.filter(span_ms=MINUTE_MS, start_ms__lt=horizon)
    found = old.order_by("start_ms").values_list("deployment_id", "start_ms")[: batch * 60]
    hours = sorted({(pk, start // HOUR_MS * HOUR_MS) for pk, start in found})[:batch]
    for deployment_id, start in hours:
        _roll_up_hour(deployment_id, start)
    return len(hours)


@transaction.atomic
def _roll_up_hour(deployment_id: int, start: int) -> None:
    rows = Traffic.objects.filter(
        deployment_id=deployment_id, span_ms=MINUTE_MS, start_ms__gte=start, start_ms__lt=start + HOUR_MS
    )
    summed = total(rows, start, HOUR_MS)
    with connection.cursor() as cursor:
        counts = [*(getattr(summed, name) for name in COUNTS), json.dumps(list(summed.latency))]
        rest = [summed.spent_ms, summed.cpu_ms, summed.memory_bytes]
        cursor.execute(UPSERT, [deployment_id, "", start, HOUR_MS, *counts, *rest])
    rows.delete()
