"""What the kernel says about processes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Process:
    pid: int
    state: str
    parent: int
    group: int
    session: int
    threads: int
    started: int
    resident_bytes: int

    @property
    def is_alive(self) -> bool:
        return self.state not in "ZX"


def read(pid: int) -> Process | None:
    """Give the process of this number, or None when there is none."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    # The name stands in brackets and may itself hold brackets and spaces: fields are counted after the last one.
    fields = text[text.rindex(")") + 2 :].split()
    return Process(
        pid=pid,
        state=fields[0],
        parent=int(fields[1]),
        group=int(fields[2]),
        session=int(fields[3]),
        threads=int(fields[17]),
        started=int(fields[19]),
        resident_bytes=int(fields[21]) * PAGE,
    )


def everyone() -> Iterator[Process]:
    for entry in os.scandir(PROC):
        if entry.name.isdigit() and (process := read(int(entry.name))):
            yield process


def is_same(pid: int | None, started: int | None) -> bool:
    """Say whether the process of this number is alive and the one that started at that tick."""
    process = read(pid) if pid else None
    return process is not None and process.is_alive and process.started == started


def descendants(pid: int) -> list[Process]:
    """List the living below `pid`, by their parents."""
    children: dict[int, list[Process]] = {}
    for process in everyone():
        children.setdefault(process.parent, []).append(process)
    found: list[Process] = []
    wave = children.get(pid, [])
    while wave:
        found += wave
        wave = [child for process in wave for child in children.get(process.pid, [])]
    return [process for process in found if process.is_alive]


def marked(mark: str) -> list[Process]:
    """List the living that were started with this word (`NAME=value`) in their environment."""
    needle = mark.encode()
    return [process for process in everyone() if process.is_alive and needle in _environment(process.pid)]


def _environment(pid: int) -> list[bytes]:
    try:
        return (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


def boot_id() -> str:
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def threads_of(uid: int) -> int:
    """Count the threads of a user, as RLIMIT_NPROC does."""
    total = 0
    for process in everyone():
        try:
            if (PROC / str(process.pid)).stat().st_uid == uid:
                total += process.threads
        except OSError:
            continue
    return total
