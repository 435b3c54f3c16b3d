"""Which Pythons are on this machine, and who can reach them."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

NAME = re.compile(r"python(3\.\d+)$")


@dataclass(frozen=True)
class Interpreter:
    """`is_reachable`: other users of the machine can run it, so that jobs may run as one of them."""

    path: Path
    minor: str
    is_reachable: bool


def installed(*, search: Iterable[Path] | None = None) -> list[Interpreter]:
    """List interpreters, those that all users reach first, and the studio's own before others."""
    folders = list(search) if search is not None else _usual_folders()
    found: dict[Path, Interpreter] = {}
    own = _own()
    for path in [own, *(path for folder in folders for path in sorted(folder.glob("python3.*")))]:
        match = NAME.search(path.name)
        if match and os.access(path, os.X_OK) and path.resolve() not in found:
            found[path.resolve()] = Interpreter(path, match[1], is_reachable(path))
    return sorted(found.values(), key=lambda one: not one.is_reachable)


def choose(minor: str, candidates: list[Interpreter], *, least: str = "") -> tuple[Interpreter, str]:
    """Give the best interpreter, none below `least`, and a note, empty when the asked version is there.

    Without it the nearest is taken, the newer of two equally near; ValueError when there is none at all.
    """
    is_too_old = bool(least) and _number(minor) < _number(least)
    candidates = [one for one in candidates if not least or _number(one.minor) >= _number(least)]
    if not candidates:
        raise ValueError("there is no Python on this machine that the studio could use")
    if same := [one for one in candidates if one.minor == minor]:
        return same[0], ""
    # One that only we can run would make jobs run as us, and no package could be built from source apart.
    for_all = [one for one in candidates if one.is_reachable] or candidates
    asked = _number(minor)
    best = min(for_all, key=lambda one: (abs(_number(one.minor) - asked), -_number(one.minor)))
    if is_too_old:
        return best, f"Python {minor} is too old for the studio's client; {best.minor} was used instead."
    return best, f"Python {minor} is not on this machine; {best.minor} was used instead."


def is_reachable(path: Path) -> bool:
    """Say whether every user can run the program at `path` and read what it needs beside it."""
    real = path.resolve()
    try:
        readable = real.stat().st_mode & (stat.S_IROTH | stat.S_IXOTH) == stat.S_IROTH | stat.S_IXOTH
        parents = {*path.absolute().parents, *real.parents}
        return readable and all(parent.stat().st_mode & stat.S_IXOTH for parent in parents)
    except OSError:
        return False


def _own() -> Path:
    """Find the interpreter below our own virtual environment: one environment is not made from another."""
    name = f"python3.{sys.version_info.minor}"
    beside = Path(sys.base_prefix) / "bin" / name
    return beside if beside.exists() else Path(sys.executable).resolve()


def _usual_folders() -> list[Path]:
    folders = [Path("/usr/bin"), Path("/usr/local/bin"), Path("/opt/python/bin")]
    homes = [Path.home() / ".pyenv/versions", Path("/opt/pyenv/versions"), Path.home() / ".local/share/uv/python"]
    folders += [version / "bin" for home in homes if home.is_dir() for version in sorted(home.iterdir())]
    return [folder for folder in folders if folder.is_dir()]


def _number(minor: str) -> int:
    return int(minor.split(".")[1])
