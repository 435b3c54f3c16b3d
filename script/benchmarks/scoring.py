"""Scoring: requests and CPU a request, beside `mlflow models serve`, MLServer and a bare predict on the same server."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from _load import load
from _overhead import Asking, overhead
from _serving import PYTHON, Peer, bare, installed_mlserver, mlflow, mlserver, started, studio, train
from processes import Server

CLIENTS = (1, 8, 32)
ROWS = (1, 1000)
WARM_S = 0.3
COLD = "import sklearn.linear_model, pickle, sys; pickle.load(open(sys.argv[1] + '/model.pkl', 'rb'))"
GB = 1e9


@dataclass(frozen=True)
class Case:
    model: str
    rows: int
    clients: int

    def __str__(self) -> str:
        return f"{self.rows} × 10, {self.clients} client{'s' if self.clients > 1 else ''}"


@dataclass(frozen=True)
class Figure:
    """What one server did; of several rounds the medians, but CPU, requests and failures in all."""

    per_second: float
    cpu_s: float
    p50_ms: float
    p99_ms: float
    done: int
    failed: int

    @property
    def cpu_us(self) -> float:
        return self.cpu_s / self.done * 1e6


@dataclass(frozen=True)
class Row:
    """A sentence of what was asked, with what was seen."""

    what: str
    asked: str
    seen: str
    holds: bool | None

    def __str__(self) -> str:
        mark = "not measured" if self.holds is None else "yes" if self.holds else "**no**"
        return f"| {self.what} | {self.asked} | {self.seen} | {mark} |"


Figures = dict[tuple[str, Case], Figure]


@dataclass(frozen=True)
class Plan:
    seconds: float
    rounds: int
    clients: tuple[int, ...]
    models: tuple[str, ...]
    pairs: int


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="script/bench scoring")
    parser.add_argument("--seconds", type=float, default=1.2, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="in which the servers take turns")
    parser.add_argument("--pairs", type=int, default=4, help="of replicas, with telemetry and without")
    parser.add_argument("--models", nargs="+", default=["ridge", "forest"], choices=["ridge", "forest"])
    parser.add_argument("--only", nargs="+", default=list(PARTS), choices=list(PARTS), help="some of the comparisons")
    parser.add_argument("--quick", action="store_true", help="one short round with 1 and 8 clients")
    options = parser.parse_args(arguments)
    plan = Plan(options.seconds, options.rounds, CLIENTS, tuple(options.models), options.pairs)
    if options.quick:
        plan = Plan(0.7, 1, (1, 8), plan.models, 1)
    began, rows = time.monotonic(), list[Row]()
    with tempfile.TemporaryDirectory(prefix="scoring-") as name:
        train(Path(name))
        for part in options.only:
            rows += PARTS[part](Path(name), plan)
    print(f"\n{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; {plan.rounds} rounds of {plan.seconds} s; "
          f"{time.monotonic() - began:.0f} s in all\n")  # fmt: skip
    print_table(("", "asked", "seen", "holds"), [str(row) for row in rows])


def beside_others(folder: Path, plan: Plan) -> list[Row]:
    """Compare with the other servers."""
    python, figures, rows = installed_mlserver(), Figures(), list[Row]()
    if isinstance(python, str):
        print(python)
    found = [studio(), bare(), mlflow(), *([mlserver(python)] if isinstance(python, Path) else [])]
    for model in plan.models:
        figures |= compare(model, found, folder, plan)
        rows += judged(figures, model, plan)
    return rows


def measure(server: Server, peer: Peer, rows: int, clients: int, seconds: float) -> Figure:
    before = server.spent()
    seen = load(server.url.removesuffix(peer.health) + peer.path, peer.raw(rows), clients, seconds)
    return Figure(seen.per_second, server.spent() - before, seen.p50_ms, seen.p99_ms, seen.done, seen.failed)


def together(figures: Iterable[Figure]) -> Figure:
    found = list(figures)

    def of(value: Callable[[Figure], float]) -> float:
        return statistics.median(map(value, found))

    return Figure(
        of(lambda one: one.per_second),
        sum(one.cpu_s for one in found),
        of(lambda one: one.p50_ms),
        of(lambda one: one.p99_ms),
        sum(one.done for one in found),
        sum(one.failed for one in found),
    )


def in_turn(peers: list[Peer], cases: list[Case], folder: Path, plan: Plan) -> Figures:
    """Start all peers for one model, and measure them in turn, so that a busy minute is everybody's."""
    found: dict[tuple[str, Case], list[Figure]] = {}
    with ExitStack() as stack:
        servers = [(peer, stack.enter_context(started(peer, folder / cases[0].model, folder))[0]) for peer in peers]
        for case in cases:
            for peer, server in servers:
                measure(server, peer, case.rows, min(2, case.clients), WARM_S)
            for _round in range(plan.rounds):
                for peer, server in servers:
                    figure = measure(server, peer, case.rows, case.clients, plan.seconds)
                    found.setdefault((peer.name, case), []).append(figure)
    return {key: together(figures) for key, figures in found.items()}


def compare(model: str, peers: list[Peer], folder: Path, plan: Plan) -> Figures:
    cases = [Case(model, rows, clients) for rows in ROWS for clients in plan.clients]
    figures = in_turn(peers, cases, folder, plan)
    heads = ("body, clients", "server", "requests/s", "CPU µs a request", "p50 ms", "p99 ms", "failed")
    lines = [
        f"| {case} | {peer.name} | {one.per_second:,.0f} | {one.cpu_us:,.0f} | {one.p50_ms:.1f} | {one.p99_ms:.1f} "
        f"| {one.failed} |"
        for case in cases
        for peer in peers
        for one in [figures[peer.name, case]]
    ]
    print(f"\n{model}\n")
    print_table(heads, lines)
    return figures


