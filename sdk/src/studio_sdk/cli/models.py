"""Registered models."""

from __future__ import annotations

import argparse
from pathlib import Path

from studio_sdk.cli import context
from studio_sdk.cli.context import pairs
from studio_sdk.cli.output import show
from studio_sdk.cli.words import Noun, Verbs, may_ask, sure
from studio_sdk.errors import NotConfigured
from studio_sdk.models import Models

COLUMNS = ("name", "version", "run_id", "description", "creation_timestamp")


def add(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    noun = Noun(verbs, common, "model", "registered models and their versions")
    noun.verb("list", "list models", list_all)
    noun.verb("versions", "list the versions of one", versions).add_argument("name")
    noun.verb("show", "show a version: name:version", show_one).add_argument("id")
    made = noun.verb("register", "register a local file or folder, or what a run has at a path", register)
    made.add_argument("name")
    made.add_argument("path")
    made.add_argument("--run", help="take the path from this run's files")
    made.add_argument("--description", default="")
    made.add_argument("--tag", action="append", metavar="KEY=VALUE")
    changed = noun.verb("update", "describe a version, tag it, or name it by an alias", update)
    changed.add_argument("id")
    changed.add_argument("--description")
    changed.add_argument("--tag", action="append", metavar="KEY=VALUE")
    changed.add_argument("--alias", action="append", default=[], help="such as champion; it leaves the version it had")
    down = noun.verb("download", "download a version", download)
    down.add_argument("id")
    down.add_argument("--to", default=".")
    down.add_argument("--overwrite", action="store_true", help="write over what is there")
    gone = noun.verb("delete", "delete a version", delete)
    gone.add_argument("id")
    may_ask(gone)


def models(given: argparse.Namespace) -> Models:
    return Models(context.context(given).workspace)


def split(text: str) -> tuple[str, int]:
    name, _colon, number = text.rpartition(":")
    if not name or not number.isdigit():
        raise NotConfigured(f"“{text}” is not of the form name:version.")
    return name, int(number)


def list_all(given: argparse.Namespace) -> None:
    rows = context.context(given).api.get("models")
    show(rows, ("name", "last_version", "description", "created_by", "updated_ms"), given.output)


def versions(given: argparse.Namespace) -> None:
    show(list(models(given).versions(f"name = '{given.name}'")), COLUMNS, given.output)


def show_one(given: argparse.Namespace) -> None:
    show(models(given).version(*split(given.id)), (*COLUMNS, "source", "tags"), given.output)


def register(given: argparse.Namespace) -> None:
    kept = models(given)
    if given.run:
        number = kept.register_from_run(given.name, given.run, given.path, given.description)
    else:
        number = kept.register_local(given.name, Path(given.path), given.description)
    for key, value in pairs(given.tag).items():
        kept.set_tag(given.name, number, key, value)
    print(f"{given.name}:{number}")


def update(given: argparse.Namespace) -> None:
    kept, (name, number) = models(given), split(given.id)
    if given.description is not None:
        kept.describe(name, number, given.description)
    for key, value in pairs(given.tag).items():
        kept.set_tag(name, number, key, value)
    for alias in given.alias:
        asked = {"name": name, "alias": alias, "version": str(number)}
        kept.mlflow.post("registered-models/alias", asked, is_safe=True)


def download(given: argparse.Namespace) -> None:
    try:
        print(models(given).download(*split(given.id), Path(given.to), replace=given.overwrite))
    except FileExistsError as error:
        raise NotConfigured(f"“{error.filename}” is there already; --overwrite writes over it.") from None


def delete(given: argparse.Namespace) -> None:
    if sure(f"Delete {given.id}?", given):
        models(given).delete(*split(given.id))
