"""The runs page in a browser: 10,000 runs x 100 metrics, beside `mlflow server`'s, both in one Chromium in turn.

    script/bench page [--runs N] [--metrics N] [--rounds N]

Both hold the same rows, put there by SQL; the studio in its own PostgreSQL, MLflow in SQLite as it comes. Every load
is a fresh browser profile. CPU is that of the page's main thread (Performance.getMetrics: TaskDuration) and of all
processes of the server, from the request until some seconds after the first rows; wall-clock times mean little on a
busy machine.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright
from processes import Server, free_port, running

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
READY_WITHIN_S = 600
SETTLED_MS = 6000
MOST_TABS = 200
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

# When the first rows are painted: no frame comes before the styles that hold it up are there.
WATCH = """
(selector) => {
  const look = () => {
    if (!document.querySelector(selector)) return;
    watching.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => (window.firstRows = performance.now())));
  };
  const watching = new MutationObserver(look);
  watching.observe(document, {childList: true, subtree: true});
}
"""
# What had arrived by then.
ARRIVED = """
() => {
  const pieces = performance.getEntries().filter((one) => ["navigation", "resource"].includes(one.entryType));
  const there = pieces.filter((one) => one.entryType === "navigation" || one.responseEnd <= window.firstRows);
  return {
    ms: window.firstRows, requests: there.length,
    bytes: there.reduce((sum, one) => sum + one.transferSize, 0),
    page: pieces.find((one) => one.entryType === "navigation").transferSize,
  };
}
"""

FILL_STUDIO = """
from django.db import connection
from experiments.models import Experiment
from workspaces.models import Workspace
workspace = Workspace.objects.get(name="main")
experiment, _made = Experiment.objects.get_or_create(workspace=workspace, name="bench-page")
runs, keys = {runs}, {metrics}
with connection.cursor() as cursor:
    cursor.execute('''
        INSERT INTO experiments_run (id, workspace_id, experiment_id, name, status, user_name, is_submitted, start_ms,
                                     end_ms, created_ms, heard_ms)
             SELECT md5('run' || n), %s, %s, 'run-' || n, 'FINISHED', 'bench', false, 1700000000000 + n * 1000,
                    1700000060000 + n * 1000, 1700000000000, 1700000000000
               FROM generate_series(1, %s) AS n''', [workspace.pk, experiment.pk, runs])
    cursor.execute('''
        INSERT INTO experiments_runparam (run_id, key, value)
             SELECT md5('run' || n), 'p' || k, (n %% (k + 2))::text
               FROM generate_series(1, %s) AS n, generate_series(1, 5) AS k''', [runs])
    cursor.execute('''
        INSERT INTO experiments_metricseries (run_id, key, last_step, last_ms, last_value, min_value, max_value, loose)
             SELECT md5('run' || n), 'metric_' || lpad(k::text, 3, '0'), 0, 1700000000000, v, v, v, 1
               FROM generate_series(1, %s) AS n, generate_series(0, %s) AS k,
                    LATERAL (SELECT (n * 37 + k) %% 1000 / 1000.0 AS v) AS made''', [runs, keys - 1])
    cursor.execute('''
        INSERT INTO experiments_metricblock (series_id, digest, steps, times, "values")
             SELECT id, md5(id::text)::uuid, '{{0}}', '{{1700000000000}}', array[last_value]
               FROM experiments_metricseries''')
    cursor.execute("ANALYZE")
print(experiment.pk)
"""


@dataclass(frozen=True)
class Load:
    """One load of a page. Bytes are on the wire; `tabs` are presses of Tab from the page's start to the first run."""

    first_rows_ms: float
    first_rows_kb: float
    first_rows_requests: float
    requests: float
    kb: float
    nodes: float
    browser_cpu_s: float
    server_cpu_s: float
    tabs: float


