"""Workspaces."""

from __future__ import annotations

import argparse
from pathlib import Path

from studio_sdk import config_file, folders
from studio_sdk.cli import context
from studio_sdk.cli.output import show
from studio_sdk.cli.words import Noun, Verbs, may_ask, sure
from studio_sdk.client import part

COLUMNS = ("name", "group", "description", "state", "created_ms")


def add(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    noun = Noun(verbs, common, "workspace", "workspaces: list, show, choose")
    noun.verb("list", "list the workspaces that you may see", list_all)
    made = noun.verb("create", "make one, and its resource group if need be (for an admin of the studio)", create)
    made.add_argument("name")
    made.add_argument("--group", help="the resource group (the same name)")
    made.add_argument("--description", default="")
    noun.verb("contents", "count what is in one", contents)
    noun.verb("show", "show one", show_one)
    noun.verb("use", "mean this one from now on", use).add_argument("name")
    noun.verb("config", "write its config.json, which scripts read", write_config).add_argument(
        "folder", nargs="?", default="."
    )
    noun = Noun(verbs, common, "group", "resource groups (for an admin of the studio)")
    noun.verb("list", "list them with their workspaces", list_groups)
    gone = noun.verb("delete", "delete one with its workspaces and all that is in them", delete_group)
    gone.add_argument("name")
    may_ask(gone)


def list_all(given: argparse.Namespace) -> None:
    show(context.studio(given).get("api/v1/workspaces"), COLUMNS, given.output)


def create(given: argparse.Namespace) -> None:
    found = context.studio(given).below("api/v1")
    group = given.group or given.name
    if group not in {row["name"] for row in found.get("groups")}:
        found.post("groups", {"name": group})
    row = found.post(f"groups/{part(group)}/workspaces", {"name": given.name, "description": given.description})
    show(row, COLUMNS, given.output)


def contents(given: argparse.Namespace) -> None:
    show(context.context(given).api.get("contents"), ("kind", "rows", "size_bytes"), given.output)


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


def list_groups(given: argparse.Namespace) -> None:
    rows = context.studio(given).get("api/v1/groups")
    show(rows, ("name", "workspaces", "subscription_id", "location", "state", "created_ms"), given.output)


def delete_group(given: argparse.Namespace) -> None:
    if sure(f"Delete the resource group {given.name} with ALL that is in its workspaces?", given):
        row = context.studio(given).delete(f"api/v1/groups/{part(given.name)}", {"confirm": given.name})
        show(row, ("name", "state"), given.output)
