"""Scoring: requests and CPU a request, beside `mlflow models serve`, MLServer and a bare predict on the same server."""

from __future__ import annotations

import argparse
import http.client
import importlib.metadata
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from processes import Server, free_port, running

ROOT = Path(__file__).resolve().parents[2]
PYTHON = sys.executable
BIN = Path(PYTHON).parent
SCORING = ROOT / "deployments" / "scoring"
COLUMNS = 10
CLIENTS = (1, 8, 32)
ROWS = (1, 1000)

TRAIN = """
import sys, mlflow, numpy, pandas
from mlflow.models import infer_signature
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge
X = pandas.DataFrame(numpy.random.default_rng(0).normal(size=(500, 10)), columns=[f"c{n}" for n in range(10)])
y = X.sum(axis=1)
for name, model in (("ridge", Ridge()), ("forest", RandomForestRegressor(100, n_jobs=1, random_state=0))):
    model.fit(X, y)
    signature = infer_signature(X, model.predict(X))
    mlflow.sklearn.save_model(model, f"{sys.argv[1]}/{name}", signature=signature, serialization_format="cloudpickle")
"""
# The least that can be done: parse, predict, write; on the HTTP server that the replicas use.
BARE = """
import importlib.util, pickle, sys
import numpy, orjson
spec = importlib.util.spec_from_file_location("listen", sys.argv[3])
listen = importlib.util.module_from_spec(spec)
spec.loader.exec_module(listen)
model = pickle.load(open(sys.argv[1] + "/model.pkl", "rb"))
def app(environ, start_response):
    if environ["REQUEST_METHOD"] == "GET":
        start_response("200 OK", [("content-length", "2")])
        return [b"ok"]
    body = orjson.loads(environ["wsgi.input"].read())
    answer = orjson.dumps(model.predict(numpy.array(body["inputs"])), option=orjson.OPT_SERIALIZE_NUMPY)
    start_response("200 OK", [("content-type", "application/json"), ("content-length", str(len(answer)))])
    return [answer]
listen.run(app, None, int(sys.argv[2]), threads=2, queue=128)
"""
COLD = "import sklearn.linear_model, pickle, sys; pickle.load(open(sys.argv[1] + '/model.pkl', 'rb'))"


@dataclass(frozen=True)
class Peer:
    """A server: how it is started for a model's folder, what it is asked, and where it says that it is ready."""

    name: str
    command: Callable[[Path, Path, int], list[str]]
    path: str
    health: str
    body: Callable[[list[list[float]]], Any]
    env: dict[str, str] = field(default_factory=dict)


def split(rows: list[list[float]]) -> Any:
    return {"dataframe_split": {"columns": [f"c{number}" for number in range(COLUMNS)], "data": rows}}


def inputs(rows: list[list[float]]) -> Any:
    return {"inputs": rows}


def tensors(rows: list[list[float]]) -> Any:
    flat = [value for row in rows for value in row]
    return {"inputs": [{"name": "x", "shape": [len(rows), COLUMNS], "datatype": "FP64", "data": flat}]}


def studio(model: Path, folder: Path, port: int) -> list[str]:
    settings = folder / "settings.json"
    settings.write_text(json.dumps({"endpoint": "bench", "auth": "none"}))
    return [PYTHON, "-I", str(SCORING / "server.py"), "--model", str(model), "--settings", str(settings),
            "--port", str(port)]  # fmt: skip


def mlflow(model: Path, _folder: Path, port: int) -> list[str]:
    return [str(BIN / "mlflow"), "models", "serve", "-m", str(model), "--env-manager", "local", "-p", str(port)]


def bare(model: Path, _folder: Path, port: int) -> list[str]:
    return [PYTHON, "-c", BARE, str(model), str(port), str(SCORING / "listen.py")]


def mlserver(python: Path) -> Callable[[Path, Path, int], list[str]]:
    def command(model: Path, folder: Path, port: int) -> list[str]:
        home = folder / f"mlserver-{model.name}"
        home.mkdir(exist_ok=True)
        (home / "model.joblib").write_bytes((model / "model.pkl").read_bytes())
        ports = {"http_port": port, "grpc_port": free_port(), "metrics_port": free_port()}
        (home / "settings.json").write_text(json.dumps({**ports, "debug": False}))
        described = {"name": "m", "implementation": "mlserver_sklearn.SKLearnModel"}
        (home / "model-settings.json").write_text(json.dumps({**described, "parameters": {"uri": "./model.joblib"}}))
        return [str(python.with_name("mlserver")), "start", str(home)]

    return command


