"""What settings cost on the scoring path: two replicas of one model, one with them and one without, side by side.

Both are asked in the same seconds by as many clients, and share one processor, while the clients have the others: the
kernel hands it to and fro every few milliseconds, so that whatever else the machine does slows both alike. Processes of
one program differ by a few per cent as they happen to lie in memory, so the two change roles, A B B A, and several
pairs are started. A pair gives the geometric mean of the medians in both roles; what is said is the median of the
pairs, with the least and the most of them.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
from _load import loads
from _serving import started, studio
from processes import Server

# A replica reads its settings again within half a second of a change.
HEARD_S = 0.6
WARM_S = 0.4
# After this what waits to be written is written.
WRITTEN_S = 1.2
TIME = re.compile(rb'"time_ms":(\d+)')
Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Asking:
    """How it is asked: rows of a body, clients of each replica, pairs of replicas, slices of a role, their seconds."""

    rows: int
    clients: int
    pairs: int
    slices: int
    seconds: float


@dataclass(frozen=True)
class Slice:
    """What one replica did in a slice of time."""

    cpu_us: float
    per_second: float
    done: int


@dataclass(frozen=True)
class Role:
    """What two replicas did, slice by slice, and how many samples the first kept, which had more."""

    slices: list[tuple[Slice, Slice]]
    kept: int


@dataclass(frozen=True)
class Ratio:
    """The median of the pairs, the least and the most."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median - 1:+.1%} ({self.low - 1:+.1%} to {self.high - 1:+.1%})"


@dataclass(frozen=True)
class Overhead:
    """What is used and answered with the settings by what is without; CPU µs a request of both; the share kept."""

    cpu: Ratio
    rate: Ratio
    with_us: float
    without_us: float
    kept: float


@dataclass(frozen=True)
class Replica:
    """A server whose settings change while it runs."""

    server: Server
    url: str
    folder: Path

    def become(self, settings: Settings) -> None:
        text = json.dumps({"endpoint": "bench", "auth": "none", **settings})
        (self.folder / "settings.json").write_text(text)

    def cpu_s(self) -> float:
        """Give the CPU seconds of the process to the nanosecond: /proc counts in hundredths, a tenth of a short slice.

        A process's clock has the number that clock_getcpuclockid(3) makes of its id.
        """
        return time.clock_gettime(~self.server.process.pid << 3 | 2)

    def taken(self, since_ms: float) -> int:
        """Take the samples away, as a studio does, or the folder is full some day; count those of a time."""
        files = list(self.folder.glob("captured/*"))
        times = [int(found) for file in files for found in TIME.findall(file.read_bytes())]
        for file in files:
            file.unlink()
        return sum(one >= since_ms for one in times)


def overhead(folder: Path, model: str, more: Settings, less: Settings, asking: Asking) -> Overhead:
    """Compare a replica with `more` in its settings with one that has `less`."""
    with clients_apart() as core:
        found = [of_pair(folder, folder / model, core, more, less, asking) for _pair in range(asking.pairs)]
    roles = [role for pair in found for role in pair]
    every = [pair for role in roles for pair in role.slices]
    return Overhead(
        ratio([of_roles(pair, "cpu_us") for pair in found]),
        ratio([of_roles(pair, "per_second") for pair in found]),
        statistics.median(one.cpu_us for one, _other in every),
        statistics.median(other.cpu_us for _one, other in every),
        sum(role.kept for role in roles) / sum(one.done for one, _other in every),
    )


@contextmanager
def clients_apart() -> Iterator[int]:
    """Leave one processor to the replicas, and give its number; where there is but one, they share it."""
    every = os.sched_getaffinity(0)
    core = min(every)
    os.sched_setaffinity(0, every - {core} or every)
    try:
        yield core
    finally:
        os.sched_setaffinity(0, every)


def of_pair(folder: Path, model: Path, core: int, more: Settings, less: Settings, asking: Asking) -> list[Role]:
    """Start two replicas; give what they did while the first had more, then twice while the second had, then again."""
    with ExitStack() as stack:
        pair = [stack.enter_context(replica(name, model, folder, core)) for name in ("left", "right")]
        return [in_roles(pair[::step], more, less, asking) for step in (1, -1, -1, 1)]


@contextmanager
def replica(name: str, model: Path, folder: Path, core: int) -> Iterator[Replica]:
    peer = studio(name)
    with started(peer, model, folder) as (server, _ready_s):
        for thread in psutil.Process(server.process.pid).threads():
            os.sched_setaffinity(thread.id, {core})
        url = server.url.removesuffix(peer.health) + peer.path
        yield Replica(server, url, folder / f"{name}-{urlsplit(url).port}")


def in_roles(pair: Sequence[Replica], more: Settings, less: Settings, asking: Asking) -> Role:
    """Hand out the roles, and ask both; the first to be asked is now the one, now the other.

    Nothing rests between the slices: what may be kept in a second would be saved up.
    """
    for one, settings in zip(pair, (more, less), strict=True):
        one.become(settings)
    time.sleep(HEARD_S)
    body = studio().raw(asking.rows)
    side_by_side(pair, body, replace(asking, seconds=WARM_S))
    began_ms, slices = time.time() * 1000, []
    for number in range(asking.slices):
        step = -1 if number % 2 else 1
        one, other = side_by_side(pair[::step], body, asking)[::step]
        slices.append((one, other))
    time.sleep(WRITTEN_S)
    return Role(slices, pair[0].taken(began_ms))


def side_by_side(pair: Sequence[Replica], body: bytes, asking: Asking) -> list[Slice]:
    before = [one.cpu_s() for one in pair]
    seen = loads([one.url for one in pair], body, asking.clients, asking.seconds)
    spent = [one.cpu_s() - was for one, was in zip(pair, before, strict=True)]
    if failed := sum(one.failed for one in seen):
        raise RuntimeError(f"{failed} requests failed")
    return [Slice(used / load.done * 1e6, load.per_second, load.done) for used, load in zip(spent, seen, strict=True)]


def of_roles(roles: Sequence[Role], what: str) -> float:
    """Give the geometric mean of the medians while the first had more (the outer roles) and while the second had."""

    def median(of: Sequence[Role]) -> float:
        pairs = [pair for role in of for pair in role.slices]
        return statistics.median(getattr(one, what) / getattr(other, what) for one, other in pairs)

    return statistics.geometric_mean([median(roles[::3]), median(roles[1:3])])


def ratio(found: Sequence[float]) -> Ratio:
    return Ratio(statistics.median(found), min(found), max(found))
