"""Facts about processes, and the killing of whole groups, never of a stranger that got a used number.

A process is told by its number and its start time together; a group by its leader, or, once the leader is gone,
by members that are in the session the leader opened and run under this studio's mark.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
INSTANCE_MARK = "STUDIO_INSTANCE"
PART_MARK = "STUDIO_PART"


@dataclass(frozen=True)
class Process:
    """A process as the kernel tells it. `start_time` is in clock ticks since boot."""

    pid: int
    parent: int
    group: int
    session: int
    start_time: int
    state: str

    @property
    def is_alive(self) -> bool:
        """Say whether it runs, or only waits to be reaped."""
        return self.state not in "ZX"


@dataclass(frozen=True)
class Identity:
    """What tells one process from every other, until the machine is started again."""

    pid: int
    start_time: int
    boot: str

    def lives(self) -> bool:
        """Say whether this very process still runs."""
        found = look(self.pid)
        return found is not None and found.is_alive and self.fits(found)

    def fits(self, process: Process) -> bool:
        """Say whether `process` is this one and not a later one of the same number."""
        return self.boot == boot_id() and (self.pid, self.start_time) == (process.pid, process.start_time)


def look(pid: int) -> Process | None:
    """Return what the kernel knows of a process, or None when there is none."""
    try:
        text = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # The name, in brackets, may hold spaces and brackets: count from its last one.
    fields = text[text.rindex(")") + 2 :].split()
    return Process(pid, int(fields[1]), int(fields[2]), int(fields[3]), int(fields[19]), fields[0])


def identify(pid: int) -> Identity | None:
    """Return the identity of a process that runs now."""
    found = look(pid)
    return Identity(pid, found.start_time, boot_id()) if found else None


def boot_id() -> str:
    """Return what changes whenever the machine starts, which makes all numbers new."""
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def every() -> Iterator[Process]:
    """Yield all processes of the machine."""
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (found := look(int(entry.name))):
            yield found


def marks(pid: int) -> dict[str, str]:
    """Return the studio's marks in the environment a process was started with, empty when it may not be read."""
    try:
        words = (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return {}
    pairs = (word.decode(errors="replace").partition("=") for word in words if word.startswith(b"STUDIO_"))
    return {name: value for name, _, value in pairs if name in (INSTANCE_MARK, PART_MARK)}


def program(pid: int) -> str:
    """Return the path of the program a process runs, or nothing when it may not be known."""
    try:
        return str((PROC / str(pid) / "exe").readlink()).removesuffix(" (deleted)")
    except OSError:
        return ""


def folder(pid: int) -> str:
    """Return the folder a process works in, or nothing when it may not be known."""
    try:
        return str((PROC / str(pid) / "cwd").readlink()).removesuffix(" (deleted)")
    except OSError:
        return ""


def working_in(place: Path) -> list[Process]:
    """Return the processes whose working folder is `place`: how a database's children are known."""
    wanted = os.path.realpath(place)
    return [process for process in every() if folder(process.pid) == wanted]


def marked(instance: str) -> list[Process]:
    """Return the processes that carry the studio's mark, wherever they stand in the tree."""
    return [process for process in every() if marks(process.pid).get(INSTANCE_MARK) == instance]


def kill(targets: Iterable[Process], timeout_s: float = 5.0) -> list[Process]:
    """Kill processes at once and wait until they are gone; return those that would not go."""
    mine = os.getpid()
    waiting = [process for process in targets if process.pid not in (0, 1, mine)]
    for process in waiting:
        send(process, signal.SIGKILL)
    deadline = time.monotonic() + timeout_s
    while (waiting := [process for process in waiting if same(process)]) and time.monotonic() < deadline:
        time.sleep(0.01)
    return waiting


def send(process: Process, number: signal.Signals) -> None:
    """Signal a process if it is still the one that was looked at."""
    if same(process):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(process.pid, number)


def same(process: Process) -> bool:
    """Say whether a process that was looked at earlier still runs."""
    now = look(process.pid)
    return now is not None and now.is_alive and now.start_time == process.start_time