LABELS = {
    "first_rows_ms": "first rows (ms)",
    "first_rows_kb": "on the wire until the first rows (kB)",
    "first_rows_requests": "requests until the first rows",
    "requests": "requests in all",
    "kb": "on the wire in all (kB)",
    "nodes": "elements of the page",
    "browser_cpu_s": "CPU of the browser's main thread (s)",
    "server_cpu_s": "CPU of the server (s)",
    "tabs": "presses of Tab to the first run",
}


@dataclass(frozen=True)
class Peer:
    """A page to load: `sign_in` is where a fresh profile goes first, `row` finds the link of a run."""

    server: Server
    base: str
    page: str
    row: str
    sign_in: str = ""


@contextmanager
def studio(folder: Path, runs: int, metrics: int) -> Iterator[Peer]:
    home, port = folder / "home", free_port()
    base = f"http://127.0.0.1:{port}"
    command = [str(ROOT / "script" / "run"), "--home", str(home), "--port", str(port)]
    env = {"STUDIO_PYTHON": sys.executable, "STUDIO_PREPARE_SAMPLE": "false"}
    with running(command, f"{base}/sign-in/", env) as server:
        server.wait_ready(READY_WITHIN_S)
        experiment = manage(home, "shell", "-v", "0", "-c", FILL_STUDIO.format(runs=runs, metrics=metrics)).split()[-1]
        page = f"{base}/w/main/experiments/{experiment}/"
        yield Peer(server, base, page, "#run-table tbody [data-run]", str(home))


def manage(home: Path, *arguments: str) -> str:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("STUDIO_", "DATABASE_URL"))}
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env={**env, "STUDIO_HOME": str(home)}, capture_output=True, text=True, check=True
    )
    return done.stdout


@contextmanager
def mlflow(folder: Path, runs: int, metrics: int) -> Iterator[Peer]:
    port, store = free_port(), folder / "mlflow.db"
    base = f"http://127.0.0.1:{port}"
    where = ["--backend-store-uri", f"sqlite:///{store}", "--artifacts-destination", str(folder / "files")]
    # One worker: beside several its supervisor takes one that is busy for five seconds for dead, and kills it.
    listening = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command = [str(BIN / "mlflow"), "server", *where, *listening]
    with running(command, f"{base}/", {"PATH": f"{BIN}:{os.environ['PATH']}"}) as server:
        server.wait_ready(READY_WITHIN_S)
        fill_mlflow(store, folder, runs, metrics)
        yield Peer(server, base, f"{base}/#/experiments/1/runs", "a[href*='/runs/']:not([href$='/runs'])")


def fill_mlflow(store: Path, folder: Path, runs: int, metrics: int) -> None:
    with sqlite3.connect(store, timeout=60) as base:
        base.execute(
            "INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage, creation_time, "
            "last_update_time) VALUES (1, 'bench-page', ?, 'active', 0, 0)",
            [str(folder / "files" / "1")],
        )
        for table, columns, rows in mlflow_rows(runs, metrics):
            marks = ", ".join("?" * len(columns.split()))
            base.executemany(f"INSERT INTO {table} ({', '.join(columns.split())}) VALUES ({marks})", rows)  # noqa: S608


def mlflow_rows(runs: int, metrics: int) -> Iterator[tuple[str, str, Iterator[tuple[object, ...]]]]:
    """Give each of MLflow's tables, its columns, and the rows of all runs."""
    info = (
        "run_uuid name source_type source_name entry_point_name user_id status start_time end_time source_version "
        "lifecycle_stage artifact_uri experiment_id"
    )
    yield "runs", info, (
        (one(n), f"run-{n}", "LOCAL", "", "", "bench", "FINISHED", at(n), at(n) + 60_000, "", "active",
         f"mlflow-artifacts:/1/{one(n)}/artifacts", 1)
        for n in every(runs)
    )  # fmt: skip
    yield "tags", "run_uuid key value", ((one(n), "mlflow.runName", f"run-{n}") for n in every(runs))
    yield (
        "params",
        "run_uuid key value",
        ((one(n), f"p{k}", str(n % (k + 2))) for n in every(runs) for k in range(1, 6)),
    )
    for table in ("metrics", "latest_metrics"):
        yield (
            table,
            "run_uuid key value timestamp step is_nan",
            (
                (one(n), f"metric_{k:03}", (n * 37 + k) % 1000 / 1000, 1_700_000_000_000, 0, False)
                for n in every(runs)
                for k in range(metrics)
            ),
        )


