"""Tracking: the studio beside `mlflow server` on the same PostgreSQL, row by row, in turn.

    script/bench tracking [--quick] [--rounds N] [--seconds S] [ROW ...]

Both stand on one PostgreSQL with fsync on. The studio is asked through its gateway, with a token; MLflow directly, with
none. CPU is that of all the server's processes and the database's, for one call. A ratio above 1 is for the studio.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil
from _clients import Call, Connection, Speed, run
from processes import free_port, running

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
# Values need not be secret, only the same in every run.
RANDOM = random.Random(1)  # noqa: S311
WORDS = [f"w{number}" for number in range(50)]


@dataclass(frozen=True)
class Peer:
    """A server under load; `trees` are the processes whose CPU counts."""

    name: str
    url: str
    token: str
    trees: list[psutil.Process]

    def cpu_s(self) -> float:
        found = {process for tree in self.trees for process in [tree, *tree.children(recursive=True)]}
        total = 0.0
        for process in found:
            try:
                times = process.cpu_times()
            except psutil.Error:
                continue
            # Of processes that have ended meanwhile (backends of the database) the parents know.
            total += times.user + times.system + times.children_user + times.children_system
        return total

    def connection(self) -> Connection:
        return Connection(self.url, self.token)


# ---- What is called -------------------------------------------------------------------------------------------------

RUNS: dict[int, str] = {}


def new_run(connection: Connection) -> str:
    made = connection.post("/mlflow/runs/create", {"experiment_id": "0", "start_time": int(time.time() * 1000)})
    return str(made["run"]["info"]["run_id"])


def own_run(connection: Connection, client: int, number: int) -> str:
    if number < 0:
        RUNS[client] = new_run(connection)
    return RUNS[client]


def log_metric(connection: Connection, client: int, number: int) -> None:
    content = {
        "run_id": own_run(connection, client, number),
        "key": "loss",
        "value": RANDOM.random(),
        "step": number + 1,
    }
    connection.send("POST", "/mlflow/runs/log-metric", json.dumps({**content, "timestamp": now_ms()}).encode())


def now_ms() -> int:
    return int(time.time() * 1000)


def run_cycle(connection: Connection, client: int, number: int) -> None:
    """Create a run, log 100 metrics, 20 params and 5 tags, end it."""
    run_id, at = new_run(connection), now_ms()
    content = {
        "run_id": run_id,
        "metrics": [
            {"key": f"m{i % 20}", "value": RANDOM.random(), "timestamp": at, "step": i // 20} for i in range(100)
        ],
        "params": [{"key": f"p{i}", "value": RANDOM.choice(WORDS)} for i in range(20)],
        "tags": [{"key": f"t{i}", "value": RANDOM.choice(WORDS)} for i in range(5)],
    }
    connection.send("POST", "/mlflow/runs/log-batch", json.dumps(content).encode())
    ended = {"run_id": run_id, "status": "FINISHED", "end_time": now_ms()}
    connection.send("POST", "/mlflow/runs/update", json.dumps(ended).encode())


def batch(keys: int, points: int) -> Call:
    def call(connection: Connection, client: int, number: int) -> None:
        run_id, at, step = own_run(connection, client, number), now_ms(), (number + 1) * points
        metrics = [
            {"key": f"m{key}", "value": RANDOM.random(), "timestamp": at, "step": step + i}
            for key in range(keys)
            for i in range(points)
        ]
        connection.send("POST", "/mlflow/runs/log-batch", json.dumps({"run_id": run_id, "metrics": metrics}).encode())

    return call


def search(**fields: object) -> Call:
    body = json.dumps({"experiment_ids": ["0"], "max_results": 100, **fields}).encode()

    def call(connection: Connection, client: int, number: int) -> None:
        connection.send("POST", "/mlflow/runs/search", body)

    return call


def page_50(connection: Connection, client: int, number: int) -> None:
    import base64

    token = base64.b64encode(json.dumps({"offset": 4900}).encode()).decode()
    content = {"experiment_ids": ["0"], "max_results": 100, "page_token": token}
    connection.send("POST", "/mlflow/runs/search", json.dumps(content).encode())


def history(path: str) -> Call:
    def call(connection: Connection, client: int, number: int) -> None:
        connection.send("GET", path.replace("RUN", LONG[connection.http.port or 0]))

    return call


LONG: dict[int, str] = {}  # the run of the long series, by the server's port


# ---- What must be there before --------------------------------------------------------------------------------------


def many_runs(peer: Peer, count: int) -> None:
    run(peer.url, peer.token, cycles(count // 4), 4, 1e-9)


def cycles(count: int) -> Call:
    def call(connection: Connection, client: int, number: int) -> None:
        for _each in range(count if number < 0 else 0):
            run_cycle(connection, client, 0)

    return call


def long_series(peer: Peer, count: int) -> None:
    connection = peer.connection()
    run_id = new_run(connection)
    at = now_ms()
    for start in range(0, count, 1000):
        metrics = [
            {"key": "loss", "value": RANDOM.random(), "timestamp": at + i, "step": i}
            for i in range(start, start + 1000)
        ]
        connection.send("POST", "/mlflow/runs/log-batch", json.dumps({"run_id": run_id, "metrics": metrics}).encode())
    LONG[connection.http.port or 0] = run_id
    time.sleep(15)  # the studio packs what was written; MLflow has nothing to do


@dataclass(frozen=True)
class Row:
    """`scale` is points a call, for a rate in points; `before` fills what is read."""

    name: str
    call: Call
    clients: int = 1
    scale: int = 1
    before: Callable[[Peer, int], None] | None = None
    size: tuple[int, int] = (0, 0)  # quick, full


SEARCHED = (many_runs, (200, 10_000))
READ = (long_series, (50_000, 1_000_000))
INTERVAL = "/mlflow/metrics/get-history-bulk-interval?run_ids=RUN&metric_key=loss&max_results=320"

ROWS = [
    Row("log-metric-1", log_metric),
    Row("log-metric-8", log_metric, 8),
    Row("run-cycle-8", run_cycle, 8),
    Row("log-batch-1", batch(10, 100), 1, 1000),
    Row("log-batch-8", batch(10, 100), 8, 1000),
    Row("log-batch-keys-1", batch(1000, 1), 1, 1000),
    Row("search-first", search(), 1, 1, *SEARCHED),
    Row("search-filter", search(filter="metrics.m3 > 0.5 AND params.p5 = 'w3'"), 1, 1, *SEARCHED),
    Row("search-order", search(order_by=["metrics.m3 DESC"]), 1, 1, *SEARCHED),
    Row("search-page-50", page_50, 1, 1, *SEARCHED),
    Row("bulk-interval", history(INTERVAL), 1, 1, *READ),
    Row("get-history", history("/mlflow/metrics/get-history?run_id=RUN&metric_key=loss"), 1, 1, *READ),
]


# ---- Servers --------------------------------------------------------------------------------------------------------


def postmaster_below(pid: int) -> psutil.Process:
    """Find the database's first process among those of a studio."""
    below = psutil.Process(pid).children(recursive=True)
    return next(one for one in below if one.name() == "postgres" and one.parent().name() != "postgres")


