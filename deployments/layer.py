"""The scoring server's program and packages, laid out where replicas can read them, once for each Python.

    <root>/program-<digest>/              the files of deployments/scoring
    <root>/packages-3.11-<digest>/        what scoring/requirements.txt pins, for that Python

A model's environment is never changed for serving: the packages stand at the end of its path.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable
from functools import cache, partial
from hashlib import sha256
from pathlib import Path

from uv import find_uv_bin

from deployments.drivers.base import DriverError, Program

SOURCE = Path(__file__).resolve().parent / "scoring"
PINS = SOURCE / "requirements.txt"
INSTALL_S = 300


def ensure(python: Path, minor: str, root: Path, wheels: Path) -> Program:
    """Give the program for a Python (`minor` as in "3.11"), made on first use; raises DriverError when it cannot be."""
    root.mkdir(parents=True, exist_ok=True, mode=0o755)
    pins = sha256(PINS.read_bytes()).hexdigest()[:12]
    return Program(
        folder=_once(root / f"program-{source_digest()}", _copy_program),
        packages=_once(root / f"packages-{minor}-{pins}", lambda folder: _install(folder, python, wheels)),
    )


@cache
def source_digest() -> str:
    total = sha256()
    for path in sorted(SOURCE.glob("*.py")):
        total.update(path.name.encode() + b"\0" + path.read_bytes())
    return total.hexdigest()[:12]


def _once(folder: Path, make: Callable[[Path], None]) -> Path:
    """Make a folder whole or not at all; of several at once, one makes it and the others wait."""
    if folder.is_dir():
        return folder
    with (folder.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            draft = folder.with_name(f".{folder.name}")
            shutil.rmtree(draft, ignore_errors=True)
            make(draft)
            _open_to_readers(draft)
            draft.replace(folder)
    return folder


def _copy_program(folder: Path) -> None:
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("__pycache__"))


def _install(folder: Path, python: Path, wheels: Path) -> None:
    command = [
        find_uv_bin(),
        "pip",
        "install",
        "--quiet",
        "--no-config",
        "--python",
        str(python),
        "--target",
        str(folder),
        "-r",
        str(PINS),
    ]
    environment = {**os.environ, "UV_CACHE_DIR": str(wheels)}
    run = partial(subprocess.run, capture_output=True, text=True, timeout=INSTALL_S, env=environment, check=False)
    try:
        done = run(command)
        # Without a network, what was fetched earlier may be enough.
        failed = done.returncode and run([*command, "--offline"]).returncode
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DriverError(f"The scoring server's packages could not be installed: {error}") from error
    if failed:
        raise DriverError(f"The scoring server's packages could not be installed: {done.stderr.strip()[-2000:]}")


def _open_to_readers(folder: Path) -> None:
    """Let a replica's own user read the files, whatever the studio's umask."""
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
