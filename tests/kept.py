"""What takes long to make and stays the same until something it is made of changes: kept in .cache/ between runs."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache"
MOST = 2  # of a kind, so that going back one commit makes nothing anew


@contextmanager
def kept(kind: str, fingerprint: str, make: Callable[[Path], None]) -> Iterator[Path]:
    """Give the folder that `make(draft)` fills when it is missing.

    The lock keeps two runs from making it twice, and one from deleting what another copies inside the block.
    """
    CACHE.mkdir(exist_ok=True)
    folder, draft = CACHE / f"{kind}-{fingerprint}", CACHE / f".{kind}"
    with (CACHE / f"{kind}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            shutil.rmtree(draft, ignore_errors=True)
            make(draft)
            draft.rename(folder)  # what was interrupted is never taken for whole
            forget_old(kind)
        yield folder


def forget_old(kind: str) -> None:
    """Delete what was made of things that are no more."""
    made = sorted(CACHE.glob(f"{kind}-*"), key=lambda path: path.stat().st_mtime)
    for folder in made[:-MOST]:
        shutil.rmtree(folder, ignore_errors=True)


def fingerprint(files: Iterable[Path], more: str) -> str:
    """Return a hash of what decides about the content: files, and what else is said."""
    total = hashlib.sha256(more.encode())
    for file in sorted(files):
        total.update(file.read_bytes())
    return total.hexdigest()[:12]
