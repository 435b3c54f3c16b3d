"""Start and rest: seconds to the first page, memory (PSS of the whole tree) and CPU at rest, beside `mlflow server`."""

from __future__ import annotations

import argparse
import statistics
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
    time.sleep(10)
    started = server.weigh()
    time.sleep(rest_s)
    rested = server.weigh()
    percent = 100 * (rested.cpu_s - started.cpu_s) / rest_s
    return Round(ready, started.cpu_s, rested.pss_bytes / 1e6, percent, rested.processes)


def one(peer: Callable[[Path], tuple[list[str], str]], folder: Path, rest_s: float) -> Round:
    command, url = peer(folder)
    with running(command, url) as server:
        return measure(server, rest_s)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="script/bench idle")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rest", type=float, default=20, help="seconds at rest over which CPU is counted")
    options = parser.parse_args(arguments)
    rounds: dict[str, list[Round]] = {"studio": [], "mlflow server": []}
    with tempfile.TemporaryDirectory(prefix="studio-bench-") as scratch:
        Path(scratch).chmod(0o755)
        folders = {name: Path(scratch) / name.split()[0] for name in rounds}
        for name, peer in (("studio", studio), ("mlflow server", mlflow)):
            folders[name].mkdir()
            one(peer, folders[name], 1)  # the first start makes the databases and is not counted
        for _round in range(options.rounds):
            for name, peer in (("studio", studio), ("mlflow server", mlflow)):
                rounds[name].append(one(peer, folders[name], options.rest))
    report(rounds)


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
