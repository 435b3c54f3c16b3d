"""What to run, and what was seen of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

LOG_BYTES_MAX = 256 * 1024 * 1024

LimitedBy = Literal["cgroup", "rlimit", "none"]


@dataclass(frozen=True)
class Limits:
    """What a process and all its descendants may use together.

    `cpu_weight` is a share relative to others (1.0 is one core's worth, it never slows an idle machine);
    `cpu_quota` a hard ceiling in cores. `file_bytes` is the largest single file.
    """

    memory_bytes: int | None = None
    cpu_weight: float | None = None
    cpu_quota: float | None = None
    processes: int | None = None
    file_bytes: int | None = None
    open_files: int | None = None


@dataclass(frozen=True)
class ProcessSpec:
    """A process to run in `folder`, which also keeps its record.

    `env` is all it gets besides PATH, LANG, HOME (the folder) and TMPDIR. `run_as` is a user name or a number (which
    needs no account) and counts only when the studio itself is root. `leaves_children`: what it starts by the launcher
    outlives it; only for programs of our own, and without limits.
    """

    name: str
    folder: Path
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    log: Path
    limits: Limits = field(default_factory=Limits)
    run_as: str | None = None
    log_bytes_max: int = LOG_BYTES_MAX
    leaves_children: bool = False


@dataclass(frozen=True)
class Observed:
    """What is there now. `started` is in kernel ticks since boot: with the pid it tells a process from a later one.

    `exit_code` is negative for a signal, None when nobody saw the end. `oom`: the memory limit ended a process of it.
    """

    state: Literal["absent", "running", "exited"]
    pid: int | None = None
    started: int | None = None
    exit_code: int | None = None
    oom: bool = False
    limited_by: LimitedBy = "none"
    detail: str = ""
    started_ms: int | None = None
    ended_ms: int | None = None
    cpu_s: float | None = None


def as_message(spec: ProcessSpec) -> dict[str, Any]:
    """Give the spec as plain JSON values, for the shim."""
    paths = {"folder": str(spec.folder), "cwd": str(spec.cwd), "log": str(spec.log)}
    return {**asdict(spec), **paths, "env": dict(spec.env), "argv": list(spec.argv)}


def from_message(message: dict[str, Any]) -> ProcessSpec:
    """Read back what `as_message` wrote."""
    paths = {name: Path(message[name]) for name in ("folder", "cwd", "log")}
    limits = Limits(**message["limits"])
    return ProcessSpec(**{**message, **paths, "argv": tuple(message["argv"]), "limits": limits})
