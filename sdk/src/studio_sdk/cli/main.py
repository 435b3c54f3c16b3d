"""Read the command line, do it, say in one line what went wrong. Exit codes: 0 done, 1 refused, 2 misused."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from studio_sdk import __version__
from studio_sdk.cli import (
    completion,
    computes,
    datasets,
    datastores,
    endpoints,
    environments,
    jobs,
    models,
    runs,
    schedules,
    sessions,
    sweeps,
    workspaces,
)
from studio_sdk.cli.output import FORMATS
from studio_sdk.errors import StudioError

ROOMS = (
    sessions, workspaces, runs, jobs, sweeps, schedules, datasets, datastores, computes, environments, models,
    endpoints, completion,
)  # fmt: skip


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="studio", description="Experiments, jobs, models and endpoints of a studio.")
    made.add_argument("--version", action="version", version=__version__)
    verbs = made.add_subparsers(title="commands", metavar="command", required=True)
    for room in ROOMS:
        room.add(verbs, common())
    return made


def parsed(words: list[str]) -> argparse.Namespace:
    """Read the words; those after “--” are a command to run, which argparse would take for its own."""
    own, rest = (words[: words.index("--")], words[words.index("--") + 1 :]) if "--" in words else (words, [])
    made = parser()
    given = made.parse_args(own)
    if rest and not hasattr(given, "command"):
        made.error("nothing is run by this: leave “--” out")
    if rest:
        given.command = rest
    return given


def common() -> argparse.ArgumentParser:
    """What every command takes."""
    made = argparse.ArgumentParser(add_help=False)
    made.add_argument("--url", help="the studio's address (STUDIO_URL, config.json, or the one login there is)")
    made.add_argument("-w", "--workspace", help="the workspace (STUDIO_WORKSPACE or config.json)")
    made.add_argument("-o", "--output", choices=FORMATS, default="table", help="how to print (table)")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    given = parsed(sys.argv[1:] if arguments is None else list(arguments))
    try:
        given.do(given)
    except StudioError as error:
        print(f"studio: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        if isinstance(error, BrokenPipeError):  # `studio … | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            return 0
        print(f"studio: {line_of(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def line_of(error: OSError) -> str:
    """Say what went wrong with a file; an error that is none of the system's has a text of its own."""
    return f"{error.filename or ''}: {error.strerror}".removeprefix(": ") if error.strerror else str(error)