def judged(figures: Figures, model: str, plan: Plan) -> list[Row]:
    """Hold a model's figures to what was asked of them; what is seen is the worst of all bodies and clients."""
    title = model.capitalize()
    asked = {
        "ridge": [("mlflow", "rate", 5.0), ("mlflow", "cpu", 5.0), ("mlserver", "rate", 1.0), ("bare", "rate", 0.5)],
        "forest": [("mlflow", "rate", 1.5), ("mlserver", "rate", 1.0), ("bare", "rate", 0.5)],
    }
    found = []
    for peer, what, least in asked[model]:
        words = f"{title}: {'requests/s' if what == 'rate' else 'CPU a request'} beside {peer}"
        ratios = [
            (ratio(figures, what, peer, case), case)
            for rows in ROWS
            for clients in plan.clients
            for case in [Case(model, rows, clients)]
            if (peer, case) in figures
        ]
        if not ratios:
            found.append(Row(words, f"≥ {least:g} ×", "not there", None))
            continue
        worst, case = min(ratios, key=lambda one: one[0])
        best = max(value for value, _case in ratios)
        found.append(Row(words, f"≥ {least:g} ×", f"{worst:.2f} × ({case}) to {best:.2f} ×", worst >= least))
    failed = sum(one.failed for (name, case), one in figures.items() if name == "studio" and case.model == model)
    return [*found, Row(f"{title}: failed requests", "0", str(failed), failed == 0)]


def ratio(figures: Figures, what: str, peer: str, case: Case) -> float:
    ours, theirs = figures["studio", case], figures[peer, case]
    return ours.per_second / theirs.per_second if what == "rate" else theirs.cpu_us / ours.cpu_us


def merging(folder: Path, plan: Plan) -> list[Row]:
    """Ask a forest with and without merging: it wins under load, and one client alone waits no longer."""
    peers = [studio("merged"), studio("one by one", merges_requests=False)]
    crowd = max(plan.clients)
    cases = [Case("forest", 1, crowd), Case("forest", 1, 1), Case("forest", 1000, crowd)]
    figures = in_turn(peers, cases, folder, finer(plan))
    rates = [figures["merged", case].per_second / figures["one by one", case].per_second for case in cases]
    waits = [figures["merged", case].p50_ms / figures["one by one", case].p50_ms for case in cases]
    words = "Forest, requests merged or not"
    return [
        Row(f"{words}: requests/s, {cases[0]}", "> 1 ×", f"{rates[0]:.2f} ×", rates[0] > 1),
        Row(f"{words}: median wait, {cases[0]}", "≤ 1 ×", f"{waits[0]:.2f} ×", waits[0] <= 1),
        *(
            Row(f"{words}: median wait, {case}", "≤ 1.05 ×", f"{wait:.2f} ×", wait <= 1.05)
            for case, wait in zip(cases[1:], waits[1:], strict=True)
        ),
    ]


def finer(plan: Plan) -> Plan:
    """Take more and shorter turns, for differences that are small."""
    return replace(plan, seconds=plan.seconds / 2, rounds=plan.rounds * 4)


def telemetry(folder: Path, plan: Plan) -> list[Row]:
    """Compare CPU and requests/s with telemetry and a sample of a tenth against neither."""
    found = []
    for rows in ROWS:
        asking = Asking(rows, 8, plan.pairs, slices=8, seconds=0.3)
        seen = overhead(folder, "ridge", {"collects_data": True}, {"has_telemetry": False}, asking)
        what = f"Ridge, telemetry and capture, {Case('ridge', rows, asking.clients)}"
        words = f"{seen.cpu}, {seen.with_us:,.0f} µs beside {seen.without_us:,.0f} µs"
        found += [
            Row(f"{what}: CPU a request", "< +5 %", words, seen.cpu.median < 1.05),
            Row(f"{what}: requests/s", "> -5 %", f"{seen.rate}, {seen.kept:.1%} kept", seen.rate.median > 0.95),
        ]
    return found


def cold(folder: Path, plan: Plan) -> list[Row]:
    """Compare the seconds to the first 200 with those of importing scikit-learn and loading the model."""
    model, peer = folder / "ridge", studio("cold")
    alone, ours, weights = [], [], []
    for _round in range(plan.rounds):
        began = time.monotonic()
        subprocess.run([PYTHON, "-c", COLD, str(model)], check=True)
        alone.append(time.monotonic() - began)
        with started(peer, model, folder) as (server, ready_s):
            ours.append(ready_s)
            weights.append(server.weigh().pss_bytes)
    more, held = statistics.median(ours) - statistics.median(alone), max(weights)
    words = f"{more:+.2f} s ({statistics.median(ours):.2f} s beside {statistics.median(alone):.2f} s)"
    return [
        Row("Cold start to the first 200, above import and load", "≤ 1.5 s", words, more <= 1.5),
        Row("Memory then", "≤ 0.5 GB", f"{held / GB:.2f} GB", held <= GB / 2),
    ]


def print_table(heads: tuple[str, ...], lines: list[str]) -> None:
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    print("\n".join(lines), flush=True)


PARTS: dict[str, Callable[[Path, Plan], list[Row]]] = {
    "peers": beside_others,
    "merging": merging,
    "telemetry": telemetry,
    "cold": cold,
}
