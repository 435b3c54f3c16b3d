"""Replicas as processes of this machine, each in its own folder with its own limits.

    <root>/<revision>.<n>/   state.json (the launcher's)  settings.json  http.sock  status.sock  log  captured/  tmp/

A replica outlives whoever started it and is found again by its folder.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, ClassVar

from compute import launcher
from compute.launcher import Limits, ProcessSpec
from deployments.drivers.base import DriverError, Observed, ReplicaSeen, ReplicaState, Sample, ServingSpec

CAPTURED = re.compile(r"(\d{9,11})\.jsonl")
FOLDER = re.compile(r"(?P<name>[a-z0-9-]+)\.(?P<number>\d+)")
# The kernel holds a socket's path in 108 bytes.
LONGEST_SOCKET = 100
PROBE_S = 1.0
DRAIN_S = 10.0
START_WEIGHT = 2.0
# Threads count as well, and where an rlimit holds it, those of all 32 replicas that an endpoint may have.
PROCESSES = 2048
OPEN_FILES = 4096
LOG_BYTES = 64 * 1024 * 1024
TAIL_BYTES = 512 * 1024
PIECE_BYTES = 256 * 1024
LONGEST_STATUS = 1024 * 1024
LONGEST_CAPTURE = 64 * 1024 * 1024
MOST_AT_ONCE = 16


@dataclass(frozen=True)
class Options:
    """What the process target takes: the folder that holds the replicas'."""

    root: Path


class ProcessDriver:
    kind: ClassVar[str] = "process"
    label: ClassVar[str] = "Processes of this machine"

    def __init__(self, options: Options) -> None:
        self._root = options.root

    def apply(self, spec: ServingSpec) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            self._root.chmod(0o711)  # the replicas' own users pass through, and list nothing
        for number in range(spec.replicas):
            self._start(spec, self._folder(spec.name, number))
        self._remove_all([folder for number, folder in self._folders(spec.name) if number >= spec.replicas])

    def configure(self, spec: ServingSpec) -> None:
        for number, folder in self._folders(spec.name):
            if number < spec.replicas:
                write_settings(folder, spec)
                launcher.relimit(folder, limits_of(spec))

    def observe(self, name: str) -> Observed:
        replicas = tuple(self._seen(folder) for _, folder in self._folders(name))
        newest = self.logs(name, 1)
        return Observed(name, replicas, newest[-1] if newest else "")

    def remove(self, name: str, replica: int) -> None:
        folder = self._folder(name, replica)
        # One that does not answer would not hear a polite request either, and its callers wait.
        self._remove(folder, DRAIN_S if status_of(socket_path(folder)) is not None else 0.0)

    def delete(self, name: str) -> None:
        self._remove_all([folder for _, folder in self._folders(name)])

    def logs(self, name: str, tail: int) -> list[str]:
        folders = list(self._folders(name))
        marked = len(folders) > 1
        lines = []
        for number, folder in folders:
            mark = f"[{number}] " if marked else ""
            lines += [mark + line for line in last_lines(folder / "log", tail)]
        return lines[-tail:] if not marked else lines

    def read_log(self, name: str, replica: int, offset: int) -> tuple[bytes, int]:
        return read_from(self._folder(name, replica) / "log", offset)

    def take_samples(self, name: str, before_ms: int) -> Iterator[Sample]:
        for _, folder in self._folders(name):
            yield from taken(folder, before_ms)

    def names(self) -> list[str]:
        if not self._root.is_dir():
            return []
        found = (FOLDER.fullmatch(folder.name) for folder in self._root.iterdir())
        return sorted({match["name"] for match in found if match})

    # ---- One replica ------------------------------------------------------------------------------------------------

    def _folder(self, name: str, number: int) -> Path:
        return self._root / f"{name}.{number}"

    def _folders(self, name: str) -> Iterator[tuple[int, Path]]:
        if not self._root.is_dir():
            return
        found = ((FOLDER.fullmatch(folder.name), folder) for folder in self._root.iterdir())
        yield from sorted((int(match["number"]), folder) for match, folder in found if match and match["name"] == name)

    def _start(self, spec: ServingSpec, folder: Path) -> None:
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            write_settings(folder, spec)
            launcher.start(process_of(spec, folder))
        except (OSError, launcher.LaunchError) as error:
            raise DriverError(f"The replica could not be started: {error}") from error

    def _remove_all(self, folders: list[Path]) -> None:
        """End several at once: each may take as long as its last request."""
        if folders:
            with ThreadPoolExecutor(min(len(folders), MOST_AT_ONCE)) as pool:
                list(pool.map(self._remove, folders))

    def _remove(self, folder: Path, grace_s: float = DRAIN_S) -> None:
        try:
            launcher.stop(folder, grace_s=grace_s)
            short_link(folder).unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
        except (OSError, launcher.LaunchError) as error:
            raise DriverError(f"The replica could not be ended: {error}") from error

    def _seen(self, folder: Path) -> ReplicaSeen:
        process = launcher.observe(folder)
        path = socket_path(folder)
        status = status_of(path) if process.state == "running" else None
        return ReplicaSeen(
            name=folder.name,
            state=state_of(process, path, status),
            url=f"unix:{path}",
            pid=process.pid if process.state == "running" else None,
            exit_code=process.exit_code,
            is_out_of_memory=process.oom,
            started_ms=process.started_ms,
            limited_by=process.limited_by,
            status=status,
        )


