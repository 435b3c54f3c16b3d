"""Schedules: a job submitted at the times of a cron expression."""

from __future__ import annotations

import argparse
from typing import Any

from studio_sdk.cli import context, jobs
from studio_sdk.cli.output import show
from studio_sdk.cli.words import Noun, Verbs, may_ask, sure
from studio_sdk.client import part

COLUMNS = ("name", "cron", "time_zone", "state", "next_ms", "experiment", "command", "target", "submitted_by")
TICK = ("due_ms", "at_ms", "by_hand", "outcome", "run_id", "job_state", "note")
SWITCHES = {"catches_up": "make missed times good by one job", "overlaps": "submit though the last job still runs"}


def add(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    noun = Noun(verbs, common, "schedule", "schedules: a job at the times of a cron expression")
    made = noun.verb("create", "make one, of a job that ran or of a folder", create)
    made.add_argument("name")
    jobs.work(made)
    times(made, is_cron_required=True)
    noun.verb("list", "list them", list_all)
    noun.verb("show", "show one with its next times and history", show_one).add_argument("name")
    changed = noun.verb("update", "change its times", update)
    changed.add_argument("name")
    times(changed, is_cron_required=False)
    for verb, said in (("pause", "submit nothing until it is resumed"), ("resume", "go on, for you")):
        noun.verb(verb, said, act).add_argument("name")
        noun.verbs.choices[verb].set_defaults(act=verb)
    noun.verb("run", "submit its job now", run).add_argument("name")
    gone = noun.verb("delete", "delete one; its jobs stay", delete)
    gone.add_argument("name")
    may_ask(gone)


def times(parser: argparse.ArgumentParser, *, is_cron_required: bool) -> None:
    parser.add_argument("--cron", required=is_cron_required, help="five fields, such as: 0 6 * * 1-5")
    parser.add_argument("--time-zone", help="such as Europe/Berlin (UTC)")
    for name, said in SWITCHES.items():
        parser.add_argument(f"--{name.replace('_', '-')}", action=argparse.BooleanOptionalAction, help=said)


def asked_times(given: argparse.Namespace) -> dict[str, Any]:
    found = {name: getattr(given, name) for name in ("cron", "time_zone", *SWITCHES)}
    return {name: value for name, value in found.items() if value is not None}


def create(given: argparse.Namespace) -> None:
    found = context.context(given)
    asked = {"name": given.name, **asked_times(given), **jobs.planned(found, given)}
    show(found.api.post("schedules", asked), COLUMNS, given.output)


def list_all(given: argparse.Namespace) -> None:
    show(context.context(given).api.get("schedules"), COLUMNS, given.output)


def show_one(given: argparse.Namespace) -> None:
    row = context.context(given).api.get(f"schedules/{part(given.name)}")
    if given.output == "json":
        show(row, COLUMNS, given.output)
        return
    if given.output == "table":
        show(row, (*COLUMNS, "next_ticks", "failures", "reason"), given.output)
        print()
    show(row["ticks"], TICK, given.output)


def update(given: argparse.Namespace) -> None:
    row = context.context(given).api.patch(f"schedules/{part(given.name)}", asked_times(given))
    show(row, COLUMNS, given.output)


def act(given: argparse.Namespace) -> None:
    show(context.context(given).api.post(f"schedules/{part(given.name)}/{given.act}"), COLUMNS, given.output)


def run(given: argparse.Namespace) -> None:
    row = context.context(given).api.post(f"schedules/{part(given.name)}/run")
    show(row, ("run_id", "state"), given.output)


def delete(given: argparse.Namespace) -> None:
    if sure(f"Delete the schedule {given.name}? Its jobs stay.", given):
        context.context(given).api.delete(f"schedules/{part(given.name)}")
