"""Jobs: scripts and projects on the studio's compute."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from studio_sdk.cli import context
from studio_sdk.cli.context import Context, pairs
from studio_sdk.cli.output import show
from studio_sdk.cli.words import Noun, Verbs
from studio_sdk.client import part
from studio_sdk.errors import NotConfigured
from studio_sdk.snapshots import FolderError, read_folder, send_folder

COLUMNS = ("run_id", "name", "experiment", "target", "state", "created_ms", "ended_ms")
DETAILS = (*COLUMNS, "command", "entry_point", "parameters", "environment_name", "attempt", "waits", "error",
           "warnings",
           "cpu_s", "page")  # fmt: skip
ENDED = {"Completed", "Failed", "Canceled"}
POLL_S = 1.0


def add(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    noun = Noun(verbs, common, "job", "jobs: submit, follow, cancel")
    made = noun.verb("submit", "run a folder's script, or an entry point of its MLproject, on a cluster", submit)
    made.add_argument("folder", help="the code; .amlignore and .gitignore leave files out")
    described(made)
    made.add_argument("--parent", metavar="RUN", help="make it a child of this run")
    made.add_argument("--follow", action="store_true", help="print its logs until it ends")
    found = noun.verb("list", "list jobs, the newest first", list_all)
    found.add_argument("--state", help="queued, running, …, or waiting, live, ended")
    found.add_argument("-c", "--compute")
    found.add_argument("-e", "--experiment")
    noun.verb("show", "show one", show_one).add_argument("id")
    noun.verb("cancel", "ask for its end", cancel).add_argument("id")
    noun.verb("rerun", "submit the same once more", rerun).add_argument("id")
    logs = noun.verb("logs", "print its logs", print_logs)
    logs.add_argument("id")
    logs.add_argument("-f", "--follow", action="store_true", help="until it ends")


def work(parser: argparse.ArgumentParser) -> None:
    """What is submitted later, by sweeps and schedules: the job of a run, or a folder."""
    parser.add_argument("--from", dest="from_run", metavar="RUN", help="the same job as this run's")
    parser.add_argument("--folder", help="the code, in place of --from; .amlignore and .gitignore leave files out")
    described(parser)


def described(parser: argparse.ArgumentParser) -> None:
    """How a folder's script runs."""
    parser.set_defaults(command=[])
    parser.epilog = "What to run stands at the end, after --, such as: -- python train.py --alpha 0.1"
    parser.add_argument("-e", "--experiment")
    parser.add_argument("-c", "--compute", default="", help="the cluster (the studio's own)")
    parser.add_argument("--entry-point", help="of the MLproject, in place of a command")
    parser.add_argument("-P", "--param", action="append", metavar="KEY=VALUE")
    parser.add_argument("--environment", help="name or name@version")
    parser.add_argument("--conda-file", help="conda.yaml, python_env.yaml or requirements.txt")
    parser.add_argument("--input", action="append", metavar="NAME=DATASET",
                        help="copy a dataset (name@version) to ${{inputs.NAME}}, a folder")  # fmt: skip
    parser.add_argument("--env", action="append", metavar="KEY=VALUE")
    parser.add_argument("--tag", action="append", metavar="KEY=VALUE")
    parser.add_argument("--time-limit", type=int, metavar="SECONDS")
    parser.add_argument("--attempts", type=int, default=1)


def planned(found: Context, given: argparse.Namespace) -> dict[str, Any]:
    """Write the job of a sweep or schedule as the studio's API takes it."""
    if bool(given.from_run) == bool(given.folder):
        raise NotConfigured("Give --from RUN, or --folder and what of it runs, one of them.")
    named = {"experiment": given.experiment} if given.experiment else {}
    if given.from_run:
        return {**named, "from_run": given.from_run}
    return {**named, "job": job_of(found, given)}


