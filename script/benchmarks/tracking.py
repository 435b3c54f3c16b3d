"""Tracking: the studio beside `mlflow server` on the same PostgreSQL, row by row, in turn.

    script/bench tracking [--quick] [--only GROUP,…] [--rounds N] [--seconds S] [ROW ...]

Both stand on one PostgreSQL with fsync on. The studio is asked through its gateway, with a token; MLflow directly, with
none. CPU is that of all the server's processes and the database's, for one call. A ratio above 1 is for the studio.
At the end stands the finished table: what was asked for, what was seen, and whether it holds.
"""

from __future__ import annotations

import argparse
import math
import os
import signal
import statistics
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import _calls as calls
import _fill as fill
from _clients import Call, Speed, run
from _peers import Peer, peers

INTERVAL = "/mlflow/metrics/get-history-bulk-interval?run_ids=RUN&metric_key=loss&max_results=320"
HISTORY = "/mlflow/metrics/get-history?run_id=RUN&metric_key=loss"
SEARCHES: dict[str, dict[str, object]] = {
    "first": {},
    "filter": {"filter": "metrics.m3 > 0.5 AND params.p5 = 'w3'"},
    "order": {"order_by": ["metrics.m3 DESC"]},
    "metric": {"filter": "metrics.m3 > 0.9"},
    "metrics": {"filter": "metrics.m3 < 0.1 AND metrics.m4 < 0.1"},
    "param": {"filter": "params.p5 = 'w3'"},
    "tag": {"filter": "tags.t1 = 'value 7'"},
}
BESIDE_MLFLOW = ("first", "filter", "order")
MOST_CPU_MS = 40  # of a page of 100 runs
SLOW_S, SLOWEST_S = 20.0, 60.0  # MLflow's calls that take longer are measured twice, or once, not five times
Fill = Callable[[Peer, int, str], None]


@dataclass(frozen=True)
class Row:
    """`scale` is points a call, for a rate in points; `needs` names what is read.

    Asked for: a `ratio` of rates, at most so many `cpu_ms` or `p50_ms` a call or `growth_mb` of a web process, at most
    `times` as long as the row `like`, or a rate of at least `part` of what raw COPY reaches.
    """

    name: str
    group: str
    call: Call
    clients: int = 1
    scale: int = 1
    needs: str = ""
    ratio: float | None = None
    cpu_ms: float | None = None
    p50_ms: float | None = None
    growth_mb: float | None = None
    like: tuple[str, float] | None = None
    part: float | None = None
    is_ours_alone: bool = False


@dataclass(frozen=True)
class Need:
    fill: Fill
    quick: int
    full: int
    is_ours_alone: bool = False


NEEDS = {
    "runs": Need(fill.runs, 1_000, 10_000),
    "many runs": Need(fill.runs, 5_000, 100_000, is_ours_alone=True),
    "models": Need(fill.models, 500, 5_000),
    "file": Need(fill.file, 1, 1),
    "series": Need(fill.series, 50_000, 1_000_000),
}


def page(name: str, **fields: object) -> Row:
    """Make a row of a search over 10,000 runs, beside MLflow."""
    call = calls.search("runs", **fields)  # type: ignore[arg-type]
    return Row(name, "search", call, needs="runs", ratio=8, cpu_ms=MOST_CPU_MS)


def growing() -> list[Row]:
    """Make rows of the searches over 100,000 runs, with those over 10,000 to which they are held.

    Each is named for what it asks; those that `page` asks of both servers are not asked here once more.
    """
    found = []
    for name, asked in SEARCHES.items():
        if name not in BESIDE_MLFLOW:
            call = calls.search("runs", **asked)
            found.append(Row(f"search-{name}", "many", call, needs="runs", cpu_ms=MOST_CPU_MS, is_ours_alone=True))
        like = (f"search-{name}", 1.5)
        call = calls.search("many runs", **asked)
        found.append(Row(f"search-{name}-100k", "many", call, needs="many runs", like=like, is_ours_alone=True))
    return found


ROWS = [
    Row("log-metric-1", "log", calls.log_metric, ratio=3),
    Row("log-metric-8", "log", calls.log_metric, 8, ratio=4),
    Row("log-metric-plain", "log", calls.log_metric_plainly, p50_ms=6),
    Row("run-cycle-8", "log", calls.run_cycle, 8, ratio=4),
    Row("raw-copy", "log", calls.batch(10, 100), 1, 1000, is_ours_alone=True),
    Row("log-batch-1", "log", calls.batch(10, 100), 1, 1000, ratio=5, part=0.5),
    Row("log-batch-8", "log", calls.batch(10, 100), 8, 1000, ratio=5),
    Row("log-batch-keys-1", "log", calls.batch(1000, 1), 1, 1000),
    *(page(f"search-{name}", **SEARCHES[name]) for name in BESIDE_MLFLOW),
    page("search-page-50", page=50),
    *growing(),
    Row("registry-first", "registry", calls.models(""), needs="models", ratio=4),
    Row("registry-filter", "registry", calls.models("name LIKE 'bench %7'"), needs="models", ratio=4),
    Row("bulk-interval", "history", calls.history(INTERVAL), needs="series", ratio=50),
    Row("get-history", "history", calls.history(HISTORY), needs="series", ratio=8, growth_mb=200),
    Row("artifact-up", "artifacts", calls.upload, ratio=1),
    Row("artifact-down", "artifacts", calls.download, needs="file", ratio=2),
]
GROUPS = sorted({row.group for row in ROWS})


