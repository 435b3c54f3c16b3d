"""What may still run when no part does: of a studio that was killed, and of the work that parts have started."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

from studio.supervisor import preparation, processes, records
from studio.supervisor.home import Home
from studio.supervisor.parts import has_module


def clear(home: Home) -> None:
    """Kill the parts that an earlier studio of this home left; jobs and replicas stay, to be adopted."""
    for file in (home / "run").glob("*.json"):
        records.clear(home / "run", file.stem, home.instance)
    preparation.clear(home)


def stop_work(home: Home) -> None:
    """Stop jobs and replicas, gracefully, by the launcher that started them."""
    folders = [state.parent for kind in ("jobs", "replicas") for state in (home.runtime / kind).glob("*/state.json")]
    if folders and has_module("compute.launcher"):
        stop = import_module("compute.launcher").stop
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda folder: attempt(stop, folder), folders))


def attempt(stop: object, folder: Path) -> None:
    """Stop one; what cannot be stopped so is swept up afterwards."""
    try:
        stop(folder)  # type: ignore[operator]
    except (OSError, ValueError, KeyError) as error:
        print(f"  {folder.name} could not be stopped: {error}", flush=True)


def sweep(home: Home) -> None:
    """Kill whatever still carries the studio's mark, wherever it stands in the tree."""
    for _ in range(3):
        if not processes.kill(processes.marked(home.instance)) and not processes.marked(home.instance):
            return
