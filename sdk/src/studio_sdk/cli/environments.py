"""Environments."""

from __future__ import annotations

import argparse
from pathlib import Path

from studio_sdk.cli import context
from studio_sdk.cli.output import show
from studio_sdk.cli.words import Noun, Verbs
from studio_sdk.client import part

COLUMNS = ("name", "version", "is_curated", "state", "created_by", "created_ms")


def add(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    noun = Noun(verbs, common, "environment", "environments: what is installed where code runs")
    noun.verb("list", "list them", list_all)
    noun.verb("show", "show one: name or name@version", show_one).add_argument("name")
    made = noun.verb("register", "register the next version of one from its files", register)
    made.add_argument("name")
    made.add_argument("file", nargs="+", help="conda.yaml, python_env.yaml, requirements.txt")
    noun.verb("build", "build one before a job needs it", build).add_argument("name")
    noun.verb("log", "print the log of its build", print_log).add_argument("name")


def list_all(given: argparse.Namespace) -> None:
    show(context.context(given).api.get("environments"), COLUMNS, given.output)


def show_one(given: argparse.Namespace) -> None:
    row = context.context(given).api.get(f"environments/{part(given.name)}")
    show(row, (*COLUMNS, "versions", "description", "definition", "digest"), given.output)


def register(given: argparse.Namespace) -> None:
    files = {Path(name).name: Path(name).read_text() for name in given.file}
    row = context.context(given).api.post("environments", {"name": given.name, "definition": {"files": files}})
    show(row, COLUMNS, given.output)


def build(given: argparse.Namespace) -> None:
    row = context.context(given).api.post(f"environments/{part(given.name)}/build")
    show(row, ("digest", "name", "state", "error"), given.output)


def print_log(given: argparse.Namespace) -> None:
    found = context.context(given).api
    digest = found.get(f"environments/{part(given.name)}")["digest"]
    print(found.get(f"environment-builds/{part(digest)}/log", offset=0)["text"], end="")
