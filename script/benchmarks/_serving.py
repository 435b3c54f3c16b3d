"""The servers of a scoring comparison: how each is started for a model's folder, and what it is asked."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from processes import Server, free_port, running

ROOT = Path(__file__).resolve().parents[2]
PYTHON = sys.executable
BIN = Path(PYTHON).parent
SCORING = ROOT / "deployments" / "scoring"
COLUMNS = 10

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


@dataclass(frozen=True)
class Peer:
    """A server: how it is started for a model's folder, what it is asked, and where it says that it is ready."""

    name: str
    command: Callable[[Path, Path, int], list[str]]
    path: str
    health: str
    body: Callable[[list[list[float]]], Any]
    env: dict[str, str] = field(default_factory=dict)

    def raw(self, rows: int) -> bytes:
        return json.dumps(self.body([[0.1 * number for number in range(COLUMNS)]] * rows)).encode()


def split(rows: list[list[float]]) -> Any:
    return {"dataframe_split": {"columns": [f"c{number}" for number in range(COLUMNS)], "data": rows}}


def inputs(rows: list[list[float]]) -> Any:
    return {"inputs": rows}


def tensors(rows: list[list[float]]) -> Any:
    flat = [value for row in rows for value in row]
    return {"inputs": [{"name": "x", "shape": [len(rows), COLUMNS], "datatype": "FP64", "data": flat}]}


def studio(name: str = "studio", **settings: object) -> Peer:
    def command(model: Path, folder: Path, port: int) -> list[str]:
        own = folder / f"{name}-{port}"
        own.mkdir()
        (own / "settings.json").write_text(json.dumps({"endpoint": "bench", "auth": "none", **settings}))
        program = [PYTHON, "-I", str(SCORING / "server.py"), "--model", str(model)]
        return [*program, "--settings", str(own / "settings.json"), "--port", str(port)]

    return Peer(name, command, "/invocations", "/ping", split)


def bare() -> Peer:
    def command(model: Path, _folder: Path, port: int) -> list[str]:
        return [PYTHON, "-c", BARE, str(model), str(port), str(SCORING / "listen.py")]

    return Peer("bare", command, "/", "/", inputs)


def mlflow() -> Peer:
    def command(model: Path, _folder: Path, port: int) -> list[str]:
        return [str(BIN / "mlflow"), "models", "serve", "-m", str(model), "--env-manager", "local", "-p", str(port)]

    where = {"PATH": f"{BIN}:/usr/local/bin:/usr/bin:/bin"}
    return Peer("mlflow", command, "/invocations", "/ping", split, where)


def mlserver(python: Path) -> Peer:
    def command(model: Path, folder: Path, port: int) -> list[str]:
        home = folder / f"mlserver-{model.name}"
        home.mkdir(exist_ok=True)
        (home / "model.joblib").write_bytes((model / "model.pkl").read_bytes())
        ports = {"http_port": port, "grpc_port": free_port(), "metrics_port": free_port()}
        (home / "settings.json").write_text(json.dumps({**ports, "debug": False}))
        described = {"name": "m", "implementation": "mlserver_sklearn.SKLearnModel"}
        (home / "model-settings.json").write_text(json.dumps({**described, "parameters": {"uri": "./model.joblib"}}))
        return [str(python.with_name("mlserver")), "start", str(home)]

    where = {"PATH": f"{python.parent}:/usr/local/bin:/usr/bin:/bin"}
    return Peer("mlserver", command, "/v2/models/m/infer", "/v2/models/m/ready", tensors, where)


def train(folder: Path) -> None:
    subprocess.run([PYTHON, "-c", TRAIN, str(folder)], check=True, capture_output=True)


def installed_mlserver() -> Path | str:
    """Give the Python of MLServer's own environment, made once and kept; or why it cannot be had."""
    same = [f"{name}=={importlib.metadata.version(name)}" for name in ("scikit-learn", "numpy", "cloudpickle")]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "studio-bench"
    folder = cache / f"mlserver-py{sys.version_info.major}{sys.version_info.minor}-{same[0].partition('==')[2]}"
    python, done = folder / "bin" / "python", folder / "installed"
    if done.exists():
        return python
    cache.mkdir(parents=True, exist_ok=True)
    make = ["venv", "-q", "--clear", str(folder), "--python", PYTHON]
    # Newer uvloops no longer make the event loop that MLServer's workers ask for.
    install = ["pip", "install", "-q", "--python", str(python), "mlserver", "mlserver-sklearn", "uvloop<0.22", *same]
    for arguments in (make, install):
        ran = subprocess.run([str(BIN / "uv"), *arguments], capture_output=True, text=True, check=False)
        if ran.returncode:
            return f"MLServer cannot be installed beside this scikit-learn: {ran.stderr.strip()[-400:]}"
    done.touch()
    return python


@contextmanager
def started(peer: Peer, model: Path, folder: Path) -> Iterator[tuple[Server, float]]:
    """Start a server; give it and the seconds to its first 200."""
    port = free_port()
    with running(peer.command(model, folder, port), f"http://127.0.0.1:{port}{peer.health}", peer.env) as server:
        yield server, server.wait_ready()
