"""Limits by control groups: version 1 where its controllers are writable, version 2 where it was delegated."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from compute.launcher.spec import Limits

ROOT = Path("/sys/fs/cgroup")
PERIOD_US = 100_000
PARENT = "studio"


class NoCgroups(Exception):
    """Control groups cannot be used here; rlimits must do."""


def own_paths() -> dict[str, str]:
    """Give controller → path of this process; "" is version 2."""
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    paths: dict[str, str] = {}
    for line in lines:
        _number, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            paths[controller] = path
    return paths


def make(name: str, limits: Limits) -> list[Path]:
    """Make the groups that these limits take; raise NoCgroups when they cannot be had."""
    wanted = _controllers(limits)
    if not wanted:
        raise NoCgroups
    try:
        paths = own_paths()
        made = _make_v2(name, wanted, paths) or _make_v1(name, wanted, paths)
    except OSError as error:
        raise NoCgroups(str(error)) from error
    try:
        apply(made, limits)
    except OSError as error:
        remove(made)
        raise NoCgroups(str(error)) from error
    return made


def _controllers(limits: Limits) -> set[str]:
    wanted = {"memory"} if limits.memory_bytes else set()
    if limits.cpu_weight or limits.cpu_quota:
        wanted.add("cpu")
    if limits.processes:
        wanted.add("pids")
    return wanted


def _make_v1(name: str, wanted: set[str], paths: dict[str, str]) -> list[Path]:
    made: list[Path] = []
    try:
        for controller in sorted(wanted):
            if controller not in paths or not (ROOT / controller).is_dir():
                raise NoCgroups(f"no cgroup controller {controller}")
            folder = ROOT / controller / paths[controller].lstrip("/")
            # Inside a container the path is the host's and not there; the mount itself is then our own group.
            folder = (folder if folder.is_dir() else ROOT / controller) / PARENT / name
            folder.mkdir(parents=True, exist_ok=True)
            made.append(folder)
    except BaseException:
        remove(made)
        raise
    return made


def _make_v2(name: str, wanted: set[str], paths: dict[str, str]) -> list[Path]:
    mount = ROOT if (ROOT / "cgroup.controllers").exists() else ROOT / "unified"
    if "" not in paths or not (mount / "cgroup.controllers").exists():
        return []
    own = mount / paths[""].lstrip("/")
    # A group with processes may not hand controllers down, so ours stand beside it, where the parent was given to us.
    base = own.parent if own != mount else mount
    if not wanted <= set((base / "cgroup.controllers").read_text().split()):
        return []
    folder = base / PARENT / name
    for level in (base, base / PARENT):
        level.mkdir(exist_ok=True)
        (level / "cgroup.subtree_control").write_text(" ".join(f"+{controller}" for controller in sorted(wanted)))
    folder.mkdir(exist_ok=True)
    return [folder]


def apply(groups: list[Path], limits: Limits) -> None:
    """Write the limits; for groups that exist already this changes them under a running process."""
    for group in groups:
        if (group / "cgroup.controllers").exists():
            _apply_v2(group, limits)
        else:
            _apply_v1(group, limits)


def _apply_v1(group: Path, limits: Limits) -> None:
    memory = group / "memory.limit_in_bytes"
    if limits.memory_bytes and memory.exists():
        memory.write_text(str(limits.memory_bytes))
        # Without this the limit is met by swapping; the file is absent where swap is not accounted.
        with contextlib.suppress(OSError):
            (group / "memory.memsw.limit_in_bytes").write_text(str(limits.memory_bytes))
    if (group / "cpu.shares").exists():
        if limits.cpu_weight:
            (group / "cpu.shares").write_text(str(max(2, int(1024 * limits.cpu_weight))))
        if limits.cpu_quota:
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (group / "cpu.cfs_quota_us").write_text(str(max(1000, int(PERIOD_US * limits.cpu_quota))))
    if limits.processes and (group / "pids.max").exists():
        (group / "pids.max").write_text(str(limits.processes))


def _apply_v2(group: Path, limits: Limits) -> None:
    if limits.memory_bytes:
        (group / "memory.max").write_text(str(limits.memory_bytes))
        with contextlib.suppress(OSError):
            (group / "memory.swap.max").write_text("0")
    if limits.cpu_weight:
        (group / "cpu.weight").write_text(str(min(10_000, max(1, int(100 * limits.cpu_weight)))))
    if limits.cpu_quota:
        (group / "cpu.max").write_text(f"{max(1000, int(PERIOD_US * limits.cpu_quota))} {PERIOD_US}")
    if limits.processes:
        (group / "pids.max").write_text(str(limits.processes))


def join(groups: list[Path], pid: int) -> None:
    for group in groups:
        (group / "cgroup.procs").write_text(str(pid))


def ran_out_of_memory(groups: list[Path]) -> bool:
    for group in groups:
        for name in ("memory.events", "memory.oom_control"):
            with contextlib.suppress(OSError):
                words = (group / name).read_text().split()
                if "oom_kill" in words and words[words.index("oom_kill") + 1] != "0":
                    return True
    return False


def members(groups: list[Path]) -> set[int]:
    found: set[int] = set()
    for group in groups:
        with contextlib.suppress(OSError):
            found |= {int(word) for word in (group / "cgroup.procs").read_text().split()}
    return found


def kill(groups: list[Path]) -> None:
    """Kill whatever is left in the groups: nothing leaves them, however often it forks."""
    for pid in members(groups):
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def remove(groups: list[Path]) -> None:
    """Remove empty groups; the kernel needs a moment after the last process is gone."""
    for group in groups:
        for _try in range(20):
            try:
                group.rmdir()
                break
            except FileNotFoundError:
                break
            except OSError:
                time.sleep(0.01)
