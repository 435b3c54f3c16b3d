"""Keeps one part running: starts it, waits until it is ready, notices its death, starts it again.

circus does the starting, the stopping and the log; what is decided here is when. See docs/decisions for why its
arbiter is not used.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from circus.stream import FileStream
from circus.watcher import Watcher

from studio.supervisor import processes, records
from studio.supervisor.parts import Part

LOG_BYTES = 10_000_000
LOG_FILES = 4
PROBE_EVERY_S = 0.05
SLOW_PROBE_EVERY_S = 0.5
DEATHS = 5
DEATHS_WITHIN_S = 60.0
FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 8.0
FAILED_DELAY_S = 30.0


@dataclass(frozen=True)
class State:
    """How a part fares: starting, ready, backoff, failed or stopped."""

    state: str
    pid: int | None = None
    restarts: int = 0
    reason: str = ""


class Keeper:
    """One part and its life. All methods run in the event loop."""

    def __init__(
        self, part: Part, home: Path, instance: str, env: Mapping[str, str], changed: Callable[[str, State], None]
    ) -> None:
        self.part = part
        self.log = home / "logs" / f"{part.name}.log"
        self.run = home / "run"
        self.instance = instance
        self.changed = changed
        self.state = State("stopped")
        self.ready = asyncio.Event()
        self.restarts = 0
        self.deaths: deque[float] = deque(maxlen=DEATHS)
        self.has_failed = False
        self.watcher = self._watcher(env)
        self.task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to keep the part running."""
        self.task = asyncio.create_task(self._keep(), name=self.part.name)

    async def stop(self) -> None:
        """Stop the part, by force if it takes too long, with all that belongs to it."""
        if self.task:
            self.task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.task
        await self.watcher.stop()
        await asyncio.to_thread(self.clear)
        self._become("stopped")

    def kill(self) -> None:
        """Kill the part now, while it is being stopped."""
        if record := records.read(self.run, self.part.name):
            processes.kill(record.members(), timeout_s=0)

    def clear(self) -> None:
        """Kill whatever is left of the part, from this studio or one that was killed."""
        records.clear(self.run, self.part.name, self.instance)
        self.part.clear()

    async def _keep(self) -> None:
        while True:
            born = time.monotonic()
            reason = await self._live()
            self.restarts += 1
            self.ready.clear()
            self._count(born, time.monotonic())
            await self._wait(reason)

    def _count(self, born: float, died: float) -> None:
        """Decide whether it has failed: by five deaths within a minute, until it has once lived for as long."""
        self.deaths.append(died)
        too_many = len(self.deaths) == DEATHS and died - self.deaths[0] < DEATHS_WITHIN_S
        self.has_failed = too_many or (self.has_failed and died - born < DEATHS_WITHIN_S)

    async def _live(self) -> str:
        """Run the part once, from start to death; return its last words."""
        self._begin()
        await asyncio.to_thread(self.clear)
        began = self.log.stat().st_size if self.log.exists() else 0
        await self.watcher.start()
        process = next(iter(self.watcher.processes.values()), None)
        if process is None:
            return "it could not be started"
        records.write(self.run, self.part.name, self.instance, process.pid)
        self._begin(process.pid)
        death = asyncio.create_task(died(process.pid))
        probing = asyncio.create_task(self._probe(process.pid))
        try:
            await death
        finally:
            probing.cancel()
            death.cancel()
        return await self._bury(process.pid, began)

    async def _bury(self, pid: int, began: int) -> str:
        # Killed before the master is reaped: until then its number, and so its group's, cannot be another's.
        await asyncio.to_thread(self.clear)
        await asyncio.sleep(0.05)  # its last words are still in the pipe
        self.watcher.reap_process(pid)
        await self.watcher.stop()
        return last_words(self.log, began)

    async def _probe(self, pid: int) -> None:
        """Say when the part is ready. A part that is slow to be ready is not killed for it."""
        began = time.monotonic()
        while not await asyncio.to_thread(self.part.is_ready):
            await asyncio.sleep(PROBE_EVERY_S if time.monotonic() - began < 10 else SLOW_PROBE_EVERY_S)
        self._become("ready", pid)
        self.ready.set()

    async def _wait(self, reason: str) -> None:
        if self.has_failed:
            self._become("failed", reason=reason)
            await asyncio.sleep(FAILED_DELAY_S)
        else:
            now = time.monotonic()
            recent = sum(now - death < DEATHS_WITHIN_S for death in self.deaths)
            self._become("backoff", reason=reason)
            await asyncio.sleep(min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** (recent - 1)))

    def _begin(self, pid: int | None = None) -> None:
        """Say that it is starting; what has failed stays so called, with its reason, until it is ready."""
        if self.has_failed:
            self._become("failed", pid, self.state.reason)
        else:
            self._become("starting", pid)

    def _become(self, state: str, pid: int | None = None, reason: str = "") -> None:
        self.state = State(state, pid, self.restarts, reason)
        self.changed(self.part.name, self.state)

    def _watcher(self, env: Mapping[str, str]) -> Watcher:
        # One stream for both, or each would go on writing to the file that the other has rotated away.
        stream = {"stream": FileStream(str(self.log), max_bytes=LOG_BYTES, backup_count=LOG_FILES)}
        uid, gid = self.part.user or (None, None)
        program, *arguments = self.part.command
        watcher = Watcher(
            self.part.name,
            shlex.quote(program),  # circus splits the command as a shell does, the arguments not
            args=arguments,
            env={**env, **self.part.env, processes.PART_MARK: self.part.name},
            working_dir=str(self.part.folder),
            uid=uid,
            gid=gid,
            stop_signal=signal.Signals[f"SIG{self.part.stop_signal}"],
            graceful_timeout=self.part.stop_within_s,
            respawn=False,
            max_retry=1,
            close_child_stdin=True,
            stdout_stream=stream,
            stderr_stream=stream,
        )
        watcher.initialize(None, {}, None)
        return watcher


async def died(pid: int) -> None:
    """Return when a child ends, at once and without reaping it."""
    handle = os.pidfd_open(pid)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(handle, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)


def last_words(log: Path, began: int) -> str:
    """Return the last line that a life of the part wrote, or nothing."""
    try:
        with log.open("rb") as opened:
            opened.seek(max(began if began <= log.stat().st_size else 0, log.stat().st_size - 4096))
            lines = [line.strip() for line in opened.read().decode(errors="replace").splitlines()]
    except OSError:
        return ""
    return next((line[:300] for line in reversed(lines) if line), "")
