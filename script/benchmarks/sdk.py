"""What `import azureml.core` costs in a fresh interpreter: seconds, CPU, modules, beside `import mlflow`."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "sdk" / "src"
ASKED_S = 0.5
IMPORTS = {"nothing": "pass", "azureml.core": "import azureml.core", "mlflow": "import mlflow"}
CODE = """
import json, sys, time
wall, cpu, before = time.perf_counter(), time.process_time(), len(sys.modules)
{statement}
print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu, len(sys.modules) - before]))
"""


@dataclass(frozen=True)
class Import:
    wall_s: float
    cpu_s: float
    modules: int
    process_s: float


def measure(statement: str) -> Import:
    """Run one statement in an interpreter of its own; `process_s` counts its start and end too."""
    env = {**os.environ, "PYTHONPATH": str(SOURCE)}
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(statement=statement)], env=env, capture_output=True, text=True, check=True
    )
    return Import(*json.loads(done.stdout), time.perf_counter() - began)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="script/bench sdk")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args(arguments)
    for statement in IMPORTS.values():
        measure(statement)  # compiles what was never imported
    rounds = {name: [] for name in IMPORTS}
    for _round in range(options.rounds):
        for name, statement in IMPORTS.items():
            rounds[name].append(measure(statement))
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors; medians of {options.rounds} rounds in turn")
    print(f"{'import':16}{'s':>8}{'CPU s':>8}{'modules':>9}{'process s':>11}")
    for name, rows in rounds.items():
        wall, cpu, modules, process = (
            statistics.median(getattr(one, field) for one in rows)
            for field in ("wall_s", "cpu_s", "modules", "process_s")
        )
        print(f"{name:16}{wall:8.3f}{cpu:8.3f}{modules:9.0f}{process:11.3f}")
    seen = statistics.median(one.wall_s for one in rounds["azureml.core"])
    print(f"import azureml.core in {seen:.3f} s: {'below' if seen < ASKED_S else 'NOT below'} {ASKED_S} s")
