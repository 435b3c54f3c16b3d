"""Sweeps: a job tried with other parameters, the best found."""

from __future__ import annotations

import argparse
import time
from typing import Any

from studio_sdk.cli import context, jobs
from studio_sdk.cli.context import Context, pairs
from studio_sdk.cli.output import show
from studio_sdk.cli.words import Noun, Verbs
from studio_sdk.client import part
from studio_sdk.errors import NotConfigured

COLUMNS = ("run_id", "name", "experiment", "state", "sampling", "runs_ended", "runs_made", "total", "created_ms")
CHILD = ("number", "run_id", "state", "best_metric", "reports", "parameters", "stopped")
ENDED = {"completed", "failed", "canceled"}
POLL_S = 2.0


def add(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    noun = Noun(verbs, common, "sweep", "sweeps: try a job with other parameters")
    made = noun.verb("create", "start one, of a job that ran or of a folder", create)
    jobs.work(made)
    made.add_argument("--vary", action="append", required=True, metavar="NAME=EXPRESSION",
                      help="such as: lr=loguniform(-6,-1) or depth=choice(2,4,8)")  # fmt: skip
    made.add_argument("--metric", required=True, help="the primary metric")
    made.add_argument("--goal", choices=("maximize", "minimize"), default="minimize")
    made.add_argument("--sampling", choices=("random", "grid", "bayesian"), default="random")
    made.add_argument("--seed", type=int)
    made.add_argument("--name", default="")
    made.add_argument("--total", type=int, help="how many tries in all")
    made.add_argument("--at-once", type=int, help="how many at a time")
    made.add_argument("--minutes", type=int, help="how long in all")
    policy(made)
    made.add_argument("--follow", action="store_true", help="print its tries until it ends")
    noun.verb("list", "list sweeps, the newest first", list_all)
    noun.verb("show", "show one with its tries, the best first", show_one).add_argument("id")
    noun.verb("best", "show its best try", best).add_argument("id")
    noun.verb("follow", "print its tries until it ends", follow_one).add_argument("id")
    noun.verb("cancel", "ask for the end of one and its tries", cancel).add_argument("id")


def policy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--policy", choices=("none", "bandit", "median", "truncation"), default="none")
    parser.add_argument("--interval", type=int, default=1, help="the policy looks at every so many reports")
    parser.add_argument("--delay", type=int, default=0, help="from that report on")
    parser.add_argument("--slack-factor", type=float)
    parser.add_argument("--slack-amount", type=float)
    parser.add_argument("--truncation", type=int, metavar="PERCENT")


def asked_of(given: argparse.Namespace) -> dict[str, Any]:
    limits = {
        "max_total_runs": given.total, "max_concurrent_runs": given.at_once, "max_duration_minutes": given.minutes
    }  # fmt: skip
    given_up = {
        "kind": given.policy, "evaluation_interval": given.interval, "delay_evaluation": given.delay,
        "slack_factor": given.slack_factor, "slack_amount": given.slack_amount,
        "truncation_percentage": given.truncation,
    }  # fmt: skip
    sampling = {"kind": given.sampling, "seed": given.seed, "parameters": pairs(given.vary)}
    return {
        "name": given.name,
        "sampling": sampling,
        "primary_metric": {"name": given.metric, "goal": given.goal},
        "policy": given_up,
        **{key: value for key, value in limits.items() if value is not None},
    }


def create(given: argparse.Namespace) -> None:
    found = context.context(given)
    row = found.api.post("sweeps", {**asked_of(given), **jobs.planned(found, given)})
    page = found.page(f"runs/{row['run_id']}/")
    show({**row, "page": page}, ("run_id", "page"), given.output)
    if given.follow:
        follow(found, row["run_id"])


def list_all(given: argparse.Namespace) -> None:
    show(context.context(given).api.get("sweeps"), COLUMNS, given.output)


def fetch(found: Context, run_id: str) -> dict[str, Any]:
    row: dict[str, Any] = found.api.get(f"sweeps/{part(run_id)}")
    return row


def show_one(given: argparse.Namespace) -> None:
    row = fetch(context.context(given), given.id)
    if given.output == "json":
        show(row, COLUMNS, given.output)
        return
    if given.output == "table":
        show(row, (*COLUMNS, "primary_metric", "parameters", "reason"), given.output)
        print()
    show(row["children"], CHILD, given.output)


def best(given: argparse.Namespace) -> None:
    row = fetch(context.context(given), given.id)
    if row["best"] is None:
        raise NotConfigured("No try has a value of the primary metric yet.")
    show(row["best"], CHILD, given.output)


def follow_one(given: argparse.Namespace) -> None:
    follow(context.context(given), given.id)


def follow(found: Context, run_id: str) -> None:
    """Print each try as it begins and ends; an end that is no success is the command's own."""
    states: dict[int, str] = {}
    while True:
        row = fetch(found, run_id)
        for child in sorted(row["children"], key=lambda one: int(one["number"])):
            if states.get(child["number"]) != child["state"]:
                states[child["number"]] = child["state"]
                print(line(child), flush=True)
        if row["state"].lower() in ENDED:
            break
        time.sleep(POLL_S)
    if row["state"].lower() != "completed":
        raise NotConfigured(f"The sweep {row['state'].lower()}: {row['reason'] or 'see its tries'}")


def line(child: dict[str, Any]) -> str:
    words = " ".join(f"{name}={value}" for name, value in child["parameters"].items())
    value = "" if child["best_metric"] is None else f"  {child['best_metric']:.6g}"
    return f"[{child['number']}] {child['state']}  {words}{value}"


def cancel(given: argparse.Namespace) -> None:
    row = context.context(given).api.post(f"sweeps/{part(given.id)}/cancel")
    show(row, ("run_id", "state"), given.output)