# ---- Measuring ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    speed: Speed
    cpu_ms: float
    growth_mb: float = 0.0


@dataclass
class Found:
    """What the rounds of a row gave, by the server's name."""

    row: Row
    rounds: dict[str, list[Measured]] = field(default_factory=dict)

    def median(self, peer: str, of: Callable[[Measured], float]) -> float | None:
        return statistics.median(map(of, self.rounds[peer])) if self.rounds.get(peer) else None

    def rate(self, peer: str) -> float | None:
        found = self.median(peer, lambda one: one.speed.rate)
        return None if found is None else found * self.row.scale

    def p50(self, peer: str) -> float | None:
        return self.median(peer, lambda one: one.speed.p50_ms)

    def cpu(self, peer: str) -> float | None:
        return self.median(peer, lambda one: one.cpu_ms)

    def growth(self, peer: str) -> float | None:
        return max((one.growth_mb for one in self.rounds.get(peer, [])), default=None)


def measure(peer: Peer, row: Row, seconds: float) -> Measured:
    if row.name == "raw-copy":
        return Measured(copy(peer, seconds), 0.0)
    peer.note_memory()
    before = peer.cpu_s()
    speed = run(peer.url, peer.token, row.call, row.clients, seconds)
    return Measured(speed, (peer.cpu_s() - before) * 1000 / max(speed.calls, 1), peer.growth_mb())


def copy(peer: Peer, seconds: float) -> Speed:
    """COPY batches of 10 × 100 points into one table with a key, a transaction each: what the database can do."""
    import io

    import psycopg2

    text, connection = calls.rows(10, 100), psycopg2.connect(peer.database)
    times: list[float] = []
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_points")
        cursor.execute(
            "CREATE TABLE bench_points (run text, key text, ms bigint, step bigint, value float8,"
            " PRIMARY KEY (run, key, ms, step, value))"
        )
        connection.commit()
        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            started = time.perf_counter()
            cursor.copy_expert("COPY bench_points FROM STDIN", io.BytesIO(calls.dated(text, len(times))))
            connection.commit()
            times.append(time.perf_counter() - started)
        took = time.perf_counter() - began
        cursor.execute("DROP TABLE bench_points")
        connection.commit()
    connection.close()
    return Speed(len(times) / took, statistics.median(times) * 1000, len(times))


def enough(first: Measured) -> float:
    """Say how many rounds a row gets at most, by how long a call took in the first."""
    call_s = first.speed.p50_ms / 1000
    return 1 if call_s > SLOWEST_S else 2 if call_s > SLOW_S else math.inf


def compare(row: Row, both: list[Peer], rounds: int, seconds: float) -> Found:
    found = Found(row, {peer.name: [] for peer in both})
    for number in range(rounds):
        for peer in both if number % 2 else reversed(both):
            known = found.rounds[peer.name]
            if len(known) < (enough(known[0]) if known and peer.name == "mlflow" else rounds):
                known.append(measure(peer, row, seconds))
    return found


# ---- What is asked for ----------------------------------------------------------------------------------------------


def quotient(above: float | None, below: float | None) -> float | None:
    return above / below if above is not None and below else None


def checks(found: Found, others: dict[str, Found]) -> list[tuple[str, str, bool | None]]:
    """Say what was asked of a row, what was seen, and whether that holds (None when it was not measured)."""
    row = found.row
    said: list[tuple[str, str, bool | None]] = []

    def check(asked: str, seen: float | None, holds: Callable[[float], bool], unit: str) -> None:
        said.append((asked, "–" if seen is None else f"{seen:,.3g}{unit}", None if seen is None else holds(seen)))

    if row.ratio is not None:
        wanted = row.ratio
        check(
            f"≥ {wanted:g} ×", quotient(found.rate("studio"), found.rate("mlflow")), lambda seen: seen >= wanted, " ×"
        )
    if row.cpu_ms is not None:
        most_cpu = row.cpu_ms
        check(f"≤ {most_cpu:g} ms CPU", found.cpu("studio"), lambda seen: seen <= most_cpu, " ms")
    if row.p50_ms is not None:
        most_ms = row.p50_ms
        check(f"p50 < {most_ms:g} ms", found.p50("studio"), lambda seen: seen < most_ms, " ms")
    if row.growth_mb is not None:
        most_mb = row.growth_mb
        check(f"memory + < {most_mb:g} MB", found.growth("studio"), lambda seen: seen < most_mb, " MB")
    if row.like is not None:
        name, times = row.like
        other = others[name].p50("studio") if name in others else None
        check(f"≤ {times:g} × {name}", quotient(found.p50("studio"), other), lambda seen: seen <= times, " ×")
    if row.part is not None:
        part = row.part
        raw = others["raw-copy"].rate("studio") if "raw-copy" in others else None
        check(f"≥ {part:g} of raw COPY", quotient(found.rate("studio"), raw), lambda seen: seen >= part, " ×")
    return said