@contextmanager
def studio(folder: Path) -> Iterator[tuple[Path, int]]:
    """Start a studio; give its home and its process."""
    port, home = free_port(), folder / "home"
    command = [str(ROOT / "script" / "run"), "--home", str(home), "--port", str(port)]
    env = {"STUDIO_PYTHON": sys.executable, "STUDIO_PREPARE_SAMPLE": "False"}
    with running(command, f"http://127.0.0.1:{port}/health", env) as server:
        server.wait_ready()
        yield home, server.process.pid


def attached(home: Path, pid: int) -> tuple[Peer, str]:
    """Give a running studio as a peer. Its workers and the clock count as its own, the database's too."""
    environment = next(
        process.environ()
        for process in psutil.Process(pid).children(recursive=True)
        if "DATABASE_URL" in readable_environment(process)
    )
    client = dict(line.split("=", 1) for line in (home / "client.env").read_text().splitlines() if "=" in line)
    peer = Peer("studio", environment["STUDIO_URL"], client["STUDIO_TOKEN"], [psutil.Process(pid)])
    return peer, environment["DATABASE_URL"]


def readable_environment(process: psutil.Process) -> dict[str, str]:
    try:
        return dict(process.environ())
    except psutil.Error:
        return {}


@contextmanager
def own_schema(url: str) -> Iterator[str]:
    """Give MLflow a schema of its own in the studio's database, which may make no second one."""
    import psycopg2

    def execute(statement: str) -> None:
        connection = psycopg2.connect(url)
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
        connection.close()

    execute("DROP SCHEMA IF EXISTS mlflow_bench CASCADE")
    execute("CREATE SCHEMA mlflow_bench")
    try:
        theirs = url.replace("postgresql://", "postgresql+psycopg2://", 1)
        yield f"{theirs}{'&' if '?' in url else '?'}options={quote('-csearch_path=mlflow_bench')}"
    finally:
        execute("DROP SCHEMA mlflow_bench CASCADE")


