"""A process's record: `state.json` in its folder, whole or not there."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from compute.launcher import procfs
from compute.launcher.spec import LimitedBy, Observed

NAME = "state.json"


@dataclass(frozen=True)
class Record:
    """`shim` is the small parent that waits; `pid` the process itself, leader of its own session."""

    token: str
    boot: str
    shim: int
    shim_started: int
    pid: int
    started: int
    started_ms: int
    limited_by: LimitedBy = "none"
    cgroups: list[str] = field(default_factory=list)
    is_over: bool = False
    exit_code: int | None = None
    oom: bool = False
    detail: str = ""
    ended_ms: int | None = None
    cpu_s: float | None = None

    # What the supervisor's clean stop and other readers of the file look for.
    @property
    def mark(self) -> str:
        return f"STUDIO_PROCESS={self.token}"

    @property
    def shim_lives(self) -> bool:
        return self.boot == procfs.boot_id() and procfs.is_same(self.shim, self.shim_started)

    @property
    def process_lives(self) -> bool:
        return self.boot == procfs.boot_id() and procfs.is_same(self.pid, self.started)


def read(folder: Path) -> Record | None:
    """Give the folder's record; None when nothing was started there, or its file was cut short by a crash."""
    try:
        values = json.loads((folder / NAME).read_text())
        return Record(**values)
    except (OSError, ValueError, TypeError):
        return None


def write(folder: Path, record: Record) -> None:
    fresh = folder / f".{NAME}.{record.token}.{os.getpid()}"
    with fresh.open("w") as file:
        json.dump(asdict(record), file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(folder / NAME)
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def over(record: Record, **fields: object) -> Record:
    return replace(record, is_over=True, **fields)  # type: ignore[arg-type]


def observed(record: Record) -> Observed:
    """Say what the record and the kernel say together."""
    alive = not record.is_over and (record.shim_lives or record.process_lives)
    return Observed(
        state="running" if alive else "exited",
        pid=record.pid,
        started=record.started,
        exit_code=record.exit_code,
        oom=record.oom,
        limited_by=record.limited_by,
        detail=record.detail,
        started_ms=record.started_ms,
        ended_ms=record.ended_ms,
        cpu_s=record.cpu_s,
    )
