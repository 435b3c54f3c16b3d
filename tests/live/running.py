"""A studio started as its owner starts it, in a temporary home on a free port."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx

from studio.supervisor import home as homes
from studio.supervisor import processes, records
from studio.supervisor.processes import Process
from tests.live import prepared

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN_S = 180.0  # the tests of others may have the processors
READY_WITH_SAMPLE_WITHIN_S = 600.0
OURS = ("STUDIO_", "DATABASE_URL", "REDIS_URL", "MLFLOW_", "DJANGO_SETTINGS_MODULE")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# A slow machine is no fault of the studio: httpx gives up after five seconds by itself.
fetch = partial(httpx.get, timeout=60)


def until(check, timeout_s: float = 60.0, every_s: float = 0.1):
    """Return the first true answer of `check`, or fail."""
    deadline = time.monotonic() + timeout_s
    while not (found := check()):
        assert time.monotonic() < deadline, f"not within {timeout_s} s"
        time.sleep(every_s)
    return found


@dataclass
class RunningStudio:
    """One `script/run` and what it says."""

    home: Path
    port: int = field(default_factory=free_port)
    root: Path = ROOT
    with_sample: bool = False  # with the sample's environment, made once for all studios
    prefix: tuple[str, ...] = ()  # what runs it as someone else
    settings: dict[str, str] = field(default_factory=dict)  # what its owner sets in the environment
    process: subprocess.Popen[bytes] | None = None
    output_file: Path = field(default=Path())
    cookies: dict[str, str] = field(default_factory=dict)

    @classmethod
    def found(cls, home: Path) -> RunningStudio:
        """One that somebody else started; it is not stopped here."""
        running = cls(home)
        running.port = int(running.env["STUDIO_URL"].rpartition(":")[2])
        return running

    def __post_init__(self) -> None:
        if self.output_file == Path():
            self.output_file = self.home.with_name(f"{self.home.name}.out")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        return self.output_file.read_text() if self.output_file.exists() else ""

    @property
    def env(self) -> dict[str, str]:
        """The variables of client.env."""
        lines = (self.home / "client.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    @property
    def token(self) -> str:
        return self.env["STUDIO_TOKEN"]

    @property
    def sign_in_link(self) -> str:
        """The one-time link printed last; once used, `new_sign_in_link` makes another."""
        return re.findall(r"http\S+/sign-in/\S+", self.output)[-1]

    def new_sign_in_link(self) -> str:
        return self.manage("signin_link").strip()

    def session(self) -> dict[str, str]:
        """Give the cookies of a browser in which the admin signed in, by one link for all tests: a link takes seconds.

        A test that signs out, or is about signing in, takes a link of its own.
        """
        if not self.cookies:
            with httpx.Client(timeout=60) as browser:
                browser.get(self.new_sign_in_link())
                self.cookies = dict(browser.cookies)
        return self.cookies

    @property
    def instance(self) -> str:
        return homes.instance_of(self.home, homes.load_secrets(self.home / "servers.json"))

    def environment(self) -> dict[str, str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        return {**env, "STUDIO_PYTHON": sys.executable, "STUDIO_PREPARE_SAMPLE": str(self.with_sample), **self.settings}

    def launch(self) -> RunningStudio:
        """Start it without waiting."""
        if self.with_sample:
            prepared.give(self.home)
        command = [*self.prefix, str(self.root / "script/run"), "--port", str(self.port), "--home", str(self.home)]
        with self.output_file.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self.environment(),
                cwd="/",
                start_new_session=True,
                # Tests that run behind a shell's `&` have Ctrl-C ignored, and a studio started so would ignore it too.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        return self

    def start(self) -> RunningStudio:
        """Start it and wait until it says that it is ready."""
        self.launch()
        self.wait_until_ready()
        return self

    def wait_until_ready(self) -> None:
        def said() -> bool:
            assert self.process is not None
            assert self.process.poll() is None, self.output
            return "Ready in" in self.output and self.is_healthy()

        until(said, READY_WITH_SAMPLE_WITHIN_S if self.with_sample else READY_WITHIN_S)

    def is_healthy(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/health", timeout=20).status_code == 200
        return False

    def get(self, path: str, **options) -> httpx.Response:
        return fetch(f"{self.url}{path}", headers={"Authorization": f"Bearer {self.token}"}, **options)

    def parts(self) -> dict[str, dict[str, object]]:
        return json.loads((self.home / "run/parts.json").read_text())["parts"]

    def members(self, part: str) -> list[Process]:
        """The processes of a part, the master first."""
        record = records.read(self.home / "run", part)
        found = record.members() if record else []
        return sorted(found, key=lambda process: process.pid != record.pid)

    def processes(self) -> list[Process]:
        """Whatever runs that belongs to this studio, found without its records."""
        places = {str(self.home), os.path.realpath(self.home)}
        found = {process.pid: process for process in processes.marked(self.instance)}
        for process in processes.every():
            if process.is_alive and any(processes.folder(process.pid).startswith(place) for place in places):
                found[process.pid] = process
        return list(found.values())

    def replicas(self) -> set[int]:
        """The scoring servers of this studio's endpoints, found by what their command line says."""
        folder = f"--model {self.home}/replicas/"
        return {one.pid for one in processes.every() if one.is_alive and folder in command_line(one.pid)}

    def manage(self, *arguments: str) -> str:
        """Run a management command by hand."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=self.root,
            env={**self.environment(), "STUDIO_HOME": str(self.home)},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def stop(self, number: signal.Signals = signal.SIGTERM, timeout_s: float = 60) -> int:
        """Tell it to stop; return its exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout_s)

    def kill_supervisor(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        """Leave nothing running of it."""
        if self.process and self.process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.stop()
        if (self.home / "servers.json").exists():
            processes.kill(self.processes())

    def abandon(self) -> None:
        """Kill it whole, the database by its own quickest way: it gives back what it has of the kernel's memory."""
        self.kill_supervisor()
        for server in self.members("database")[:1]:
            processes.send(server, signal.SIGQUIT)
            until(lambda gone=server: not processes.same(gone), every_s=0.02)

    def discard(self) -> None:
        """Leave nothing of it; what is deleted next is given no time to stop in order, for that takes half a minute."""
        if self.process and self.process.poll() is None:
            self.abandon()
        self.end()
        if (self.home / "servers.json").exists():
            runtime = homes.SYSTEM_RUNTIME / homes.runtime_name(self.home)
            shutil.rmtree(runtime, ignore_errors=True)
        shutil.rmtree(self.home, ignore_errors=True)
        self.output_file.unlink(missing_ok=True)


def command_line(pid: int) -> str:
    """Return the words of a process's command, or nothing when it is gone."""
    try:
        return (processes.PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def temporary_folder(name: str = "studio live ") -> Path:
    """A folder that others may walk through, as most homes are; with a space, because people have them."""
    folder = Path(tempfile.mkdtemp(prefix=name))
    folder.chmod(0o755)
    return folder
