"""Start a server, know when it answers, and weigh all of its processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Weight:
    """What a tree of processes holds: proportional set size in bytes, CPU seconds of all its life, and how many."""

    pss_bytes: int
    cpu_s: float
    processes: int


def spent(process: psutil.Process) -> float:
    """Give the CPU seconds of a process and of its children that have ended."""
    times = process.cpu_times()
    return times.user + times.system + times.children_user + times.children_system


class Server:
    """A command in its own session, whose processes are found by a mark in their environment or by descent."""

    def __init__(self, command: Sequence[str], url: str, env: dict[str, str] | None = None) -> None:
        self.mark = uuid.uuid4().hex
        self.url = url
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **(env or {}), "BENCH_MARK": self.mark},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def wait_ready(self, limit_s: float = 300) -> float:
        """Give the seconds from the start to the first 200; raise TimeoutError when it never comes."""
        while time.monotonic() - self.began < limit_s:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}")
            try:
                with urllib.request.urlopen(self.url, timeout=5) as answer:
                    if answer.status == 200:
                        return time.monotonic() - self.began
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.02)
        raise TimeoutError(self.url)

    def processes(self) -> Iterator[psutil.Process]:
        descendants = {child.pid for child in psutil.Process(self.process.pid).children(recursive=True)}
        for process in psutil.process_iter():
            try:
                if process.pid in descendants or process.environ().get("BENCH_MARK") == self.mark:
                    yield process
            except psutil.Error:
                continue

    def weigh(self) -> Weight:
        pss, cpu, count = 0, 0.0, 0
        for process in self.processes():
            try:
                pss += process.memory_full_info().pss
                cpu += spent(process)
                count += 1
            except psutil.Error:
                continue
        return Weight(pss, cpu, count)

    def settle(self, percent: float = 15, limit_s: float = 30) -> bool:
        """Wait until three seconds in a row took less of a processor than `percent`; say whether that came."""
        deadline, quiet, before = time.monotonic() + limit_s, 0, self.spent()
        while quiet < 3 and time.monotonic() < deadline:
            time.sleep(1)
            now = self.spent()
            quiet = quiet + 1 if 100 * (now - before) < percent else 0
            before = now
        return quiet == 3

    def spent(self) -> float:
        total = 0.0
        for process in self.processes():
            with suppress(psutil.Error):
                total += spent(process)
        return total

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@contextmanager
def running(command: Sequence[str], url: str, env: dict[str, str] | None = None) -> Iterator[Server]:
    server = Server(command, url, env)
    try:
        yield server
    finally:
        server.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