def install_mlserver(folder: Path) -> Path | None:
    """Make MLServer's own environment; None, with the installer's words printed, when it cannot be had."""
    python = folder / "mlserver" / "bin" / "python"
    same = [f"{name}=={importlib.metadata.version(name)}" for name in ("scikit-learn", "numpy", "cloudpickle")]
    packages = ["mlserver", "mlserver-sklearn", *same]
    make = ["venv", "-q", str(folder / "mlserver"), "--python", PYTHON]
    for arguments in (make, ["pip", "install", "-q", "--python", str(python), *packages]):
        done = subprocess.run([str(BIN / "uv"), *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"MLServer cannot be installed beside this scikit-learn: {done.stderr.strip()[-400:]}")
            return None
    return python


class Caller(threading.Thread):
    """One keep-alive client that asks until told to stop."""

    def __init__(self, url: str, path: str, raw: bytes, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.address, self.path, self.raw, self.stopped = urlsplit(url), path, raw, stop
        self.done = self.failed = 0

    def run(self) -> None:
        connection = http.client.HTTPConnection(self.address.hostname or "", self.address.port, timeout=60)
        headers = {"Content-Type": "application/json"}
        while not self.stopped.is_set():
            connection.request("POST", self.path, self.raw, headers)
            answer = connection.getresponse()
            answer.read()
            self.done += 1
            self.failed += answer.status != 200


@dataclass(frozen=True)
class Figure:
    per_second: float
    cpu_us: float
    failed: int


def measure(server: Server, peer: Peer, raw: bytes, clients: int, seconds: float) -> Figure:
    url = server.url.removesuffix(peer.health)
    stop = threading.Event()
    callers = [Caller(url, peer.path, raw, stop) for _number in range(clients)]
    before, began = server.weigh().cpu_s, time.monotonic()
    for caller in callers:
        caller.start()
    time.sleep(seconds)
    stop.set()
    for caller in callers:
        caller.join(60)
    took, spent = time.monotonic() - began, server.weigh().cpu_s - before
    done = sum(caller.done for caller in callers) or 1
    return Figure(done / took, spent / done * 1e6, sum(caller.failed for caller in callers))


@contextmanager
def started(peer: Peer, model: Path, folder: Path) -> Iterator[tuple[Server, float]]:
    port = free_port()
    command = peer.command(model, folder, port)
    with running(command, f"http://127.0.0.1:{port}{peer.health}", peer.env) as server:
        yield server, server.wait_ready()


def cold_cpu(model: Path) -> float:
    """Give the CPU seconds of importing scikit-learn and loading the model, and nothing else."""
    import resource

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([PYTHON, "-c", COLD, str(model)], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="script/bench scoring")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--models", nargs="+", default=["ridge", "forest"])
    parser.add_argument("--mlserver", type=Path, help="the python of an environment with mlserver and mlserver-sklearn")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="scoring-") as name:
        folder = Path(name)
        subprocess.run([PYTHON, "-c", TRAIN, str(folder)], check=True, capture_output=True)
        python = options.mlserver or install_mlserver(folder)
        for model in options.models:
            compare(model, folder, python, options.seconds)


def peers(python: Path | None) -> list[Peer]:
    where = {"PATH": f"{BIN}:/usr/local/bin:/usr/bin:/bin"}
    found = [
        Peer("studio", studio, "/invocations", "/ping", split),
        Peer("bare", bare, "/", "/", inputs),
        Peer("mlflow", mlflow, "/invocations", "/ping", split, where),
    ]
    if python is not None:
        found.append(Peer("mlserver", mlserver(python), "/v2/models/m/infer", "/v2/health/ready", tensors))
    return found


def compare(model: str, folder: Path, python: Path | None, seconds: float) -> None:
    print(f"\n{model}: import and load alone {cold_cpu(folder / model):.2f} s CPU")
    print(f"  {'server':10} {'body':>8} {'clients':>7} {'req/s':>9} {'CPU µs/req':>11} failed")
    for peer in peers(python):
        with started(peer, folder / model, folder) as (server, ready_s):
            weight = server.weigh()
            print(f"  {peer.name:10} first 200 after {ready_s:.1f} s, {weight.cpu_s:.2f} s CPU, "
                  f"{weight.pss_bytes / 1e6:.0f} MB")  # fmt: skip
            for rows in ROWS:
                raw = json.dumps(peer.body([[0.1 * number for number in range(COLUMNS)]] * rows)).encode()
                measure(server, peer, raw, 1, min(1.0, seconds))  # warm
                for clients in CLIENTS:
                    figure = measure(server, peer, raw, clients, seconds)
                    print(f"  {peer.name:10} {rows:5}×{COLUMNS} {clients:7} {figure.per_second:9.0f} "
                          f"{figure.cpu_us:11.0f} {figure.failed:6}", flush=True)  # fmt: skip
