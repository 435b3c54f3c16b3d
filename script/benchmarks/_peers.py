"""The two servers of a comparison on one PostgreSQL: how they are started, and what their processes use."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

import psutil
from _clients import Connection
from processes import free_port, running

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
SCHEMA = "mlflow_bench"


@dataclass(frozen=True)
class Peer:
    """A server under load. `trees` are the processes whose CPU counts, `web` those whose memory is watched.

    `database` is what psycopg2 connects to; `ids` are what a fill made here, by name, for the calls.
    """

    name: str
    url: str
    token: str
    database: str
    schema: str
    trees: list[psutil.Process]
    web: list[psutil.Process]
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    def connection(self) -> Connection:
        return Connection(self.url, self.token)

    def cpu_s(self) -> float:
        found = {process for tree in self.trees for process in [tree, *tree.children(recursive=True)]}
        total = 0.0
        for process in found:
            with suppress(psutil.Error):
                times = process.cpu_times()
                # Of processes that have ended meanwhile (backends of the database) the parents know.
                total += times.user + times.system + times.children_user + times.children_system
        return total

    def forget_peaks(self) -> None:
        for process in self.workers():
            with suppress(OSError):
                Path(f"/proc/{process.pid}/clear_refs").write_text("5")

    def growth_mb(self) -> float:
        """The most that any web process holds above what it holds now or held at `forget_peaks`, whichever is less."""
        return max((peak_mb(process.pid) - self.held.get(process.pid, 0.0) for process in self.workers()), default=0.0)

    @property
    def held(self) -> dict[int, float]:
        return HELD.setdefault(self.name, {})

    def note_memory(self) -> None:
        self.forget_peaks()
        self.held.clear()
        self.held.update({process.pid: peak_mb(process.pid) for process in self.workers()})

    def workers(self) -> list[psutil.Process]:
        return [one for root in self.web for one in [root, *root.children(recursive=True)] if one.is_running()]


HELD: dict[str, dict[int, float]] = {}


def peak_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), 0.0)


def readable_environment(process: psutil.Process) -> dict[str, str]:
    try:
        return dict(process.environ())
    except psutil.Error:
        return {}


def postmaster_below(pid: int) -> psutil.Process:
    """Find the database's first process among those of a studio."""
    below = psutil.Process(pid).children(recursive=True)
    return next(one for one in below if one.name() == "postgres" and one.parent().name() != "postgres")


def web_below(pid: int) -> psutil.Process:
    below = psutil.Process(pid).children(recursive=True)
    return next(one for one in below if "granian" in " ".join(one.cmdline()))


@contextmanager
def studio(folder: Path) -> Iterator[tuple[Path, int]]:
    """Start a studio; give its home and its process."""
    port, home = free_port(), folder / "home"
    command = [str(ROOT / "script" / "run"), "--home", str(home), "--port", str(port)]
    env = {"STUDIO_PYTHON": sys.executable, "STUDIO_PREPARE_SAMPLE": "False"}
    with running(command, f"http://127.0.0.1:{port}/health", env) as server:
        server.wait_ready(300)
        yield home, server.process.pid


def attached(home: Path, pid: int) -> Peer:
    """Give a running studio as a peer. Its workers and the clock count as its own, the database's too."""
    environment = next(
        readable_environment(process)
        for process in psutil.Process(pid).children(recursive=True)
        if "DATABASE_URL" in readable_environment(process)
    )
    client = dict(line.split("=", 1) for line in (home / "client.env").read_text().splitlines() if "=" in line)
    return Peer(
        "studio",
        environment["STUDIO_URL"],
        client["STUDIO_TOKEN"],
        environment["DATABASE_URL"],
        "public",
        [psutil.Process(pid)],
        [web_below(pid)],
    )


@contextmanager
def own_schema(url: str) -> Iterator[str]:
    """Give MLflow a schema of its own in the studio's database, which may make no second one."""
    execute(url, f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE", f"CREATE SCHEMA {SCHEMA}")
    try:
        theirs = url.replace("postgresql://", "postgresql+psycopg2://", 1)
        yield f"{theirs}{'&' if '?' in url else '?'}options={quote(f'-csearch_path={SCHEMA}')}"
    finally:
        execute(url, f"DROP SCHEMA {SCHEMA} CASCADE")


def execute(url: str, *statements: str, **values: object) -> None:
    """Run statements one by one, each in a transaction of its own (VACUUM wants that)."""
    import psycopg2

    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, values or None)
    connection.close()


@contextmanager
def mlflow(folder: Path, ours: Peer, database: str, postmaster: psutil.Process) -> Iterator[Peer]:
    port = free_port()
    command = [str(BIN / "mlflow"), "server", "--backend-store-uri", database, "--workers", "2"]
    command += ["--artifacts-destination", str(folder / "files"), "--host", "127.0.0.1", "--port", str(port)]
    # Its supervisor takes a worker that is busy for five seconds for dead, and kills it.
    command += ["--uvicorn-opts", "--timeout-worker-healthcheck 300"]
    with running(command, f"http://127.0.0.1:{port}/health", {"PATH": f"{BIN}:{os.environ['PATH']}"}) as server:
        server.wait_ready(300)
        root = psutil.Process(server.process.pid)
        yield Peer("mlflow", f"http://127.0.0.1:{port}", "", ours.database, SCHEMA, [root, postmaster], [root])


@contextmanager
def peers(scratch: Path, home: Path | None, *, with_mlflow: bool = True) -> Iterator[list[Peer]]:
    """Give the studio (of `home`, or one of its own) and MLflow's server beside it."""
    if home is None:
        with studio(scratch) as (made, pid), beside(scratch, made, pid, with_mlflow=with_mlflow) as found:
            yield found
    else:
        pid = int((home / "run" / "lock").read_text().split()[0])
        with beside(scratch, home, pid, with_mlflow=with_mlflow) as found:
            yield found


@contextmanager
def beside(scratch: Path, home: Path, pid: int, *, with_mlflow: bool) -> Iterator[list[Peer]]:
    ours = attached(home, pid)
    if not with_mlflow:
        yield [ours]
        return
    with own_schema(ours.database) as url, mlflow(scratch, ours, url, postmaster_below(pid)) as theirs:
        yield [ours, theirs]
