"""The unprivileged account of what must not run as root, and the places such an account can reach."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from studio.supervisor.problems import CannotStart

CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """A user of this machine."""

    name: str
    uid: int
    gid: int


def database_account() -> Account | None:
    """Return who PostgreSQL, which refuses root, is to run as; None means whoever started the studio.

    `postgres` is made for it wherever it exists. `nobody` comes second: no account is added to a machine behind its
    owner's back.
    """
    if os.geteuid() != 0:
        return None
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise CannotStart("PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody.")


def reachable(path: Path) -> bool:
    """Say whether any user of this machine can walk to `path`, by the permissions of its parents."""
    real = Path(os.path.realpath(path))
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in real.parents if parent.exists())


def open_to_all(path: Path) -> bool:
    """Say whether any user can walk to `path` and into it."""
    return reachable(path) and (not path.exists() or bool(path.stat().st_mode & stat.S_IXOTH))