def job_of(found: Context, given: argparse.Namespace) -> dict[str, Any]:
    """Send the folder, and write the job as the studio's API takes it, without its experiment."""
    if not given.experiment:
        raise NotConfigured("Name the experiment: -e NAME.")
    asked = {
        **what(given),
        "target": given.compute,
        "env": pairs(given.env),
        "tags": pairs(given.tag),
        "inputs": {name: {"dataset": dataset} for name, dataset in pairs(given.input).items()},
        "attempts_allowed": given.attempts,
        **({"time_limit_s": given.time_limit} if given.time_limit else {}),
    }
    return {**asked, "snapshot": send(found, given.folder)}


def submit(given: argparse.Namespace) -> None:
    found = context.context(given)
    asked = {**job_of(found, given), "experiment": given.experiment}
    if given.parent:
        asked["parent_run_id"] = given.parent
    row = found.api.post("jobs", asked)
    page = found.page(f"runs/{row['run_id']}/")
    if not given.follow:
        show({"run_id": row["run_id"], "page": page}, ("run_id", "page"), given.output)
        return
    print(f"{row['run_id']}  {page}", file=sys.stderr)
    follow(found, row["run_id"])


def what(given: argparse.Namespace) -> dict[str, Any]:
    if bool(given.command) == bool(given.entry_point):
        raise NotConfigured("Give a command after --, or an --entry-point, one of them.")
    asked: dict[str, Any] = {"command": given.command} if given.command else {"entry_point": given.entry_point}
    if given.entry_point:
        asked["parameters"] = pairs(given.param)
    if given.conda_file:
        path = Path(given.conda_file)
        asked["environment"] = {"files": {path.name: path.read_text()}}
    elif given.environment or given.command:
        asked["environment"] = {"reference": given.environment or "AzureML-Minimal"}
    return asked


def send(found: Context, folder: str) -> str:
    try:
        read = read_folder(Path(folder))
    except FolderError as error:
        raise NotConfigured(str(error)) from None

    def ask(method: str, path: str, body: Any, headers: dict[str, str]) -> dict[str, Any]:
        if not hasattr(body, "read"):
            answer: dict[str, Any] = found.api.post(path, body, is_safe=True)
            return answer
        sent: dict[str, Any] = found.api.send(method, path, is_safe=True, data=body, headers=headers).json()
        return sent

    return send_folder(read, ask)


def list_all(given: argparse.Namespace) -> None:
    asked = {"state": given.state, "target": given.compute, "experiment": given.experiment}
    rows = context.context(given).api.get("jobs", **{key: value for key, value in asked.items() if value})
    show(rows, COLUMNS, given.output)


def show_one(given: argparse.Namespace) -> None:
    found = context.context(given)
    row = found.api.get(f"jobs/{part(given.id)}")
    show({**row, "page": found.page(f"runs/{given.id}/")}, DETAILS, given.output)


def cancel(given: argparse.Namespace) -> None:
    show(context.context(given).api.post(f"jobs/{part(given.id)}/cancel"), ("run_id", "state"), given.output)


def rerun(given: argparse.Namespace) -> None:
    show(context.context(given).api.post(f"jobs/{part(given.id)}/rerun"), ("run_id", "state"), given.output)


def print_logs(given: argparse.Namespace) -> None:
    found = context.context(given)
    if given.follow:
        follow(found, given.id)
    else:
        tell(found, given.id, {})


def follow(found: Context, run_id: str) -> None:
    """Print logs until the job ends; an end that is no success is the command's own."""
    offsets: dict[str, int] = {}
    while True:
        row = tell(found, run_id, offsets)
        if row["state"] in ENDED:
            break
        time.sleep(POLL_S)
    if row["state"] != "Completed":
        raise NotConfigured(f"The job {row['state'].lower()}: {row.get('error') or 'see its logs'}")


def tell(found: Context, run_id: str, offsets: dict[str, int]) -> dict[str, Any]:
    row: dict[str, Any] = found.api.get(f"jobs/{part(run_id)}")
    for one in row.get("logs", []):
        name = one["name"]
        while True:
            piece = found.api.get(f"jobs/{part(run_id)}/logs/{quote(name)}", offset=offsets.get(name, 0))
            if not piece["text"]:
                break
            if name not in offsets and len(row["logs"]) > 1:
                print(f"==> {name} <==")
            offsets[name] = piece["offset"]
            print(piece["text"], end="", flush=True)
    return row
