"""Join a cluster with this machine: `python -m compute.node.join`, which `script/worker` calls."""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import socket
import stat
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from compute.node.__main__ import main


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/worker", description="Run a cluster's jobs on this machine.")
    parser.add_argument("--cluster", required=True, help="the cluster to join")
    parser.add_argument("--url", required=True, help="the studio's address")
    parser.add_argument("--token", default=os.environ.get("STUDIO_NODE_TOKEN"), help="or STUDIO_NODE_TOKEN")
    parser.add_argument("--home", type=Path, default=Path(os.environ.get("STUDIO_WORKER_HOME", "studio-worker")))
    parser.add_argument("--name", default="", help="what the cluster's page calls this machine")
    parser.add_argument("--slots", type=int, default=1, help="jobs at once (1)")
    said = parser.parse_args()
    if not said.token:
        parser.error("--token is missing: the cluster's page makes one")
    if urlsplit(said.url).scheme not in ("http", "https"):
        parser.error("--url is the studio's address, such as https://studio.example.org")
    return said


def prepare(home: Path) -> Path:
    """Make the home: others may pass through to the jobs that run as them, and see nothing on the way."""
    home = home.absolute()
    for folder in (home, home / "environments", home / "jobs"):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o711)
    closed = [parent for parent in home.parents if not parent.stat().st_mode & stat.S_IXOTH]
    if closed and os.getuid() == 0:
        raise SystemExit(
            f"{home} lies in {closed[0]}, which other users cannot enter, and jobs do not run as root. "
            "Give another --home, such as /var/lib/studio-worker."
        )
    return home


def sole(home: Path) -> IO[str]:
    """Take the home for this process; a second worker on it would take the first one's jobs for lost."""
    file = (home / "lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit(f"A worker runs on {home} already; give this one another --home.") from None
    return file


def join() -> None:
    said = options()
    home = prepare(said.home)
    lock = sole(home)
    short = hashlib.sha256(str(home).encode()).hexdigest()[:4]
    os.environ.update(
        {
            "STUDIO_INTERNAL_URL": said.url.rstrip("/"),
            "STUDIO_NODE_TOKEN": said.token,
            "STUDIO_RUNTIME_HOME": str(home),
            "STUDIO_NODE_CLUSTER": said.cluster,
            "STUDIO_NODE_NAME": said.name or f"{socket.gethostname()[:90]}-{short}",
            "STUDIO_NODE_SLOTS": str(max(1, said.slots)),
        }
    )
    os.environ.pop("REDIS_URL", None)  # the studio says which broker, if any
    print(f"joining {said.cluster} of {said.url}; home {home}", flush=True)
    main()
    lock.close()


if __name__ == "__main__":
    join()
