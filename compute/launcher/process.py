"""Start, observe, stop."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from compute.launcher import cgroups, procfs, record
from compute.launcher.spec import Limits, Observed, ProcessSpec, as_message

ROOT = Path(__file__).resolve().parent.parent.parent
SHIM = "import sys; sys.path.insert(0, sys.argv[1]); from compute.launcher import shim; shim.main()"
START_S = 30.0
KILL_S = 5.0


class LaunchError(OSError):
    """A process could not be started, or would not end; the message says why."""


def start(spec: ProcessSpec, *, again: bool = True) -> Observed:
    """Start the process unless it runs already; one that has ended is started anew, unless `again` is False.

    A command that cannot be executed is no error here: it is seen as exited with 127, and its log says why.
    Raises LaunchError when not even the shim came up.
    """
    spec.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(spec.folder) as lock:
        seen = observe(spec.folder)
        if seen.state == "running" or (seen.state == "exited" and not again):
            return seen
        if seen.state == "exited":
            # Its shim may have been killed and have left children.
            _end(spec.folder, grace_s=0)
        _spawn(spec, lock)
        return observe(spec.folder)


def observe(folder: Path) -> Observed:
    """Say what became of the process of this folder; `absent` when none was ever started there."""
    found = record.read(folder)
    return record.observed(found) if found else Observed(state="absent")


def stop(folder: Path, grace_s: float = 5.0) -> None:
    """End the process and everything it started: TERM, then after `grace_s` KILL. Nothing there is no error.

    When this returns, none of them lives any more; raises LaunchError if the kernel will not let one go.
    """
    if not folder.is_dir():
        return
    with _locked(folder):
        _end(folder, grace_s=grace_s)


def relimit(folder: Path, limits: Limits) -> bool:
    """Change the limits of a running process; False where it has no control groups."""
    found = record.read(folder)
    if not found or found.is_over or not found.cgroups:
        return False
    try:
        cgroups.apply([Path(group) for group in found.cgroups], limits)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[int]:
    """Let one caller at a time start or stop what is in the folder."""
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def _spawn(spec: ProcessSpec, lock: int) -> None:
    token = secrets.token_hex(16)
    message = json.dumps({"spec": as_message(spec), "token": token, "lock": lock})
    # The shim inherits the lock, and so holds it until its record is written even if we are killed here.
    command = [sys.executable, "-I", "-S", "-c", SHIM, str(ROOT)]
    environment = {"PATH": os.defpath, "LANG": "C.UTF-8", "STUDIO_PROCESS_SHIM": token}
    shim = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        cwd="/",
        pass_fds=(lock,),
        start_new_session=True,
    )
    try:
        answer, problem = shim.communicate(message.encode(), timeout=START_S)
    except subprocess.TimeoutExpired:
        shim.kill()
        raise LaunchError(f"{spec.name}: the launcher did not answer within {START_S:.0f} s") from None
    words = json.loads(answer or b"{}")
    if "pid" not in words:
        raise LaunchError(f"{spec.name}: {words.get('error') or problem.decode(errors='replace')[-500:]}")


def _end(folder: Path, *, grace_s: float) -> None:
    found = record.read(folder)
    if not found or found.boot != procfs.boot_id():
        return
    _signal(_living(found), signal.SIGTERM if grace_s else signal.SIGKILL)
    deadline = time.monotonic() + grace_s
    while _living(found) and time.monotonic() < deadline:
        time.sleep(0.02)
    deadline = time.monotonic() + KILL_S
    while living := _living(found):
        if time.monotonic() > deadline:
            raise LaunchError(f"processes will not end: {sorted(process.pid for process in living)}")
        _signal(living, signal.SIGKILL)
        time.sleep(0.02)
    _close(folder, found)


def _living(found: record.Record) -> list[procfs.Process]:
    """List all that belongs to the record, the shim itself left out: by descent, session, mark and control group."""
    below = procfs.descendants(found.shim) if found.shim_lives else []
    groups = cgroups.members([Path(group) for group in found.cgroups])
    known = {process.pid: process for process in [*below, *procfs.marked(found.mark)]}
    leader = procfs.read(found.pid)
    # Once the leader is gone and its number used by another, that session is not ours.
    session_is_ours = leader is None or leader.started == found.started
    for process in procfs.everyone():
        in_session = process.session == found.pid and session_is_ours and process.started >= found.started
        if process.is_alive and (process.pid in groups or in_session):
            known[process.pid] = process
    known.pop(found.shim, None)
    return list(known.values())


def _signal(processes: list[procfs.Process], number: int) -> None:
    for process in processes:
        if procfs.is_same(process.pid, process.started):
            with contextlib.suppress(OSError):
                os.kill(process.pid, number)
                if number != signal.SIGKILL:
                    os.kill(process.pid, signal.SIGCONT)


def _close(folder: Path, found: record.Record) -> None:
    """Wait for the shim to write the end down; write it ourselves when it cannot."""
    deadline = time.monotonic() + 2.0
    while found.shim_lives and time.monotonic() < deadline:
        time.sleep(0.01)
    if found.shim_lives:
        with contextlib.suppress(OSError):
            os.kill(found.shim, signal.SIGKILL)
    cgroups.remove([Path(group) for group in found.cgroups])
    current = record.read(folder)
    if current and current.token == found.token and not current.is_over:
        record.write(folder, record.over(current, ended_ms=time.time_ns() // 1_000_000))