def number(value: float | None, form: str = ",.1f") -> str:
    return "–" if value is None else format(value, form)


def line(found: Found) -> str:
    ours, theirs = found.cpu("studio"), found.cpu("mlflow")
    rates = found.rate("studio"), found.rate("mlflow")
    cells = [
        number(rates[0]),
        number(rates[1]),
        number(quotient(*rates)),
        number(found.p50("studio")),
        number(found.p50("mlflow")),
        number(ours, ".2f"),
        number(theirs, ".2f"),
        number(quotient(theirs, ours)),
    ]
    failed = {peer: sum(one.speed.failures for one in rounds) for peer, rounds in found.rounds.items()}
    said = "".join(f" ({count} of {peer}'s calls failed)" for peer, count in failed.items() if count)
    return f"| {found.row.name}{said} | {' | '.join(cells)} |"


HEAD = """
| row | studio, /s | MLflow, /s | ratio | studio p50, ms | MLflow | studio CPU, ms | MLflow | ratio |
|---|--:|--:|--:|--:|--:|--:|--:|--:|"""
MARKS = {True: "yes", False: "**no**", None: "not measured"}


def report(all_found: dict[str, Found], about: str) -> None:
    print(f"\n{about}\n{HEAD}")
    for found in all_found.values():
        print(line(found))
    print("\n| row | asked | seen | holds |\n|---|---|---|---|")
    for found in all_found.values():
        for asked, seen, holds in checks(found, all_found):
            print(f"| {found.row.name} | {asked} | {seen} | {MARKS[holds]} |")


# ---- The whole ------------------------------------------------------------------------------------------------------


def main(arguments: list[str]) -> None:
    options = parsed(arguments)
    # A benchmark that is told to stop stops its servers too.
    signal.signal(signal.SIGTERM, lambda *_about: sys.exit(143))
    wanted = set((options.only or "").split(",")) - {""}
    rows = [row for row in ROWS if (row.name in options.rows or row.group in wanted) or not (options.rows or wanted)]
    if not rows:
        raise SystemExit(f"No such rows. Groups: {', '.join(GROUPS)}")
    rounds, seconds = (1, 2.0) if options.quick else (options.rounds, options.seconds)
    sizes = (
        "little data, from which no growth can be read"
        if options.quick
        else "10,000 runs, 100,000 runs, 1,000,000 points, 5,000 models"
    )
    about = f"Load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors at the start; medians of {rounds} rounds of "
    about += f"{seconds:g} s; {sizes}."
    all_found: dict[str, Found] = {}
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="studio-bench-") as scratch:
        Path(scratch).chmod(0o755)
        with peers(Path(scratch), options.attach, with_mlflow=not options.alone) as both:
            for peer in both:  # what is imported or connected at the first calls is no row's cost
                run(peer.url, peer.token, calls.log_metric, 4, 3.0)
            try:
                for row in rows:
                    measure_row(row, both, rounds, seconds, all_found, is_quick=options.quick)
            finally:
                report(all_found, f"{about} In all {(time.monotonic() - began) / 60:.0f} minutes.")


def parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/bench tracking", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(row.name for row in ROWS))
    parser.add_argument("--only", help=f"groups of rows: {', '.join(GROUPS)}")
    parser.add_argument("--quick", action="store_true", help="one short round on little data")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of one row, peer and round")
    parser.add_argument("--attach", type=Path, help="the home of a studio that runs, instead of one of its own")
    parser.add_argument("--alone", action="store_true", help="the studio without MLflow's server")
    return parser.parse_args(arguments)


def measure_row(
    row: Row, both: list[Peer], rounds: int, seconds: float, all_found: dict[str, Found], *, is_quick: bool
) -> None:
    """Measure one row; what fails is said and left out, the others go on."""
    its_peers = [peer for peer in both if peer.name == "studio" or not row.is_ours_alone]
    try:
        if row.needs:
            for peer in both if not NEEDS[row.needs].is_ours_alone else its_peers:
                ensure(peer, row.needs, is_quick=is_quick)
        all_found[row.name] = compare(row, its_peers, rounds, seconds)
        print(line(all_found[row.name]), flush=True)
    except Exception:  # noqa: BLE001  hours of measuring are not lost for one row
        traceback.print_exc()
        print(f"{row.name}: not measured", flush=True)


def ensure(peer: Peer, need: str, *, is_quick: bool) -> None:
    if need in peer.ids:
        return
    wanted = NEEDS[need]
    count, began = wanted.quick if is_quick else wanted.full, time.monotonic()
    wanted.fill(peer, count, need)
    calls.IDS[peer.port] = peer.ids
    print(f"{need}: {count} for {peer.name} in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