@contextmanager
def mlflow(folder: Path, database: str, postmaster: psutil.Process) -> Iterator[Peer]:
    port = free_port()
    command = [str(BIN / "mlflow"), "server", "--backend-store-uri", database, "--workers", "2"]
    command += ["--artifacts-destination", str(folder / "files"), "--host", "127.0.0.1", "--port", str(port)]
    with running(command, f"http://127.0.0.1:{port}/health", {"PATH": f"{BIN}:{os.environ['PATH']}"}) as server:
        server.wait_ready()
        yield Peer("mlflow", f"http://127.0.0.1:{port}", "", [psutil.Process(server.process.pid), postmaster])


# ---- Measuring ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    speed: Speed
    cpu_ms: float


def measure(peer: Peer, row: Row, seconds: float) -> Measured:
    before = peer.cpu_s()
    speed = run(peer.url, peer.token, row.call, row.clients, seconds)
    return Measured(speed, (peer.cpu_s() - before) * 1000 / speed.calls)


def compare(row: Row, peers: list[Peer], rounds: int, seconds: float) -> None:
    found: dict[str, list[Measured]] = {peer.name: [] for peer in peers}
    for number in range(rounds):
        for peer in peers if number % 2 else reversed(peers):
            found[peer.name].append(measure(peer, row, seconds))
    rate = {name: statistics.median(one.speed.rate for one in all_) * row.scale for name, all_ in found.items()}
    p50 = {name: statistics.median(one.speed.p50_ms for one in all_) for name, all_ in found.items()}
    cpu = {name: statistics.median(one.cpu_ms for one in all_) for name, all_ in found.items()}
    print(
        f"{row.name:18}{rate['studio']:12,.1f}{rate['mlflow']:12,.1f}{rate['studio'] / rate['mlflow']:8.1f}"
        f"{p50['studio']:10.1f}{p50['mlflow']:10.1f}{cpu['studio']:10.2f}{cpu['mlflow']:10.2f}"
        f"{cpu['mlflow'] / cpu['studio']:8.1f}",
        flush=True,
    )


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="script/bench tracking", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(row.name for row in ROWS))
    parser.add_argument("--quick", action="store_true", help="one short round on little data")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8.0, help="of one row, peer and round")
    parser.add_argument("--attach", type=Path, help="the home of a studio that runs, instead of one of its own")
    options = parser.parse_args(arguments)
    rows = [row for row in ROWS if not options.rows or row.name in options.rows]
    rounds, seconds = (1, 3.0) if options.quick else (options.rounds, options.seconds)
    with tempfile.TemporaryDirectory(prefix="studio-bench-") as scratch:
        Path(scratch).chmod(0o755)
        with peers_in(Path(scratch), options.attach) as peers:
            print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
            print(f"medians of {rounds} rounds of {seconds:g} s")
            print(f"{'':18}{'calls/s':>24}{'ratio':>8}{'p50 ms':>20}{'CPU ms a call':>20}{'ratio':>8}")
            print(f"{'':18}{'studio':>12}{'mlflow':>12}{'':8}" + f"{'studio':>10}{'mlflow':>10}" * 2)
            for peer in peers:  # what is imported or connected at the first calls is no row's cost
                run(peer.url, peer.token, log_metric, 4, 3.0)
            filled: set[object] = set()
            for row in rows:
                if row.before and row.before not in filled:
                    filled.add(row.before)
                    for peer in peers:
                        row.before(peer, row.size[0 if options.quick else 1])
                compare(row, peers, rounds, seconds)


@contextmanager
def peers_in(scratch: Path, home: Path | None) -> Iterator[list[Peer]]:
    if home is None:
        with studio(scratch) as (its_home, pid), beside(scratch, its_home, pid) as peers:
            yield peers
    else:
        with beside(scratch, home, int((home / "run" / "lock").read_text().split()[0])) as peers:
            yield peers


@contextmanager
def beside(scratch: Path, home: Path, pid: int) -> Iterator[list[Peer]]:
    ours, url = attached(home, pid)
    with own_schema(url) as database, mlflow(scratch, database, postmaster_below(pid)) as theirs:
        yield [ours, theirs]


if __name__ == "__main__":
    main(sys.argv[1:])
