"""What the supervisor writes down for those who come later: the next supervisor, the gateway's reload, `/health`.

`run/<part>.json` says which process a part is; `run/parts.json` how the parts fare.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from studio.supervisor import processes
from studio.supervisor.processes import Identity


@dataclass(frozen=True)
class Record:
    """A part's master process, which leads its own session and group."""

    part: str
    instance: str
    program: str
    pid: int
    start_time: int
    boot: str

    @property
    def identity(self) -> Identity:
        """Return what tells the master from every other process."""
        return Identity(self.pid, self.start_time, self.boot)

    def members(self) -> list[processes.Process]:
        """Return what lives of the part: its master, and whoever is in the session the master opened."""
        if self.boot != processes.boot_id():
            return []
        leader = processes.look(self.pid)
        if leader and not self.identity.fits(leader):
            return []  # the number is another's now, and so is the session of that number
        found = [process for process in processes.every() if process.session == self.pid and process.is_alive]
        return found if leader else [process for process in found if self._left_by_us(process)]

    def _left_by_us(self, process: processes.Process) -> bool:
        marks = processes.marks(process.pid)
        if marks:
            return marks.get(processes.INSTANCE_MARK) == self.instance
        # nginx and PostgreSQL write their titles over the environment; their program still tells.
        return processes.program(process.pid) == self.program


def path(run: Path, part: str) -> Path:
    """Return where the record of a part lies."""
    return run / f"{part}.json"


def write(run: Path, part: str, instance: str, pid: int) -> Record | None:
    """Write down which process a part is; None when it is gone already."""
    found = processes.identify(pid)
    if found is None:
        return None
    record = Record(part, instance, processes.program(pid), pid, found.start_time, found.boot)
    write_whole(path(run, part), json.dumps(asdict(record)))
    return record


def read(run: Path, part: str) -> Record | None:
    """Return the record of a part, or None when there is none that can be read."""
    try:
        return Record(**json.loads(path(run, part).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def clear(run: Path, part: str, instance: str) -> bool:
    """Kill all that is left of a part; say whether nothing of it remains."""
    record = read(run, part)
    if record is None or record.instance != instance:
        return True
    # Twice: a member may have forked between the look and the kill.
    left = processes.kill(record.members()) + processes.kill(record.members())
    if not left:
        path(run, part).unlink(missing_ok=True)
    return not left


def write_whole(file: Path, text: str) -> None:
    """Write a file so that a reader sees the old text or the new one."""
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    beside.write_text(text)
    beside.replace(file)
