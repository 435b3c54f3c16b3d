"""Start and rest: seconds to the first page, memory (PSS of the whole tree) and CPU at rest, beside `mlflow server`."""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from processes import Server, free_port, running

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / ".venv" / "bin"


@dataclass(frozen=True)
class Round:
    start_s: float
    start_cpu_s: float
    pss_mb: float
    idle_cpu_percent: float
    processes: int


def studio(folder: Path) -> tuple[list[str], str]:
    port = free_port()
    command = [str(ROOT / "script" / "run"), "--home", str(folder / "home"), "--port", str(port)]
    return command, f"http://127.0.0.1:{port}/sign-in/"


def mlflow(folder: Path) -> tuple[list[str], str]:
    port = free_port()
    store = f"sqlite:///{folder / 'mlflow.db'}"
    files = str(folder / "files")
    command = [str(BIN / "mlflow"), "server", "--backend-store-uri", store, "--artifacts-destination", files]
    return [*command, "--host", "127.0.0.1", "--port", str(port)], f"http://127.0.0.1:{port}/"


def measure(server: Server, rest_s: float) -> Round:
    ready = server.wait_ready()
    # What starts beside the first page (workers, beat) is part of the start: its CPU counts, its memory is settled.
    if not server.settle():
        print("  (not at rest within half a minute: is something else running?)", file=sys.stderr)
    started = server.weigh()
    time.sleep(rest_s)
    rested = server.weigh()
    percent = 100 * (rested.cpu_s - started.cpu_s) / rest_s
    return Round(ready, started.cpu_s, rested.pss_bytes / 1e6, percent, rested.processes)


def one(peer: Callable[[Path], tuple[list[str], str]], folder: Path, rest_s: float) -> Round:
    command, url = peer(folder)
    # The sample's packages belong to the installation, not to the start.
    with running(command, url, {"STUDIO_PREPARE_SAMPLE": "false"}) as server:
        return measure(server, rest_s)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="script/bench idle")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rest", type=float, default=12, help="seconds at rest over which CPU is counted")
    options = parser.parse_args(arguments)
    peers = {"studio": studio, "mlflow server": mlflow}
    rounds: dict[str, list[Round]] = {name: [] for name in peers}
    with tempfile.TemporaryDirectory(prefix="studio-bench-") as scratch:
        Path(scratch).chmod(0o755)
        folders = {name: Path(scratch) / name.split()[0] for name in rounds}
        for name, peer in peers.items():
            folders[name].mkdir()
            first(peer, folders[name])
        for number in range(1, options.rounds + 1):
            for name, peer in peers.items():
                found = one(peer, folders[name], options.rest)
                rounds[name].append(found)
                print(f"  round {number} {name:14} {told(found)}", file=sys.stderr, flush=True)
    report(rounds)


def first(peer: Callable[[Path], tuple[list[str], str]], folder: Path) -> None:
    """Start it once, which makes the databases and is not counted."""
    command, url = peer(folder)
    with running(command, url, {"STUDIO_PREPARE_SAMPLE": "false"}) as server:
        server.wait_ready()
        server.settle()


def told(found: Round) -> str:
    return f"page {found.start_s:.2f} s, start {found.start_cpu_s:.1f} s CPU, rest {found.pss_mb:.0f} MB PSS"


def report(rounds: dict[str, list[Round]]) -> None:
    print(f"medians of {len(rounds['studio'])} rounds, one after the other in turn")
    print(f"{'':28}{'studio':>12}{'mlflow':>12}{'ratio':>8}")
    for label, field in (
        ("first page after (s)", "start_s"),
        ("CPU of the start (s)", "start_cpu_s"),
        ("memory at rest (MB PSS)", "pss_mb"),
        ("CPU at rest (% of a core)", "idle_cpu_percent"),
        ("processes", "processes"),
    ):
        ours, theirs = (statistics.median(getattr(one, field) for one in rows) for rows in rounds.values())
        print(f"{label:28}{ours:12.2f}{theirs:12.2f}{ours / theirs if theirs else float('nan'):8.2f}")
