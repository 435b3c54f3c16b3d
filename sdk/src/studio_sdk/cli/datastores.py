"""Datastores: places of files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from studio_sdk.cli import context
from studio_sdk.cli.output import show
from studio_sdk.cli.words import Noun, Verbs, may_ask, sure
from studio_sdk.data import Datastore, local_files
from studio_sdk.errors import NotConfigured

COLUMNS = ("name", "kind", "is_default", "can_write", "folder", "path", "created_by", "created_ms")
OWN = "default"
SECRETS = ("account_key", "sas_token", "access_key_id", "secret_access_key", "session_token", "service_account")


def add(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    noun = Noun(verbs, common, "datastore", "datastores: places of files; “default” is the workspace's own")
    noun.verb("list", "list them", list_all)
    noun.verb("show", "show one", show_one).add_argument("name")
    made = noun.verb("create", "open one: a folder that the operator offers, or a bucket", create)
    made.add_argument("name")
    made.add_argument("--kind", default="folder", help="folder, s3, azure_blob or gcs, as the studio offers them")
    made.add_argument("--folder", help="the name of the operator's folder")
    made.add_argument("--path", help="below it")
    made.add_argument("--container", help="the bucket or container")
    made.add_argument("--account", help="the storage account")
    made.add_argument("--endpoint", help="the store's address, where it is not the cloud's own")
    made.add_argument("--region")
    secrets(made)
    changed = noun.verb("credentials", "put others in the place of those that are kept; none takes them away", replace)
    changed.add_argument("name")
    secrets(changed)
    may_ask(changed)
    found = noun.verb("files", "list a folder of one", list_files)
    found.add_argument("name")
    found.add_argument("path", nargs="?", default="")
    found.add_argument("-r", "--recursive", action="store_true")
    up = noun.verb("upload", "store a file or folder in one", upload)
    up.add_argument("name")
    up.add_argument("source")
    up.add_argument("path", nargs="?", default="", help="the folder there")
    up.add_argument("--overwrite", action="store_true", help="replace what is there; else it stays")
    down = noun.verb("download", "download files of one", download)
    down.add_argument("name")
    down.add_argument("path", nargs="?", default="", help="a file, a folder, or a pattern such as raw/**/*.csv")
    down.add_argument("--to", default=".")
    gone = noun.verb("delete-file", "delete a file in one", delete_file)
    gone.add_argument("name")
    gone.add_argument("path")
    may_ask(gone)
    gone = noun.verb("delete", "forget one; its files stay", delete)
    gone.add_argument("name")
    may_ask(gone)


def secrets(parser: argparse.ArgumentParser) -> None:
    said = f"a credential, read from a file: {', '.join(SECRETS)}"
    parser.add_argument("--secret", action="append", metavar="NAME=FILE", help=said)


def secret_of(given: argparse.Namespace) -> dict[str, str]:
    return {name: Path(file).read_text().strip() for name, file in context.pairs(given.secret).items()}


def store(given: argparse.Namespace) -> Datastore:
    return Datastore(context.context(given).api, given.name)


def list_all(given: argparse.Namespace) -> None:
    show(context.context(given).api.get("datastores")["datastores"], COLUMNS, given.output)


def show_one(given: argparse.Namespace) -> None:
    show(store(given).row(), COLUMNS, given.output)


def create(given: argparse.Namespace) -> None:
    names = ("name", "kind", "folder", "path", "container", "account", "endpoint", "region")
    asked = {name: getattr(given, name) for name in names if getattr(given, name)}
    secret = secret_of(given)
    row = context.context(given).api.post("datastores", {**asked, **({"secret": secret} if secret else {})})
    show(row, COLUMNS, given.output)


def replace(given: argparse.Namespace) -> None:
    secret = secret_of(given)
    if secret or sure(f"Take the credentials of {given.name} away? It is then read as anybody may.", given):
        kept = store(given)
        show(kept.api.patch(kept.address, {"secret": secret}), (*COLUMNS, "has_credentials"), given.output)


def list_files(given: argparse.Namespace) -> None:
    kept = store(given)
    rows = kept.walk(given.path) if given.recursive else kept.listing(given.path)
    show(list(rows), ("path", "is_dir", "size_bytes"), given.output)


def upload(given: argparse.Namespace) -> None:
    source = Path(given.source)
    folder = given.path.strip("/")
    if source.is_dir():
        pairs = local_files(source, folder)
    elif source.is_file():
        pairs = [(f"{folder}/{source.name}".lstrip("/"), source)]
    else:
        raise NotConfigured(f"There is no file or folder “{source}”.")
    stored = store(given).put_all(pairs, replaces=given.overwrite, tell=lambda line: print(line, file=sys.stderr))
    show({"stored": stored, "of": len(pairs)}, ("stored", "of"), given.output)


def download(given: argparse.Namespace) -> None:
    kept = store(given)
    for one in kept.chosen([given.path]):
        print(kept.download(one.path, Path(given.to) / one.name))


def delete_file(given: argparse.Namespace) -> None:
    if sure(f"Delete {given.path} in {given.name} for good?", given):
        store(given).delete(given.path)


def delete(given: argparse.Namespace) -> None:
    if sure(f"Forget the datastore {given.name}? Its files stay.", given):
        context.context(given).api.delete(store(given).address)
