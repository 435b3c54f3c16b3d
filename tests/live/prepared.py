"""What studios of the tests need of packages, installed once for all of them and for later runs."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
FOLDERS = ("environments", "serving")  # the sample's packages, and the scoring server's
KEPT = 2  # of those that other commits made


def give(home: Path) -> None:
    """Lay the sample's packages into a home that is not there yet, so that its studio finds them built."""
    if home.exists():
        return
    prepared = ready()
    home.mkdir(parents=True)
    home.chmod(0o711)
    for name in FOLDERS:
        # Nothing there is ever written to in place, so names for the same bytes do: a home costs a second and no room.
        subprocess.run(["cp", "-al", prepared / name, home / name], check=True)


def ready() -> Path:
    """Return the folder of what is prepared, made by the studio's own commands when it is missing."""
    CACHE.mkdir(exist_ok=True)
    folder = CACHE / f"prepared-{fingerprint()}"
    with (CACHE / "prepared.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            make(folder)
            forget_old()
    return folder


def make(folder: Path) -> None:
    """Prepare into a folder beside, so that what was interrupted is never taken for whole."""
    draft = CACHE / ".preparing"
    shutil.rmtree(draft, ignore_errors=True)
    env = {**os.environ, "STUDIO_HOME": str(draft), "PYTHONPATH": str(ROOT)}
    env.pop("STUDIO_RUNTIME_HOME", None)
    for command in ("prepare_sample", "prepare_serving"):
        subprocess.run([sys.executable, "manage.py", command], cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)
    for lock in draft.glob("*/*.lock"):
        lock.unlink()  # held by one studio, it would be held by all that have the same file
    draft.rename(folder)


def forget_old() -> None:
    """Delete what was prepared for pins that are no more."""
    made = sorted(CACHE.glob("prepared-*"), key=lambda path: path.stat().st_mtime)
    for folder in made[:-KEPT]:
        shutil.rmtree(folder, ignore_errors=True)


def fingerprint() -> str:
    """Return a hash of what decides about the packages: the pins, the code that installs them, the interpreter."""
    files = [
        ROOT / "requirements.txt",
        *(ROOT / "compute/environments").glob("*.py"),
        *(ROOT / "jobs/sample").glob("*"),
    ]
    files += (ROOT / "deployments").glob("layer*")
    total = hashlib.sha256(sys.executable.encode())
    for file in sorted(path for path in files if path.is_file()):
        total.update(file.read_bytes())
    return total.hexdigest()[:12]
