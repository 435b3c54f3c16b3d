"""Experiments and runs."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

from studio_sdk.cli import context
from studio_sdk.cli.context import Context, pairs
from studio_sdk.cli.output import show
from studio_sdk.cli.words import Noun, Verbs, may_ask, sure
from studio_sdk.errors import NotConfigured
from studio_sdk.files import RunFiles
from studio_sdk.tracking import Tracking, named

COLUMNS = ("id", "name", "status", "start_ms", "end_ms", "metrics")


def add(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    noun = Noun(verbs, common, "experiment", "experiments: list, create, delete")
    noun.verb("list", "list experiments", list_experiments)
    noun.verb("create", "create one", create_experiment).add_argument("name")
    gone = noun.verb("delete", "move one to the trash", delete_experiment)
    gone.add_argument("name")
    may_ask(gone)

    noun.verb("restore", "take one out of the trash", restore_experiment).add_argument("id")
    renamed = noun.verb("rename", "give one another name", rename_experiment)
    renamed.add_argument("name")
    renamed.add_argument("new_name")

    noun = Noun(verbs, common, "run", "runs: list, show, log, files")
    found = noun.verb("list", "list runs, the newest first", list_runs)
    found.add_argument("-e", "--experiment", action="append", help="of this experiment (name or id); may be repeated")
    found.add_argument("-f", "--filter", default="", help="such as: metrics.loss < 0.1 and start_time > -7d")
    found.add_argument("--order", action="append", help="such as: metrics.loss ASC")
    found.add_argument("-n", "--limit", type=int, default=20)
    noun.verb("show", "show one", show_run).add_argument("id")
    curve = noun.verb("metrics", "print the points of a metric", metrics)
    curve.add_argument("id")
    curve.add_argument("key")
    logged(noun.verb("log", "log metrics, tags or a file", log)).add_argument("id")
    noun.verb("files", "list its files", list_files).add_argument("id")
    down = noun.verb("download", "download a file or folder of it", download)
    down.add_argument("id")
    down.add_argument("path", nargs="?", default="")
    down.add_argument("--to", default=".")
    begun = noun.verb("create", "begin one, to log to from a shell", create_run)
    begun.add_argument("-e", "--experiment", required=True)
    begun.add_argument("--name", default="")
    ended = noun.verb("end", "end one that was begun here", end_run)
    ended.add_argument("id")
    ended.add_argument("--status", choices=("finished", "failed", "killed"), default="finished")
    noun.verb("restore", "take one out of the trash", restore_run).add_argument("id")
    gone = noun.verb("delete", "move one to the trash", delete_run)
    gone.add_argument("id")
    may_ask(gone)

    # In a job's script the run is known: studio log --metric loss=0.1
    alone = verbs.add_parser("log", help="log metrics, tags or a file; in a job, to its run", parents=[common])
    logged(alone).add_argument("id", nargs="?", default="")
    alone.set_defaults(do=log)


def logged(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--metric", action="append", metavar="KEY=VALUE")
    parser.add_argument("--step", type=int, default=0)
    parser.add_argument("--tag", action="append", metavar="KEY=VALUE")
    parser.add_argument("--file", action="append", metavar="PATH[=NAME]")
    return parser


def list_experiments(given: argparse.Namespace) -> None:
    rows = context.context(given).api.get("experiments")
    show(rows, ("id", "name", "run_count", "created_by", "updated_ms"), given.output)


def create_experiment(given: argparse.Namespace) -> None:
    show(context.context(given).api.post("experiments", {"name": given.name}), ("id", "name"), given.output)


def delete_experiment(given: argparse.Namespace) -> None:
    found = context.context(given)
    row = found.mlflow.get("experiments/get-by-name", experiment_name=given.name)["experiment"]
    if sure(f"Move the experiment {given.name} with its runs to the trash?", given):
        found.mlflow.post("experiments/delete", {"experiment_id": row["experiment_id"]})


def list_runs(given: argparse.Namespace) -> None:
    found = context.context(given)
    asked: dict[str, Any] = {"filter": given.filter, "limit": given.limit}
    if given.experiment:
        asked["experiment"] = [experiment_id(found, one) for one in given.experiment]
    if given.order:
        asked["order_by"] = given.order
    show(found.api.get("runs", **asked)["runs"], COLUMNS, given.output)


def experiment_id(found: context.Context, word: str) -> str:
    """Take an id as it is, and find that of a name."""
    if word.isdigit():
        return word
    return str(found.mlflow.get("experiments/get-by-name", experiment_name=word)["experiment"]["experiment_id"])


def show_run(given: argparse.Namespace) -> None:
    found = context.context(given)
    row = found.api.get(f"runs/{given.id}")
    columns = (
        "id",
        "name",
        "experiment_id",
        "status",
        "user_name",
        "start_ms",
        "end_ms",
        "params",
        "metrics",
        "tags",
        "page",
    )
    show({**row, "page": found.page(f"runs/{given.id}/")}, columns, given.output)


def metrics(given: argparse.Namespace) -> None:
    found = context.context(given)
    values = Tracking(found.mlflow).history(given.id, given.key)
    show([{"number": at, "value": value} for at, value in enumerate(values)], ("number", "value"), given.output)


def log(given: argparse.Namespace) -> None:
    found = context.context(given)
    run_id = given.id or os.environ.get("MLFLOW_RUN_ID", "")
    if not run_id:
        raise NotConfigured("Name the run: this is no job's script, which has one of its own.")
    points = [(key, number(value), given.step) for key, value in pairs(given.metric).items()]
    Tracking(found.mlflow).log(run_id, points, pairs(given.tag), int(time.time() * 1000))
    for word in given.file or []:
        path, _equals, name = word.partition("=")
        with Path(path).open("rb") as body:
            files(found, run_id).upload(name or Path(path).name, body)


def number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise NotConfigured(f"A metric is a number, not “{word}”.") from None


def files(found: Context, run_id: str) -> RunFiles:
    info = Tracking(found.mlflow).run(run_id)["info"]
    return RunFiles(found.workspace, run_id, info.get("artifact_uri", ""))


def list_files(given: argparse.Namespace) -> None:
    rows = RunFiles(context.context(given).workspace, given.id).list()
    show(rows, ("path", "size_bytes"), given.output)


def download(given: argparse.Namespace) -> None:
    kept = RunFiles(context.context(given).workspace, given.id)
    rows = kept.list(given.path)
    if not rows:
        raise NotConfigured(f"There is no file “{given.path}” in the run." if given.path else "The run has no files.")
    for row in rows:
        print(kept.download(row["path"], Path(given.to) / row["path"]))


def delete_run(given: argparse.Namespace) -> None:
    found = context.context(given)
    name = named(Tracking(found.mlflow).run(given.id)["data"].get("tags", [])).get("mlflow.runName", given.id)
    if sure(f"Move the run {name} to the trash?", given):
        found.mlflow.post("runs/delete", {"run_id": given.id})


def restore_run(given: argparse.Namespace) -> None:
    context.context(given).mlflow.post("runs/restore", {"run_id": given.id}, is_safe=True)


def create_run(given: argparse.Namespace) -> None:
    found = context.context(given)
    experiment = experiment_id(found, given.experiment)
    tags = {"mlflow.source.type": "LOCAL"}
    row = Tracking(found.mlflow).create_run(experiment, int(time.time() * 1000), given.name, tags)
    run_id = row["info"]["run_id"]
    show({"id": run_id, "page": found.page(f"runs/{run_id}/")}, ("id", "page"), given.output)


def end_run(given: argparse.Namespace) -> None:
    found = context.context(given)
    Tracking(found.mlflow).update(given.id, status=given.status.upper(), end_time=int(time.time() * 1000))


def restore_experiment(given: argparse.Namespace) -> None:
    context.context(given).mlflow.post("experiments/restore", {"experiment_id": given.id}, is_safe=True)


def rename_experiment(given: argparse.Namespace) -> None:
    found = context.context(given)
    asked = {"experiment_id": experiment_id(found, given.name), "new_name": given.new_name}
    found.mlflow.post("experiments/update", asked, is_safe=True)