def process_of(spec: ServingSpec, folder: Path) -> ProcessSpec:
    """Say how the scoring server is run: in the model's environment, with nothing of ours in its own."""
    command = (
        *(str(spec.python), "-I", str(spec.program.folder / "server.py")),
        *("--model", str(spec.model), "--settings", str(folder / "settings.json")),
        *("--layer", str(spec.program.packages), "--socket", str(socket_path(folder))),
        *(("--code", str(spec.code), "--entry", spec.entry) if spec.code else ()),
    )
    return ProcessSpec(
        name=folder.name,
        folder=folder,
        argv=command,
        env=spec.environment,
        cwd=folder,
        log=folder / "log",
        # Importing is most of a start: with the small share of a small replica it would take minutes on a busy machine,
        # and under a hard ceiling on an idle one too.
        limits=replace(limits_of(spec), cpu_weight=max(START_WEIGHT, spec.cpu_cores), cpu_quota=None),
        run_as=spec.run_as,
        log_bytes_max=LOG_BYTES,
    )


def limits_of(spec: ServingSpec) -> Limits:
    """Say what a replica may use once it is ready: its cores are a share, only a limit on them is a ceiling."""
    return Limits(
        memory_bytes=spec.memory_bytes,
        cpu_weight=spec.cpu_cores,
        cpu_quota=spec.cpu_limit,
        processes=PROCESSES,
        open_files=OPEN_FILES,
    )


def write_settings(folder: Path, spec: ServingSpec) -> None:
    """Put the settings in place at once, or leave the same ones alone, so that nobody reads half a file."""
    text = json.dumps(dict(spec.settings), sort_keys=True)
    path = folder / "settings.json"
    try:
        if path.read_text() == text:
            return
    except OSError:
        pass
    draft = folder / ".settings.json"
    # The folder may belong to the replica's user by now: never write through a link that it left there.
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    with os.fdopen(handle, "w") as file:
        os.fchmod(handle, 0o644)
        file.write(text)
    draft.replace(path)


def socket_path(folder: Path) -> Path:
    """Give the replica's socket: in its folder, or by a short link to it where the folder's own path is too long."""
    return short(folder, "http.sock") / "http.sock"


def short(folder: Path, name: str) -> Path:
    """Give the folder, or a short link to it where a socket of this name would have too long a path."""
    return folder if len(os.fsencode(folder / name)) <= LONGEST_SOCKET else linked(folder)


def linked(folder: Path) -> Path:
    link = short_link(folder)
    try:
        link.symlink_to(folder)
    except FileExistsError:
        if link.lstat().st_uid != os.geteuid() or link.readlink() != folder:
            raise DriverError(f"{link} is in the way and is not ours.", permanent=True) from None
    return link


def short_link(folder: Path) -> Path:
    mark = sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"studio-{mark}"


def state_of(process: launcher.Observed, path: Path, status: Mapping[str, Any] | None) -> ReplicaState:
    if process.state != "running":
        return process.state
    # The server opens its socket only once the model is loaded: from then on, silence is trouble.
    if not (path.exists() and is_bound(path)):
        return "starting"
    return "ready" if status is not None else "unready"


def status_of(path: Path) -> Mapping[str, Any] | None:
    """Ask the replica how it is doing; None for one that does not say in time.

    Its own thread answers, so that a replica whose threads are all at work is not taken for a dead one.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asker:
            asker.settimeout(PROBE_S)
            asker.connect(str(path.with_name("status.sock")))
            said = b""
            while len(said) < LONGEST_STATUS and (piece := asker.recv(65536)):
                said += piece
        status = json.loads(said)
        return status if isinstance(status, dict) else None
    except (OSError, ValueError, RecursionError):
        return None


def taken(folder: Path, before_ms: int) -> Iterator[Sample]:
    """Take the files of minutes that are over; one goes when the caller comes back for the next, and so has kept it.

    The folder is the replica's user's: what stands there may be a link to what is another's, so none is followed.
    """
    try:
        place = os.open(folder / "captured", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return
    try:
        for name in sorted(os.listdir(place)):  # noqa: PTH208  by the handle: the path may be another's by now
            found = CAPTURED.fullmatch(name)
            if found is None or (start_ms := int(found[1]) * 1000) + 60_000 > before_ms:
                continue
            with opened(name, place) as file:
                lines = file.read(LONGEST_CAPTURE) if file is not None else b""
            if lines:
                yield Sample(folder.name, start_ms, lines)
            os.unlink(name, dir_fd=place)
    finally:
        os.close(place)


def is_bound(path: Path) -> bool:
    """Tell a socket that somebody listens on from a file left by a killed process."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(PROBE_S)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return False
        except OSError:
            return True
        return True


def last_lines(path: Path, count: int) -> list[str]:
    """Give the end of a log."""
    with opened(path) as file:
        if file is None:
            return []
        file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL_BYTES))
        return file.read(TAIL_BYTES).decode("utf-8", "replace").splitlines()[-count:]


def read_from(path: Path, offset: int) -> tuple[bytes, int]:
    """Give the next piece of a log; a log that was begun anew is given from its beginning."""
    with opened(path) as file:
        if file is None:
            return b"", 0
        start = offset if 0 <= offset <= os.fstat(file.fileno()).st_size else 0
        file.seek(start)
        piece = file.read(PIECE_BYTES)
        return piece, start + len(piece)


@contextmanager
def opened(path: Path | str, place: int | None = None) -> Iterator[IO[bytes] | None]:
    """Open a log, but never what its process may have put in its place: a link or a pipe is as good as no log."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=place)
    except OSError:
        yield None
        return
    with os.fdopen(handle, "rb") as file:
        yield file if stat.S_ISREG(os.fstat(handle).st_mode) else None
