"""The studio's own client, which environments get where scripts ask for the cloud's: a wheel made of `sdk/`."""

from __future__ import annotations

import fcntl
import functools
import hashlib
import subprocess
import tempfile
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2] / "sdk"
LEAST_PYTHON = "3.10"  # as its pyproject.toml says
BUILD_S = 300


@functools.cache
def fingerprint() -> str:
    """Name the client's content, as environments remember it: another client makes another environment."""
    total = hashlib.sha256()
    for file in sorted(one for one in SOURCES.rglob("*") if one.suffix in (".py", ".pth", ".toml", ".md")):
        total.update(f"\0{file.relative_to(SOURCES)}\0".encode() + file.read_bytes())
    return total.hexdigest()[:16]


def wheel(below: Path, uv: str) -> Path:
    """Give the wheel, made below a folder the first time; uv makes it of what is here, without a network.

    Raises RuntimeError with the last words of uv.
    """
    folder = below / fingerprint()
    if found := list(folder.glob("*.whl")):
        return found[0]
    below.mkdir(parents=True, exist_ok=True)
    with (below / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            make(folder, uv)
    return next(folder.glob("*.whl"))


def make(folder: Path, uv: str) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        draft = Path(scratch) / "made"
        command = [uv, "build", "--wheel", "--offline", "--no-config", str(SOURCES), "--out-dir", str(draft)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_S)
        if done.returncode:
            raise RuntimeError(f"The client's wheel could not be made: {done.stderr.strip()[-2000:]}")
        for wheel in draft.glob("*.whl"):
            wheel.chmod(0o644)
        draft.chmod(0o755)
        draft.rename(folder)
