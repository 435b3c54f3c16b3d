"""The small parent of a process: starts it, keeps its log within bounds, waits, writes down how it ended.

Runs as `python -I -S -c "…shim.main()"` with the spec as JSON on standard input, in a session of its own, detached from
whoever asked. It adopts orphans below it, so that nothing its process started is lost from sight; when the process
ends, what it left behind is ended too, and only then the exit code is written.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import pwd
import resource
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from compute.launcher import cgroups, procfs, record
from compute.launcher.logfile import CappedLog
from compute.launcher.spec import LimitedBy, Limits, ProcessSpec, from_message

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 36, 38
WATCH_S = 0.25
PATH = "/usr/local/bin:/usr/bin:/bin"
COULD_NOT_START = 127

libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Read the spec, let go of the caller, run the process to its end."""
    message = json.load(sys.stdin)
    spec, token, lock = from_message(message["spec"]), str(message["token"]), int(message["lock"])
    answer = os.dup(1)
    os.set_inheritable(lock, False)
    if os.fork():
        os._exit(0)
    _detach(adopts=not spec.leaves_children)
    Shim(spec, token, answer, lock).run()


def _detach(*, adopts: bool) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    os.umask(0o077)
    os.chdir("/")
    libc.prctl(PR_SET_CHILD_SUBREAPER, int(adopts), 0, 0, 0)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


