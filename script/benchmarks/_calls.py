"""What clients ask of a tracking server, as bodies that cost them little."""

from __future__ import annotations

import base64
import json
import random
import time
from functools import cache
from urllib.parse import quote

from _clients import Call, Connection

# Values need not be secret, only the same in every run.
RANDOM = random.Random(1)  # noqa: S311
WORDS = [f"w{number}" for number in range(50)]
FILE_BYTES = 200_000_000

RUNS: dict[int, str] = {}  # of each client, within its own process
IDS: dict[int, dict[str, str]] = {}  # what was filled, by the server's port


def now_ms() -> int:
    return int(time.time() * 1000)


def new_run(connection: Connection) -> str:
    made = connection.post("/mlflow/runs/create", {"experiment_id": "0", "start_time": now_ms()})
    return str(made["run"]["info"]["run_id"])


def own_run(connection: Connection, client: int, number: int) -> str:
    if number < 0:
        RUNS[client] = new_run(connection)
    return RUNS[client]


def log_metric(connection: Connection, client: int, number: int) -> None:
    point = {"key": "loss", "value": RANDOM.random(), "step": number + 1, "timestamp": now_ms()}
    content = {"run_id": own_run(connection, client, number), **point}
    connection.send("POST", "/mlflow/runs/log-metric", json.dumps(content).encode())


def log_metric_plainly(connection: Connection, client: int, number: int) -> None:
    """As an ordinary client does, which leaves acknowledgements to its kernel."""
    connection.is_quick = False
    log_metric(connection, client, number)


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
    """Log a batch whose text is prepared but for its time and steps: what is measured is no client's JSON."""
    items = [
        f'{{"key":"m{key}","value":{RANDOM.random()!r},"timestamp":TIME,"step":STEP{last}}}'
        for key in range(keys)
        for last in last_digits(points)
    ]
    text = f'{{"run_id":"RUN","metrics":[{",".join(items)}]}}'.encode()

    def call(connection: Connection, client: int, number: int) -> None:
        run_id = own_run(connection, client, number)
        if number < 0:
            return
        connection.send("POST", "/mlflow/runs/log-batch", dated(text.replace(b"RUN", run_id.encode()), number))

    return call


def rows(keys: int, points: int) -> bytes:
    """Prepare the same points for COPY."""
    found = [
        f"{'r' * 32}\tm{key}\tTIME\tSTEP{last}\t{RANDOM.random()!r}\n"
        for key in range(keys)
        for last in last_digits(points)
    ]
    return "".join(found).encode()


def last_digits(points: int) -> list[str]:
    return [f"{number:0{len(str(points)) - 1}}" for number in range(points)] if points > 1 else [""]


def dated(text: bytes, number: int) -> bytes:
    return text.replace(b"TIME", b"%d" % now_ms()).replace(b"STEP", b"%d" % (number + 1))


def search(name: str, page: int = 0, **fields: object) -> Call:
    """Ask for 100 runs of the filled experiment of that name."""
    token = {"page_token": base64.b64encode(json.dumps({"offset": page * 100}).encode()).decode()} if page else {}

    def call(connection: Connection, client: int, number: int) -> None:
        content = {"experiment_ids": [IDS[connection.port][name]], "max_results": 100, **fields, **token}
        connection.send("POST", "/mlflow/runs/search", json.dumps(content).encode())

    return call


def models(text: str) -> Call:
    path = f"/mlflow/registered-models/search?max_results=100&filter={quote(text)}"

    def call(connection: Connection, client: int, number: int) -> None:
        connection.send("GET", path)

    return call


def history(path: str) -> Call:
    def call(connection: Connection, client: int, number: int) -> None:
        if number >= 0:  # once is a minute of MLflow's
            connection.send("GET", path.replace("RUN", IDS[connection.port]["series"]))

    return call


def upload(connection: Connection, client: int, number: int) -> None:
    content, _run = body(), own_run(connection, client, number)
    if number >= 0:
        connection.send("PUT", artifact(client), content)


def download(connection: Connection, client: int, number: int) -> None:
    if number >= 0:
        connection.send("GET", IDS[connection.port]["file"])


def artifact(client: int) -> str:
    return f"/mlflow-artifacts/artifacts/0/{RUNS[client]}/artifacts/large.bin"


@cache
def body() -> bytes:
    return RANDOM.randbytes(1_000_000) * (FILE_BYTES // 1_000_000)
