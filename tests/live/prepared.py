"""What studios of the tests need of packages, installed once for all of them and for later runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.kept import ROOT, fingerprint, kept

FOLDERS = ("environments", "serving")  # the sample's packages, and the scoring server's


def give(home: Path) -> None:
    """Lay the sample's packages into a home that is not there yet, so that its studio finds them built."""
    if home.exists():
        return
    with kept("prepared", made_of(), make) as prepared:
        home.mkdir(parents=True)
        home.chmod(0o711)
        for name in FOLDERS:
            # Nothing there is ever written to in place, so names for the same bytes do: it costs a second and no room.
            subprocess.run(["cp", "-al", prepared / name, home / name], check=True)


def make(draft: Path) -> None:
    """Have the studio's own commands prepare a home."""
    env = {**os.environ, "STUDIO_HOME": str(draft), "PYTHONPATH": str(ROOT)}
    env.pop("STUDIO_RUNTIME_HOME", None)
    for command in ("prepare_sample", "prepare_serving"):
        subprocess.run([sys.executable, "manage.py", command], cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)
    for lock in draft.glob("*/*.lock"):
        lock.unlink()  # held by one studio, it would be held by all that have the same file


def made_of() -> str:
    """Return a hash of what decides about the packages: the pins, the code that installs them, the interpreter."""
    files = [
        ROOT / "requirements.txt",
        *(ROOT / "compute/environments").glob("*.py"),
        *(ROOT / "jobs/sample").glob("*"),
        *(ROOT / "deployments").glob("layer*"),
    ]
    return fingerprint((path for path in files if path.is_file()), sys.executable)