class Shim:
    """One process's parent, from before its start to after its end."""

    def __init__(self, spec: ProcessSpec, token: str, answer: int, lock: int) -> None:
        self.spec = spec
        self.token = token
        self.answer = answer
        self.lock = lock
        self.oom = False
        self.detail = ""
        self.limited_by: LimitedBy = "none"
        self.groups: list[Path] = []
        self.user = _user(spec.run_as)

    def run(self) -> None:
        try:
            self._prepare()
            pid, go, failure, output = self._fork()
        except Exception as error:
            self._say({"error": f"{type(error).__name__}: {error}"})
            raise
        self.record = self._first_record(pid)
        record.write(self.spec.folder, self.record)
        os.write(go, b"x")
        os.close(go)
        # Ends at exec (the pipe closes) or with the reason why there was none.
        problem = _read_all(failure)
        self._say({"pid": pid})
        log = CappedLog(self.spec.log, self.spec.log_bytes_max, self.user)
        if problem:
            self.detail = problem
            log.write(f"could not start: {problem}\n".encode())
        status = self._wait(pid, output, log)
        self._finish(status, log, problem)

    def _say(self, words: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):
            os.write(self.answer, json.dumps(words).encode())
        os.close(self.answer)
        # The lock that the caller left with us: from here on the record speaks.
        os.close(self.lock)

    def _prepare(self) -> None:
        folder, temporary = self.spec.folder, self.spec.folder / "tmp"
        temporary.mkdir(mode=0o700, exist_ok=True)
        if self.user:
            # Sticky, and not the process's own: it may write here, but not replace its record.
            os.chown(folder, 0, self.user[1])
            folder.chmod(0o1770)
            os.chown(temporary, *self.user)
        if self.spec.cwd.is_relative_to(folder) and not self.spec.cwd.exists():
            self.spec.cwd.mkdir(parents=True)
            if self.user:
                os.chown(self.spec.cwd, *self.user)
        if self.spec.leaves_children:
            return
        try:
            self.groups = cgroups.make(f"{self.spec.name}-{self.token[:12]}", self.spec.limits)
            self.limited_by = "cgroup"
        except cgroups.NoCgroups:
            self.limited_by = "rlimit" if self.spec.limits != Limits() else "none"

    def _fork(self) -> tuple[int, int, int, int]:
        """Fork the process, held back until its record is written. Gives pid, go, failure and output pipes."""
        waiting, go = os.pipe()
        failure, tell = os.pipe()
        output, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(go)
            os.close(failure)
            os.close(output)
            self._become(waiting, tell, writing)
        for number in (waiting, tell, writing):
            os.close(number)
        try:
            cgroups.join(self.groups, pid)
        except OSError:
            cgroups.remove(self.groups)
            self.groups, self.limited_by = [], "rlimit"
        return pid, go, failure, output

    def _become(self, waiting: int, tell: int, writing: int) -> NoReturn:
        try:
            os.setsid()
            if os.read(waiting, 1) != b"x":
                os._exit(COULD_NOT_START)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
                signal.signal(number, signal.SIG_DFL)
            os.dup2(writing, 1)
            os.dup2(writing, 2)
            _limit(self.spec.limits, by_cgroup=bool(self.groups), user=self.user)
            _drop_to(self.user)
            libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            # After the change of user, which clears it: when the shim is killed, the process goes with it.
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            os.chdir(self.spec.cwd)
            os.execvpe(self.spec.argv[0], list(self.spec.argv), self._environment())  # noqa: S606
        except BaseException as error:  # noqa: BLE001  a forked child may only exit, whatever happened
            os.write(tell, f"{type(error).__name__}: {error}".encode())
        os._exit(COULD_NOT_START)

    def _environment(self) -> dict[str, str]:
        folder = str(self.spec.folder)
        name = self.spec.run_as or str(os.getuid())
        base = {
            "PATH": PATH,
            "LANG": "C.UTF-8",
            "HOME": folder,
            "TMPDIR": f"{folder}/tmp",  # noqa: S108  inside the process's own folder
            "USER": name,
            "LOGNAME": name,
        }
        return {**base, **self.spec.env, "STUDIO_PROCESS": self.token}

    def _first_record(self, pid: int) -> record.Record:
        child, me = procfs.read(pid), procfs.read(os.getpid())
        assert child and me  # both cannot have gone: one is held back, the other reads
        return record.Record(
            token=self.token,
            boot=procfs.boot_id(),
            shim=me.pid,
            shim_started=me.started,
            pid=pid,
            started=child.started,
            started_ms=_now_ms(),
            limited_by=self.limited_by,
            cgroups=[str(group) for group in self.groups],
        )

    def _wait(self, pid: int, output: int, log: CappedLog) -> int:
        """Copy output to the log until the process ends; whoever else holds the pipe then no longer counts."""
        os.set_blocking(output, False)
        ended = os.pidfd_open(pid)
        sources = {output, ended}
        watch_at = time.monotonic() + WATCH_S
        while True:
            ready, _writable, _broken = select.select(sources, [], [], WATCH_S)
            if output in ready and not _pump(output, log):
                sources.discard(output)
            late = time.monotonic() >= watch_at
            if ended in ready or late:
                if (status := self._reap(pid)) is not None:
                    break
                self._watch()
                watch_at = time.monotonic() + WATCH_S
        if not self.spec.leaves_children:
            self._end_leftovers()
        _pump(output, log, until_empty=True)
        return status

    def _reap(self, main: int) -> int | None:
        """Reap whatever ended; give the wait status of the process itself once it has."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return 0
            if pid == main:
                return status
            if pid == 0:
                return None

    def _watch(self) -> None:
        """Where no control group counts memory and processes, count them here."""
        limits = self.spec.limits
        if self.groups or not (limits.memory_bytes or limits.processes):
            return
        below = procfs.descendants(os.getpid())
        if limits.memory_bytes and sum(one.resident_bytes for one in below) > limits.memory_bytes:
            self.oom = True
            _kill(below)
        if limits.processes and len(below) > limits.processes:
            self.detail = "too many processes"
            _kill(below)

    def _end_leftovers(self) -> None:
        """End what the process left behind. Twice, as a dying parent may still have forked."""
        for _round in range(50):
            cgroups.kill(self.groups)
            below = procfs.descendants(os.getpid())
            if not below:
                return
            _kill(below)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            time.sleep(0.01)

    def _finish(self, status: int, log: CappedLog, problem: str) -> None:
        self.oom = self.oom or cgroups.ran_out_of_memory(self.groups)
        log.close()
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        cgroups.remove(self.groups)
        code = COULD_NOT_START if problem else os.waitstatus_to_exitcode(status)
        ended = record.over(
            self.record,
            exit_code=code,
            oom=self.oom,
            detail=self.detail,
            ended_ms=_now_ms(),
            cpu_s=round(usage.ru_utime + usage.ru_stime, 3),
        )
        # A new start may own the folder already, if a stop gave up on us.
        current = record.read(self.spec.folder)
        if current and current.token == self.token:
            record.write(self.spec.folder, ended)


def _user(run_as: str | None) -> tuple[int, int] | None:
    """Give (uid, gid) to run as, or None to stay who we are."""
    if not run_as or os.getuid() != 0:
        return None
    if run_as.isdigit():
        return int(run_as), int(run_as)
    account = pwd.getpwnam(run_as)
    return account.pw_uid, account.pw_gid


def _drop_to(user: tuple[int, int] | None) -> None:
    if user:
        os.setgroups([])
        os.setresgid(user[1], user[1], user[1])
        os.setresuid(user[0], user[0], user[0])


def _limit(limits: Limits, *, by_cgroup: bool, user: tuple[int, int] | None) -> None:
    _rlimit(resource.RLIMIT_CORE, 0)
    _rlimit(resource.RLIMIT_FSIZE, limits.file_bytes)
    _rlimit(resource.RLIMIT_NOFILE, limits.open_files)
    if by_cgroup:
        return
    # The data segment counts what is promised, not what is used, so it is only a brake on sudden greed: twice the
    # limit. The shim's own count of resident memory holds the limit itself.
    _rlimit(resource.RLIMIT_DATA, limits.memory_bytes and 2 * limits.memory_bytes)
    uid = user[0] if user else os.getuid()
    _rlimit(resource.RLIMIT_NPROC, limits.processes and procfs.threads_of(uid) + limits.processes)
    if limits.cpu_weight and limits.cpu_weight < 1:
        os.nice(5)


def _rlimit(which: int, value: int | None) -> None:
    if value is None:
        return
    _soft, hard = resource.getrlimit(which)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (value, value))


def _pump(output: int, log: CappedLog, *, until_empty: bool = False) -> bool:
    """Copy what is there; False once nobody holds the other end."""
    while True:
        try:
            data = os.read(output, 65536)
        except BlockingIOError:
            return True
        if not data:
            return False
        log.write(data)
        if not until_empty:
            return True


def _kill(processes: list[procfs.Process]) -> None:
    for process in processes:
        with contextlib.suppress(OSError):
            os.kill(process.pid, signal.SIGKILL)


def _read_all(pipe: int) -> str:
    with os.fdopen(pipe, "rb") as file:
        return file.read().decode(errors="replace")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
