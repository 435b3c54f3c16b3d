"""Signing in and out."""

from __future__ import annotations

import argparse

from studio_sdk import credentials, folders
from studio_sdk.cli import context
from studio_sdk.cli.output import show
from studio_sdk.cli.words import Verbs
from studio_sdk.login import log_in


def add(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    made = verbs.add_parser("login", help="sign in by a code confirmed in a browser", parents=[common])
    made.add_argument("address", nargs="?", help="the studio's address, such as http://localhost:8642")
    made.set_defaults(do=login)
    made = verbs.add_parser("logout", help="forget the login", parents=[common])
    made.set_defaults(do=logout)
    made = verbs.add_parser("whoami", help="show the studio and the workspaces that you may see", parents=[common])
    made.set_defaults(do=whoami)


def login(given: argparse.Namespace) -> None:
    url = (given.address or context.url_of(given)).rstrip("/")
    log_in(url if "://" in url else f"http://{url}")


def logout(given: argparse.Namespace) -> None:
    url = context.url_of(given)
    was = credentials.forget_login(url)
    folders.write(context.DEFAULTS, {})
    print(f"Signed out of {url}." if was else f"There was no login for {url}.")


def whoami(given: argparse.Namespace) -> None:
    client = context.studio(given)
    rows = client.get("api/v1/workspaces")
    show([{"studio": client.url, **row} for row in rows], ("studio", "name", "group"), given.output)
