"""What may still run when no part does: of a studio that was killed, and of the work that parts have started."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from compute import launcher
from compute.launcher.record import NAME as RECORD
from compute.node.work import STOPPED
from studio.supervisor import preparation, processes, records
from studio.supervisor.home import Home


def clear(home: Home) -> None:
    """Kill the parts that an earlier studio of this home left; jobs and replicas stay, to be adopted."""
    for file in (home / "run").glob("*.json"):
        records.clear(home / "run", file.stem, home.instance)
    preparation.clear(home)


def stop_work(home: Home) -> None:
    """Stop jobs and replicas, gracefully, by the launcher that started them."""
    for pattern in ("jobs/*/", "nodes/*/jobs/*/"):
        for folder in (record.parent for record in home.runtime.glob(pattern + RECORD)):
            if launcher.observe(folder).state == "running":
                (folder / STOPPED).touch()  # the node tells it at the next start
    # No deeper: below lie the jobs' own files, and one of them may be named like a record. Nodes go first, then
    # runners.
    places = ("nodes/*/", "jobs/*/", "jobs/*/process/", "nodes/*/jobs/*/", "nodes/*/jobs/*/process/", "replicas/*/")
    for place in places:
        folders = [record.parent for record in home.runtime.glob(place + RECORD)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(stop_process, folders))


def stop_process(folder: Path) -> None:
    """Stop one; what cannot be stopped so is reported, and swept up afterwards if it carries the studio's mark."""
    try:
        launcher.stop(folder)
    except (launcher.LaunchError, OSError) as error:
        print(f"  {folder.name} could not be stopped: {error}", flush=True)


def sweep(home: Home) -> None:
    """Kill whatever still carries the studio's mark, wherever it stands in the tree."""
    for _ in range(3):
        if not processes.kill(processes.marked(home.instance)) and not processes.marked(home.instance):
            return