def one(number: int) -> str:
    return f"{number:032x}"


def every(runs: int) -> range:
    return range(1, runs + 1)


def at(number: int) -> int:
    return 1_700_000_000_000 + number * 1000


def load(browser: Browser, peer: Peer) -> Load:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    try:
        page = context.new_page()
        if peer.sign_in:
            page.goto(manage(Path(peer.sign_in), "signin_link").strip())
            page.goto("about:blank")
            empty_cache(context.new_cdp_session(page))
        return measure(page, context.new_cdp_session(page), peer)
    finally:
        context.close()


def empty_cache(session: CDPSession) -> None:
    """Forget what signing in has fetched: every load begins with nothing but the cookie."""
    session.send("Network.clearBrowserCache")


def measure(page: Page, session: CDPSession, peer: Peer) -> Load:
    wire = {"requests": 0, "bytes": 0.0}
    session.on("Network.requestWillBeSent", lambda _one: wire.update(requests=wire["requests"] + 1))
    session.on("Network.loadingFinished", lambda one: wire.update(bytes=wire["bytes"] + one["encodedDataLength"]))
    session.send("Network.enable")
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.add_init_script(f"({WATCH})({peer.row!r})")
    began, before = task_s(session), peer.server.weigh().cpu_s
    page.goto(peer.page)
    page.locator(peer.row).first.wait_for(state="attached", timeout=120_000)
    page.wait_for_timeout(SETTLED_MS)
    first = page.evaluate(ARRIVED)
    after, server = task_s(session), peer.server.weigh().cpu_s
    nodes = page.evaluate("document.querySelectorAll('*').length")
    return Load(
        first["ms"], first["bytes"] / 1000, first["requests"], wire["requests"], wire["bytes"] / 1000, nodes,
        after - began, server - before, tabs(page, peer),
    )  # fmt: skip


def task_s(session: CDPSession) -> float:
    found = session.send("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in found if one["name"] == "TaskDuration"))


def tabs(page: Page, peer: Peer) -> int:
    for presses in range(1, MOST_TABS + 1):
        page.keyboard.press("Tab")
        if page.evaluate("(row) => document.activeElement?.matches(row) ?? false", peer.row):
            return presses
    return MOST_TABS


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="script/bench page")
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--metrics", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    loads: dict[str, list[Load]] = {"studio": [], "mlflow": []}
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="studio-bench-")))
        scratch.chmod(0o755)
        peers = {}
        for name, start in (("studio", studio), ("mlflow", mlflow)):
            (scratch / name).mkdir()
            peers[name] = stack.enter_context(start(scratch / name, options.runs, options.metrics))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=program, args=QUIET)
        for peer in peers.values():
            load(browser, peer)  # the first load of a server is not counted
        for _round in range(options.rounds):
            for name, peer in peers.items():
                loads[name].append(load(browser, peer))
        browser.close()
    report(loads, options.runs, options.metrics)


def report(loads: dict[str, list[Load]], runs: int, metrics: int) -> None:
    print(f"{runs:,} runs x {metrics} metrics; medians of {len(loads['studio'])} loads each, in turn\n")
    print("| the runs page | studio | mlflow | studio / mlflow |\n| --- | ---: | ---: | ---: |")
    for field in fields(Load):
        ours, theirs = (statistics.median(getattr(one, field.name) for one in rows) for rows in loads.values())
        print(
            f"| {LABELS[field.name]} | {ours:,.3g} | {theirs:,.3g} | {ours / theirs if theirs else float('nan'):.2f} |"
        )
