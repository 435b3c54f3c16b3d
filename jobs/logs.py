"""Logs of jobs: what a build and a command said, a file an attempt, appended by offset."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from django.conf import settings

from experiments.artifacts import checked
from jobs.models import Job
from lib.errors import InvalidValue

# In the order in which they come about: the environment, then the command.
NAMES = ("build", "std")
FILES = "logs/"
FILES_MAX = 100
BYTES_MAX = 512 * 1024 * 1024


def folder(run_id: str) -> Path:
    return settings.ARTIFACTS_DIR / "jobs" / run_id


def path(job: Job, name: str) -> Path:
    """Say where a log of the newest attempt is: `build`, `std`, or a file of ./logs as `logs/<path>`."""
    if name.startswith(FILES) and checked(name) == name:
        return folder(job.pk) / f"files-{job.attempt}" / name.removeprefix(FILES)
    if name not in NAMES:
        raise InvalidValue(f"There is no log “{name[:40]}”; there are {', '.join(NAMES)} and files of ./logs.")
    return folder(job.pk) / f"{name}-{job.attempt}.log"


def append(file: Path, offset: int, data: bytes) -> int:
    """Write what is new of a piece; give the size afterwards, less than `offset` when a piece is missing."""
    if not 0 <= offset <= BYTES_MAX - len(data):
        raise InvalidValue("The log is larger than the studio keeps.")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise InvalidValue("A log of this name stands where a folder is needed.") from None
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        size = os.fstat(handle).st_size
        if size < offset:
            return size
        fresh = data[size - offset :]
        if fresh:
            os.pwrite(handle, fresh, size)
        return size + len(fresh)
    finally:
        os.close(handle)
