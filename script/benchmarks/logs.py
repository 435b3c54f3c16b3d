"""A job's output: how late lines are seen, and what runner and web hold, at 10,000 lines a second.

    script/bench logs [--rate 10000] [--seconds 20] [--home FOLDER of a studio that runs]

Lag is the age of a line when the answer with it came, by the clock of this machine, of lines spread over each answer.
The reader asks for the next piece at once while there is more, and else as often as the page does. Memory is the most
that was seen (resident).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
from processes import free_port, running

ROOT = Path(__file__).resolve().parents[2]
EVERY_S = 1.0  # as the page asks
FULL = 200_000
WIDTH = 60
SAMPLED = 100

SPEAK = """
import sys, time
rate, seconds = {rate}, {seconds}
said, began = 0, time.time()
while (past := time.time() - began) < seconds:
    due = int(past * rate)
    sys.stdout.write("".join(f"at {{time.time():.3f}} {{n:0{width}d}}\\n" for n in range(said, due)))
    sys.stdout.flush()
    said = due
    time.sleep(0.02)
print("said", said)
"""


@dataclass
class Seen:
    """What a reader saw of the log, and the most memory that the processes held meanwhile, in bytes."""

    late: list[float] = field(default_factory=list)
    size_bytes: int = 0
    lines: int = 0
    runner: int = 0
    web: int = 0


@contextmanager
def studio(home: str | None) -> Iterator[Path]:
    """Give the home of a studio that runs: the one that is named, or one of its own."""
    if home:
        yield Path(home)
        return
    with tempfile.TemporaryDirectory(prefix="studio-bench-") as scratch:
        Path(scratch).chmod(0o755)
        port = free_port()
        command = [str(ROOT / "script/run"), "--home", f"{scratch}/home", "--port", str(port)]
        url = f"http://127.0.0.1:{port}/health"
        with running(command, url, {"STUDIO_PREPARE_SAMPLE": "false"}) as server:
            server.wait_ready()
            server.settle()
            yield Path(scratch) / "home"


def client_of(home: Path) -> httpx.Client:
    lines = (home / "client.env").read_text().splitlines()
    env = dict(line.split("=", 1) for line in lines if "=" in line)
    headers = {"Authorization": f"Bearer {env['STUDIO_TOKEN']}"}
    return httpx.Client(base_url=f"{env['STUDIO_URL']}/w/main/api/v1", headers=headers, timeout=60, trust_env=False)


def most(processes: Iterator[psutil.Process]) -> int:
    total = 0
    for process in processes:
        with suppress(psutil.Error):
            total += process.memory_info().rss
    return total


def runner_of(run_id: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            words = process.cmdline()
            if "compute.node.runner" in words and run_id in words[-1]:
                yield process


def web_of(home: Path) -> Iterator[psutil.Process]:
    parts = json.loads((home / "run/parts.json").read_text())["parts"]
    top = psutil.Process(int(parts["web"]["pid"]))
    yield top
    yield from top.children(recursive=True)


def follow(http: httpx.Client, home: Path, run_id: str) -> Seen:
    """Read the log as a page does until its end."""
    seen, offset, weighed = Seen(), 0, 0.0
    while True:
        piece = http.get(f"/jobs/{run_id}/logs/std", params={"offset": offset}).json()
        now = time.time()
        stamped = [line for line in piece["text"].splitlines() if line.startswith("at ") and line.count(" ") == 2]
        seen.late += [now - float(line.split()[1]) for line in stamped[:: max(1, len(stamped) // SAMPLED)]]
        seen.lines += piece["text"].count("\n")
        seen.size_bytes = offset = piece["offset"]
        if now - weighed > 1:
            weighed = now
            seen.runner = max(seen.runner, most(runner_of(run_id)))
            seen.web = max(seen.web, most(web_of(home)))
        if piece["final"]:
            return seen
        time.sleep(0 if len(piece["text"]) >= FULL else EVERY_S)


def measure(home: Path, rate: int, seconds: int) -> Seen:
    with client_of(home) as http:
        script = SPEAK.format(rate=rate, seconds=seconds, width=WIDTH)
        body = {"experiment": "bench-logs", "files": {"train.py": script}, "command": ["python", "train.py"]}
        answer = http.post("/jobs", json={**body, "environment": {"packages": []}})
        answer.raise_for_status()
        return follow(http, home, answer.json()["run_id"])


def report(rate: int, seen: Seen) -> None:
    late = sorted(seen.late)
    print(
        f"{rate:>7,} lines/s  {seen.lines:>9,} lines {seen.size_bytes / 1e6:>7.1f} MB  lag p50 "
        f"{statistics.median(late):.2f} s  p95 {late[max(0, int(len(late) * 0.95) - 1)]:.2f} s  most {late[-1]:.2f} s  "
        f"runner {seen.runner / 1e6:.0f} MB  web {seen.web / 1e6:.0f} MB"
    )


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="script/bench logs")
    parser.add_argument("--rate", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--home", default=os.environ.get("STUDIO_LIVE_HOME"))
    options = parser.parse_args(arguments)
    with studio(options.home) as home:
        for rate in dict.fromkeys((10, options.rate)):
            report(rate, measure(home, rate, options.seconds))
            sys.stdout.flush()
