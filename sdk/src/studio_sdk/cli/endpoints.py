"""Endpoints: models that answer."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from studio_sdk.cli import context
from studio_sdk.cli.context import Context, pairs
from studio_sdk.cli.models import split
from studio_sdk.cli.output import show
from studio_sdk.cli.words import Noun, Verbs, may_ask, sure
from studio_sdk.client import part, unreachable
from studio_sdk.errors import NotConfigured

COLUMNS = ("name", "state", "compute_type", "models", "scoring_uri", "created_ms")
WAITING = {"transitioning"}
POLL_S = 1.0


def add(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    noun = Noun(verbs, common, "endpoint", "endpoints: deploy, call, change, delete")
    noun.verb("list", "list them", list_all)
    noun.verb("show", "show one", show_one).add_argument("name")
    made = noun.verb("create", "deploy a model version as a new endpoint", create)
    made.add_argument("name")
    sized(made)
    made.add_argument("--cluster", default="", help="an inference cluster; without it one replica, for trying out")
    made.add_argument("--replicas", type=int)
    made.add_argument("--open", action="store_true", help="callable without a key")
    made.add_argument("--tag", action="append", metavar="KEY=VALUE")
    changed = noun.verb("update", "deploy a model version as the next revision", update)
    changed.add_argument("name")
    sized(changed)
    traffic = noun.verb("traffic", "divide the requests among revisions, such as: 3=90 4=10", share)
    traffic.add_argument("name")
    traffic.add_argument("share", nargs="+", metavar="REVISION=PERCENT")
    back = noun.verb("rollback", "bring an earlier revision back", roll_back)
    back.add_argument("name")
    back.add_argument("revision", type=int)
    called = noun.verb("invoke", "send a body and print the answer", invoke)
    called.add_argument("name")
    called.add_argument("body", help="JSON, or @FILE, or - for what comes in")
    noun.verb("keys", "show its keys", keys).add_argument("name")
    again = noun.verb("regenerate-key", "make a new key; the other stays", regenerate)
    again.add_argument("name")
    again.add_argument("which", choices=("primary", "secondary"))
    logs = noun.verb("logs", "print its newest log lines", print_logs)
    logs.add_argument("name")
    logs.add_argument("-n", "--lines", type=int, default=200)
    for name, said in (("stop", "end its replicas and keep it"), ("start", "start it again")):
        noun.verb(name, said, act).add_argument("name")
        noun.verbs.choices[name].set_defaults(act=name)
    ruled = noun.verb("set", "change how it answers, and what it says of itself", set_rules)
    ruled.add_argument("name")
    ruled.add_argument("--description")
    ruled.add_argument("--auth", action=argparse.BooleanOptionalAction, help="callable with a key alone")
    ruled.add_argument("--collect", action=argparse.BooleanOptionalAction, help="keep samples of inputs and outputs")
    ruled.add_argument("--replicas", type=int)
    ruled.add_argument("--tag", action="append", metavar="KEY=VALUE", help="in place of the tags that it has")
    noun.verb("history", "list who changed what", history).add_argument("name")
    counted = noun.verb("metrics", "show what it answered, by spans of time", print_metrics)
    counted.add_argument("name")
    counted.add_argument("--minutes", type=int, default=60)
    gone = noun.verb("delete", "delete one", delete)
    gone.add_argument("name")
    may_ask(gone)


def sized(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-m", "--model", required=True, metavar="NAME:VERSION")
    parser.add_argument("--cpu", type=float, metavar="CORES")
    parser.add_argument("--memory", type=float, metavar="GB")
    parser.add_argument("--wait", action="store_true", help="until it is healthy")


def asked_of(given: argparse.Namespace) -> dict[str, Any]:
    name, number = split(given.model)
    asked = {"model": name, "version": number, "cpu_cores": given.cpu, "memory_gb": given.memory}
    return {key: value for key, value in asked.items() if value is not None}


def with_models(row: dict[str, Any]) -> dict[str, Any]:
    shares = [f"{one['model']} {one['traffic']}%" for one in row.get("deployments", []) if one.get("traffic")]
    return {**row, "models": shares}


def list_all(given: argparse.Namespace) -> None:
    rows = context.context(given).api.get("endpoints")
    show([with_models(row) for row in rows], COLUMNS, given.output)


def show_one(given: argparse.Namespace) -> None:
    print_one(context.context(given), given)


def print_one(found: Context, given: argparse.Namespace) -> None:
    row = with_models(found.api.get(f"endpoints/{part(given.name)}"))
    page = found.page(f"endpoints/{given.name}/")
    show({**row, "page": page}, (*COLUMNS, "error", "auth_enabled", "tags", "page"), given.output)


def create(given: argparse.Namespace) -> None:
    found = context.context(given)
    asked = {
        **asked_of(given), "name": given.name, "auth_enabled": not given.open, "tags": pairs(given.tag),
        "compute_type": "cluster" if given.cluster else "instance", "compute_target_name": given.cluster,
    }  # fmt: skip
    if given.replicas:
        asked["num_replicas"] = given.replicas
    found.api.post("endpoints", asked)
    finish(found, given)


def update(given: argparse.Namespace) -> None:
    found = context.context(given)
    found.api.post(f"endpoints/{part(given.name)}/deployments", asked_of(given))
    finish(found, given)


def finish(found: Context, given: argparse.Namespace) -> None:
    while given.wait:
        row = found.api.get(f"endpoints/{part(given.name)}")
        if row["state"].lower() not in WAITING:
            break
        time.sleep(POLL_S)
    print_one(found, given)


def share(given: argparse.Namespace) -> None:
    found = context.context(given)
    shares = {revision: whole(per_cent) for revision, per_cent in pairs(given.share).items()}
    found.api.post(f"endpoints/{part(given.name)}/traffic", {"traffic": shares})
    print_one(found, given)


def whole(word: str) -> int:
    if not word.isdigit():
        raise NotConfigured(f"A share is a whole number of per cent, not “{word}”.")
    return int(word)


def roll_back(given: argparse.Namespace) -> None:
    found = context.context(given)
    found.api.post(f"endpoints/{part(given.name)}/roll-back", {"revision": given.revision})
    print_one(found, given)


def invoke(given: argparse.Namespace) -> None:
    import requests  # 0.1 s, which no other command pays for

    found = context.context(given)
    row = found.api.get(f"endpoints/{part(given.name)}")
    headers = {"Content-Type": "application/json"}
    if row["token_auth_enabled"]:
        headers["Authorization"] = f"Bearer {found.api.post(f'endpoints/{part(given.name)}/token')['token']}"
    elif row["auth_enabled"]:
        headers["Authorization"] = f"Bearer {found.api.get(f'endpoints/{part(given.name)}/keys')['primary']}"
    try:
        answer = found.studio.session.post(row["scoring_uri"], data=body_of(given.body), headers=headers, timeout=120)
    except requests.RequestException as error:
        raise unreachable(row["scoring_uri"], error) from None
    if answer.status_code != 200:
        raise NotConfigured(f"The endpoint answered {answer.status_code}: {answer.text[:1000]}")
    print(answer.text)


def body_of(word: str) -> bytes:
    if word == "-":
        return sys.stdin.buffer.read()
    return Path(word[1:]).read_bytes() if word.startswith("@") else word.encode()


def keys(given: argparse.Namespace) -> None:
    show(context.context(given).api.get(f"endpoints/{part(given.name)}/keys"), ("primary", "secondary"), given.output)


def regenerate(given: argparse.Namespace) -> None:
    asked = {"which": given.which}
    row = context.context(given).api.post(f"endpoints/{part(given.name)}/keys/regenerate", asked)
    show(row, ("primary", "secondary"), given.output)


def print_logs(given: argparse.Namespace) -> None:
    for line in context.context(given).api.get(f"endpoints/{part(given.name)}/logs", lines=given.lines)["lines"]:
        print(line)


def act(given: argparse.Namespace) -> None:
    found = context.context(given)
    found.api.post(f"endpoints/{part(given.name)}/{given.act}")
    print_one(found, given)


def delete(given: argparse.Namespace) -> None:
    if sure(f"Delete the endpoint {given.name}? It stops answering.", given):
        context.context(given).api.delete(f"endpoints/{part(given.name)}")


def set_rules(given: argparse.Namespace) -> None:
    found = context.context(given)
    asked = {
        "description": given.description, "auth_enabled": given.auth, "collect_model_data": given.collect,
        "num_replicas": given.replicas, "tags": pairs(given.tag) if given.tag else None,
    }  # fmt: skip
    found.api.patch(f"endpoints/{part(given.name)}", {key: value for key, value in asked.items() if value is not None})
    print_one(found, given)


def history(given: argparse.Namespace) -> None:
    rows = context.context(given).api.get(f"endpoints/{part(given.name)}/history")
    show(rows, ("at_ms", "by", "what", "revision", "details"), given.output)


def print_metrics(given: argparse.Namespace) -> None:
    rows = context.context(given).api.get(f"endpoints/{part(given.name)}/metrics", minutes=given.minutes)
    columns = ("start_ms", "requests", "refused", "failed", "p50_ms", "p95_ms", "p99_ms")
    show(rows, columns, given.output)
