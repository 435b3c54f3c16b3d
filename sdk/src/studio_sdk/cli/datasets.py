"""Datasets: names for files, with versions."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from studio_sdk.cli import context
from studio_sdk.cli.context import pairs
from studio_sdk.cli.output import show
from studio_sdk.cli.words import Noun, Verbs, may_ask, sure
from studio_sdk.client import part
from studio_sdk.data import Datasets, Datastore, digest_of, local_files
from studio_sdk.errors import NotConfigured
from studio_sdk.files import write_whole

COLUMNS = ("name", "kind", "latest_version", "file_count", "size_bytes", "updated_ms")
VERSION = (
    "name",
    "version",
    "kind",
    "datastore",
    "file_count",
    "size_bytes",
    "description",
    "created_by",
    "created_ms",
)

PROFILE = ("name", "type", "count", "missing", "distinct", "min", "mean", "max", "std")


def add(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    noun = Noun(verbs, common, "data", "datasets: names for files, with versions")
    noun.verb("list", "list them", list_all)
    noun.verb("show", "show a version: name or name@version", show_one).add_argument("id")
    noun.verb("versions", "list the versions of one", versions).add_argument("name")
    made = noun.verb("create", "register files of a datastore or of this computer, as the name's next version", create)
    made.add_argument("name")
    made.add_argument("path", nargs="+", help="paths in the datastore: files, folders, patterns such as raw/**/*.csv")
    made.add_argument("--local", action="store_true", help="the paths are of this computer: upload them first")
    made.add_argument("--datastore", default="default")
    made.add_argument("--table", action="store_true", help="a table: csv, tsv, txt or parquet")
    made.add_argument("--separator", help="of a table's text files")
    made.add_argument("--no-header", action="store_true", help="their first line is a row")
    made.add_argument("--description", default="")
    made.add_argument("--tag", action="append", metavar="KEY=VALUE")
    noun.verb("files", "list the files of a version", list_files).add_argument("id")
    down = noun.verb("download", "download the files of a version", download)
    down.add_argument("id")
    down.add_argument("--to", default=".")
    noun.verb("profile", "show what is in the columns of a table", profile).add_argument("id")
    noun.verb("uses", "list the runs that were given it", uses).add_argument("name")
    gone = noun.verb("delete", "delete one, or a version of it: name@version; files stay", delete)
    gone.add_argument("id")
    may_ask(gone)


def datasets(given: argparse.Namespace) -> Datasets:
    return Datasets(context.context(given).api)


def split(text: str) -> tuple[str, str]:
    name, at, number = text.rpartition("@")
    return (name, number or "latest") if at else (text, "latest")


def list_all(given: argparse.Namespace) -> None:
    show(datasets(given).all(), COLUMNS, given.output)


def show_one(given: argparse.Namespace) -> None:
    show(datasets(given).version(*split(given.id)), (*VERSION, "paths", "options", "tags", "digest"), given.output)


def versions(given: argparse.Namespace) -> None:
    show(datasets(given).versions(given.name), VERSION, given.output)


def create(given: argparse.Namespace) -> None:
    found = context.context(given)
    asked: dict[str, Any] = {
        "kind": "tabular" if given.table else "file",
        "datastore": given.datastore,
        "paths": uploaded(Datastore(found.api, given.datastore), given) if given.local else given.path,
        "description": given.description,
        "tags": pairs(given.tag),
    }
    if given.table:
        asked["options"] = {"has_header": not given.no_header}
        if given.separator:
            asked["options"]["separator"] = given.separator
    row = Datasets(found.api).create(given.name, asked, adds_version=True)
    show({**row, "page": found.page(f"data/{part(given.name)}/")}, (*VERSION, "page"), given.output)


def uploaded(store: Datastore, given: argparse.Namespace) -> list[str]:
    """Store local files below a folder named by their content, so that a changed file is never taken for the old."""
    pairs: list[tuple[str, Path]] = []
    for word in given.path:
        source = Path(word)
        if source.is_dir():
            pairs += local_files(source, "" if len(given.path) == 1 else source.resolve().name)
        elif source.is_file():
            pairs.append((source.name, source))
        else:
            raise NotConfigured(f"There is no file or folder “{word}”.")
    folder = f"{given.name}/{digest_of(pairs)}"
    store.put_all([(f"{folder}/{name}", file) for name, file in pairs])
    return [folder]


def list_files(given: argparse.Namespace) -> None:
    rows = [{"name": one.name, "path": one.path, "size_bytes": one.size_bytes}
            for one in datasets(given).files(*split(given.id))]  # fmt: skip
    show(rows, ("name", "size_bytes", "path"), given.output)


def download(given: argparse.Namespace) -> None:
    kept, (name, number) = datasets(given), split(given.id)
    for one in kept.files(name, number):
        print(write_whole(kept.read(name, number, one.name), Path(given.to) / one.name))


def profile(given: argparse.Namespace) -> None:
    name, number = split(given.id)
    found = context.context(given).api.get(f"datasets/{part(name)}/versions/{part(number)}/profile")
    if found["state"] != "ready":
        raise NotConfigured(f"The profile is {found['state']}. {found['error']}".strip())
    show(found["profile"]["columns"], PROFILE, given.output)


def uses(given: argparse.Namespace) -> None:
    rows = context.context(given).api.get(f"datasets/{part(given.name)}/uses")
    show(rows, ("run_id", "run_name", "experiment", "status", "name", "version", "start_ms"), given.output)


def delete(given: argparse.Namespace) -> None:
    name, number = split(given.id)
    if sure(f"Delete the dataset {given.id}? Its files stay in the datastore.", given):
        datasets(given).delete(name, number if "@" in given.id else None)
