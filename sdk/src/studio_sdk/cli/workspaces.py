"""Workspaces."""

from __future__ import annotations

import argparse
from pathlib import Path

from studio_sdk import config_file, folders
from studio_sdk.cli import context
from studio_sdk.cli.output import show
from studio_sdk.cli.words import Noun, Verbs

COLUMNS = ("name", "group", "description", "state", "created_ms")


def add(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    noun = Noun(verbs, common, "workspace", "workspaces: list, show, choose")
    noun.verb("list", "list the workspaces that you may see", list_all)
    noun.verb("show", "show one", show_one)
    noun.verb("use", "mean this one from now on", use).add_argument("name")
    noun.verb("config", "write its config.json, which scripts read", write_config).add_argument(
        "folder", nargs="?", default="."
    )


def list_all(given: argparse.Namespace) -> None:
    show(context.studio(given).get("api/v1/workspaces"), COLUMNS, given.output)


def show_one(given: argparse.Namespace) -> None:
    columns = ("name", "group", "subscription_id", "location", "description", "created_ms")
    show(context.context(given).api.get("workspace"), columns, given.output)


def use(given: argparse.Namespace) -> None:
    given.workspace = given.name
    found = context.context(given)
    found.api.get("workspace")
    folders.write(context.DEFAULTS, {"url": found.studio.url, "workspace": given.name})
    print(f"Commands mean the workspace {given.name} of {found.studio.url} from now on.")


def write_config(given: argparse.Namespace) -> None:
    found = context.context(given)
    row = found.api.get("workspace")
    config = config_file.Config(row["subscription_id"], row["group"], row["name"], found.studio.url)
    print(config_file.write(Path(given.folder), config))
