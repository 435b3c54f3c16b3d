"""Small steps that the commands share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

Verbs = Any  # argparse's own class for sub-commands has no public name
Do = Callable[[argparse.Namespace], None]


class Noun:
    """A noun of the command line (`studio job …`) and its verbs."""

    def __init__(self, nouns: Verbs, common: argparse.ArgumentParser, name: str, said: str) -> None:
        self.common = common
        parser = nouns.add_parser(name, help=said, description=said)
        self.verbs = parser.add_subparsers(title="verbs", metavar="verb", required=True)

    def verb(self, name: str, said: str, do: Do) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = self.verbs.add_parser(name, help=said, description=said, parents=[self.common])
        made.set_defaults(do=do)
        return made


def sure(question: str, given: argparse.Namespace) -> bool:
    """Ask before something is lost; `--yes` answers. Without a terminal the answer is no."""
    if getattr(given, "yes", False):
        return True
    if not sys.stdin.isatty():
        print(f"{question} Say --yes to do it.", file=sys.stderr)
        return False
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def may_ask(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")
