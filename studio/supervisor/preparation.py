"""What is done before people are let in: tables, static files, the first admin; each skipped when nothing changed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from studio.supervisor import install, processes
from studio.supervisor.home import Home
from studio.supervisor.keeper import last_words
from studio.supervisor.options import ROOT
from studio.supervisor.problems import CannotStart

MARK = "preparation"


@dataclass(frozen=True)
class Stamp:
    """Remembers in a file what something was made from."""

    file: Path
    made_from: str

    @property
    def is_current(self) -> bool:
        """Say whether nothing has changed since."""
        try:
            return self.file.read_text() == self.made_from
        except OSError:
            return False

    def set(self) -> None:
        """Remember."""
        self.file.write_text(self.made_from)


def tables(home: Home, database_url: str) -> Stamp:
    """Return the stamp of the database's tables."""
    return Stamp(home / "run/tables", f"{digest(ROOT.glob('*/migrations/*.py'))} {fingerprint(database_url)}")


def static_files(home: Home) -> Stamp:
    """Return the stamp of the collected static files."""
    sources = [path for path in (ROOT / "static").rglob("*") if path.is_file()]
    return Stamp(home / "static/.collected", digest([*sources, ROOT / "studio/settings.py"]))


def sample(home: Home) -> Stamp:
    """Return the stamp of the sample's environment."""
    return Stamp(home.runtime / "environments/.sample", digest((ROOT / "jobs/sample").rglob("*.*")))


def digest(files: Iterable[Path]) -> str:
    """Return one hash of the names and contents of files, and of what is installed."""
    total = hashlib.sha256((ROOT / "requirements.txt").read_bytes())
    for file in sorted(files):
        if "__pycache__" not in file.parts:
            total.update(f"\0{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return total.hexdigest()


def fingerprint(text: str) -> str:
    """Return a hash of what may hold a secret."""
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Bootstrapped:
    """What `manage.py bootstrap` tells."""

    sign_in_path: str
    node_token: str


@dataclass(frozen=True)
class Todo:
    """What has to be done before the web workers may start."""

    tables: Stamp
    static: Stamp
    migrate: bool
    collect: bool

    @property
    def is_nothing(self) -> bool:
        """Say whether they may start at once."""
        return not self.migrate and not self.collect


def todo(home: Home, database_url: str, *, is_own: bool) -> Todo:
    """Find out what is not as it was left; tables are trusted only in a database that is the studio's own."""
    made, collected = tables(home, database_url), static_files(home)
    return Todo(made, collected, migrate=not (made.is_current and is_own), collect=not collected.is_current)


async def bootstrap(home: Home, env: Mapping[str, str], wanted: Todo) -> Bootstrapped:
    """Run `manage.py bootstrap`, or raise CannotStart with its last words."""
    options = [*(["--migrate"] if wanted.migrate else []), *(["--collect"] if wanted.collect else [])]
    said = json.loads((await manage(home, env, "bootstrap", *options)).splitlines()[-1])
    wanted.tables.set()
    wanted.static.set()
    return Bootstrapped(said["sign_in_path"], said["node_token"])


async def manage(home: Home, env: Mapping[str, str], *arguments: str) -> str:
    """Run a management command to its end and return what it says; its complaints go to logs/preparation.log."""
    log = home / "logs/preparation.log"
    began = log.stat().st_size if log.exists() else 0
    with log.open("ab") as complaints:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "manage", *arguments),
            cwd=ROOT,
            env={**env, processes.PART_MARK: MARK},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=complaints,
            start_new_session=True,  # Ctrl-C is the supervisor's to handle
        )
    try:
        said, _ = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        raise
    if process.returncode:
        raise CannotStart(f"manage.py {arguments[0]} failed: {last_words(log, began)} (see {log})")
    return said.decode()


def clear(home: Home) -> None:
    """Kill what a supervisor that was killed left in the middle of preparing."""
    left = [p for p in processes.marked(home.instance) if processes.marks(p.pid).get(processes.PART_MARK) == MARK]
    processes.kill(left)
    for draft in (home / "run").glob(".*.json.*"):
        draft.unlink(missing_ok=True)


def exports(home: Home, urls: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the studio's own parts."""
    return {
        **install.environment(),  # environments are built with uv, from where pip would take packages
        **urls,
        "STUDIO_HOME": str(home.path),
        processes.INSTANCE_MARK: home.instance,
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }


def plain_environment(home: Home) -> dict[str, str]:
    """Return the environment of servers that are not ours: none of the studio's secrets."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", processes.INSTANCE_MARK: home.instance}
