"""Compute targets."""

from __future__ import annotations

import argparse

from studio_sdk.cli import context
from studio_sdk.cli.output import show
from studio_sdk.cli.words import Noun, Verbs, may_ask, sure
from studio_sdk.client import part
from studio_sdk.usage import Usage

COLUMNS = ("name", "kind", "provisioning_state", "vm_size", "min_nodes", "max_nodes", "nodes_by_state")


def add(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    noun = Noun(verbs, common, "compute", "compute targets: clusters and inference clusters")
    noun.verb("list", "list them", list_all)
    noun.verb("show", "show one with its nodes", show_one).add_argument("name")
    noun.verb("sizes", "list the VM sizes", sizes)
    made = noun.verb("create", "make one", create)
    made.add_argument("name")
    made.add_argument("--kind", choices=("cluster", "inference"), default="cluster")
    made.add_argument("--size", default="", help="a VM size")
    made.add_argument("--min", type=int, default=0)
    made.add_argument("--max", type=int, default=1)
    made.add_argument("--idle", type=int, default=120, metavar="SECONDS")
    made.add_argument("--agents", type=int, default=3, help="of an inference cluster")
    changed = noun.verb("update", "rescale one", update)
    changed.add_argument("name")
    changed.add_argument("--min", type=int)
    changed.add_argument("--max", type=int)
    changed.add_argument("--idle", type=int, metavar="SECONDS")
    noun.verb("join", "print the command by which a machine joins a cluster", join).add_argument("name")
    node = noun.verb("node", "drain a node, give it work again, or let it leave", act_on_node)
    node.add_argument("name")
    node.add_argument("node")
    node.add_argument("act", choices=("drain", "resume", "remove"))
    noun.verb("usage", "show how much of each one is in use", usage)
    gone = noun.verb("delete", "delete one", delete)
    gone.add_argument("name")
    may_ask(gone)


def with_counts(row: dict[str, object]) -> dict[str, object]:
    status = row.get("status")
    counts = status.get("node_state_counts", {}) if isinstance(status, dict) else {}
    return {**row, "nodes_by_state": {state: count for state, count in counts.items() if count}}


def list_all(given: argparse.Namespace) -> None:
    rows = context.context(given).api.get("compute")
    show([with_counts(row) for row in rows], COLUMNS, given.output)


def show_one(given: argparse.Namespace) -> None:
    row = with_counts(context.context(given).api.get(f"compute/{part(given.name)}"))
    show(row, (*COLUMNS, "idle_s", "provisioning_errors", "created_ms"), given.output)


def sizes(given: argparse.Namespace) -> None:
    show(context.context(given).api.get("compute-sizes"), ("name", "cores", "memory_gib"), given.output)


def create(given: argparse.Namespace) -> None:
    asked = {"name": given.name, "kind": given.kind, "vm_size": given.size}
    scale = {"agent_count": given.agents} if given.kind == "inference" else {
        "min_nodes": given.min, "max_nodes": given.max, "idle_s": given.idle
    }  # fmt: skip
    show(with_counts(context.context(given).api.post("compute", {**asked, **scale})), COLUMNS, given.output)


def update(given: argparse.Namespace) -> None:
    asked = {"min_nodes": given.min, "max_nodes": given.max, "idle_s": given.idle}
    changed = {key: value for key, value in asked.items() if value is not None}
    show(with_counts(context.context(given).api.patch(f"compute/{part(given.name)}", changed)), COLUMNS, given.output)


def join(given: argparse.Namespace) -> None:
    row = context.context(given).api.post(f"compute/{part(given.name)}/join-token")
    show(row, ("command",), given.output)


def delete(given: argparse.Namespace) -> None:
    if sure(f"Delete the compute target {given.name}?", given):
        context.context(given).api.delete(f"compute/{part(given.name)}")


def act_on_node(given: argparse.Namespace) -> None:
    path = f"compute/{part(given.name)}/nodes/{part(given.node)}"
    context.context(given).api.post(path, {"act": given.act})


def usage(given: argparse.Namespace) -> None:
    found = Usage.of(context.context(given).api)
    show(
        [one.row for one in found], ("name", "vm_size", "nodes", "most", "running", "cores", "cores_most"), given.output
    )
