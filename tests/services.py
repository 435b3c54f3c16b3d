"""The PostgreSQL that the tests use: DATABASE_URL's, or a private one in a temporary folder.

Loaded as a pytest plugin by `-p tests.services`, because pytest-django reads the settings before any conftest.py. With
xdist the server is the first process's, and each worker has a database and a home of its own.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from tests.database import start_database

HOME = "studio-home-"


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
