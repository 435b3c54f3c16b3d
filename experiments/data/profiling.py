"""Counts what is in a table: one pass over its files, in a process with limits of its own (`profile_reader`)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

from django.db.models import F
from django.utils.translation import gettext as _

from experiments.data import stores
from experiments.data.models import DatasetVersion, ProfileState
from lib.clock import now_ms
from lib.errors import StudioError

READER = Path(__file__).parent / "profile_reader.py"
TIMEOUT_S = 90
LEASE_MS = 120_000
TRIES_MAX = 3
FILES_MAX = 64
COPIED_BYTES = 1024**3
LONGEST_LINE = 1024 * 1024


class NotRead(Exception):
    """The files could not be read as a table; the message is for the page."""


def send(version_id: int) -> None:
    from experiments.tasks import profile_dataset  # tasks import this module

    profile_dataset.apply_async((version_id,), queue="build")


def send_queued() -> None:
    """Send what waits for a profile and nobody is at: a lost message or a killed worker heals so."""
    waiting = DatasetVersion.objects.filter(profile_state=ProfileState.QUEUED, profile_ms__lt=now_ms() - LEASE_MS)
    for version_id in waiting.values_list("pk", flat=True)[:100]:
        send(version_id)


def work_on(version_id: int) -> None:
    """Profile a version that waits for it; called by two at once, one does it."""
    now = now_ms()
    waiting = DatasetVersion.objects.filter(
        pk=version_id, profile_state=ProfileState.QUEUED, profile_ms__lt=now - LEASE_MS
    )
    if not waiting.update(profile_ms=now, profile_tries=F("profile_tries") + 1):
        return
    version = DatasetVersion.objects.select_related("datastore").get(pk=version_id)
    try:
        if version.profile_tries > TRIES_MAX:
            raise NotRead(_("The table could not be profiled: it took too much time or memory."))
        made = {"profile_state": ProfileState.READY, "profile": read(version), "profile_error": ""}
    except NotRead as error:
        made = {"profile_state": ProfileState.FAILED, "profile_error": str(error)[:2000]}
    except StudioError as error:
        made = {"profile_state": ProfileState.FAILED, "profile_error": error.message[:2000]}
    DatasetVersion.objects.filter(pk=version_id, profile_ms=now).update(**made)


def read(version: DatasetVersion) -> dict[str, Any]:
    """Ask the reader. Raises NotRead for a table that it cannot read within its limits."""
    with ExitStack() as stack:
        files, is_whole = handed_over(version, stack)
        handles = [file.fileno() for file in files]
        asked = json.dumps(
            {**version.options, "files": handles, "is_whole": is_whole and len(handles) == version.file_count}
        )
        found = run(asked, handles)
    if "error" in found:
        raise NotRead(str(found["error"]))
    return found


def handed_over(version: DatasetVersion, stack: ExitStack) -> tuple[list[BinaryIO], bool]:
    """Open the first files; of an object store copies are made, together of no more than COPIED_BYTES.

    Says whether all bytes of them are there. A parquet file is read from its end, so it is copied whole or not at all.
    """
    left, files = COPIED_BYTES, []
    is_parquet = version.options.get("format") == "parquet"
    for one in version.files[:FILES_MAX]:
        if version.datastore.is_remote and is_parquet and one["size_bytes"] > left:
            break
        file, is_whole = stores.open_here(version.datastore, one["path"], left)
        files.append(stack.enter_context(file))
        left -= one["size_bytes"]
        if not is_whole:
            cut_at_line(file)
        if not is_whole or (left <= 0 and version.datastore.is_remote):
            return files, is_whole
    if not files:
        raise NotRead(_("The table could not be profiled: its first file is too large to be copied."))
    return files, True


def cut_at_line(file: BinaryIO) -> None:
    """Take the last line, which is a part of one, from the end of a copy."""
    size = file.seek(0, os.SEEK_END)
    start = file.seek(max(0, size - LONGEST_LINE))
    file.truncate(start + file.read().rfind(b"\n") + 1)
    file.seek(0)


def run(asked: str, handles: list[int]) -> dict[str, Any]:
    try:
        answer = subprocess.run(
            [sys.executable, "-I", str(READER), asked],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
            pass_fds=handles,
            env={"ARROW_DEFAULT_MEMORY_POOL": "system", "OMP_NUM_THREADS": "1", "PATH": os.defpath},
        )
    except subprocess.TimeoutExpired:
        raise NotRead(_("The table could not be profiled: it took too much time or memory.")) from None
    if answer.returncode != 0:
        raise NotRead(_("The table could not be read as what it says it is."))
    found: dict[str, Any] = json.loads(answer.stdout)
    return found
