"""Build an environment once, however many ask at the same time."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from compute.environments import client, interpreters, legacy
from compute.environments.source import build_from_source
from compute.environments.spec import EnvironmentSpec

READY = "built.json"
LOG = "build.log"
# What the installer may know of our own environment: where indexes are and how to reach them.
PASSED_ON = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
UV_PASSED_ON = ("UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_STRATEGY", "UV_FIND_LINKS")
NEEDS_SOURCE = ("--no-build", "source distribution", "no usable wheels", "has no wheels")
BUILD_S = 3600


class BuildFailed(Exception):
    """The environment cannot be built; the message is the installer's own last words."""


@dataclass(frozen=True)
class Built:
    """An environment that is there. `is_reachable`: jobs may run in it as a user of their own."""

    digest: str
    folder: Path
    python: Path
    python_version: str
    is_reachable: bool
    lock: str
    notes: tuple[str, ...]
    seconds: float


def find(root: Path, digest: str) -> Built | None:
    """Give the environment if it has been built."""
    folder = root / digest
    try:
        values: dict[str, Any] = json.loads((folder / READY).read_text())
    except (OSError, ValueError):
        return None
    python = folder / "venv/bin/python"
    if not python.exists():
        return None  # its interpreter was taken away
    return Built(**{**values, "folder": folder, "python": python, "notes": tuple(values["notes"])})


@dataclass(frozen=True)
class Builder:
    """Builds below `root`, with wheels kept in `cache` for the next time and for times without a network."""

    root: Path
    uv: str
    cache: Path
    run_source_as: str | None = None

    def build(self, spec: EnvironmentSpec) -> Built:
        """Give the environment, building it if need be; others who ask meanwhile wait for the same one.

        Everything said on the way is in `<root>/<digest>/build.log`. Raises BuildFailed, and then leaves that log only.
        """
        if found := find(self.root, spec.digest):
            return found
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o755)  # jobs run what is here, as users of their own
        with locked(self.root / f"{spec.digest}.lock"):
            return find(self.root, spec.digest) or self._build(spec)

    def _build(self, spec: EnvironmentSpec) -> Built:
        folder = self.root / spec.digest
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
        _clear(folder)
        with (folder / LOG).open("w", buffering=1) as log:
            try:
                return self._install(spec, folder, log)
            except BuildFailed as error:
                _clear(folder)
                print(f"FAILED: {error}", file=log)
                raise
            except BaseException:
                _clear(folder)
                raise

    def _install(self, spec: EnvironmentSpec, folder: Path, log: IO[str]) -> Built:
        began = time.monotonic()
        try:
            least = client.LEAST_PYTHON if spec.client else ""
            interpreter, note = interpreters.choose(spec.python, interpreters.installed(), least=least)
        except ValueError as error:
            raise BuildFailed(str(error)) from None
        if note and spec.is_strict:
            raise BuildFailed(f"{note.replace('was used instead', 'would be used instead')} {STRICT}")
        notes = [*spec.notes, *([note] if note else [])]
        for line in notes:
            print(f"note: {line}", file=log)
        made, final = folder / ".tmp-venv", folder / "venv"
        self.uv_says(["venv", "--relocatable", "--python", str(interpreter.path), str(made)], log)
        listed = folder / ".tmp-requirements.txt"
        listed.write_text("\n".join(legacy.fitting(spec.requirements)) + "\n")
        if spec.requirements:
            notes += Installation(self, spec, made, listed, folder, log).run(is_old=bool(note))
        frozen = self.uv_says(["pip", "freeze", "--python", str(made / "bin/python")], None)
        (folder / "lock.txt").write_text(frozen)
        if spec.client:
            self._add_client(made, log)
        made.rename(final)
        listed.unlink()
        seconds = round(time.monotonic() - began, 1)
        print(f"ready in {seconds} s", file=log)
        notes += [] if interpreter.is_reachable else [UNREACHABLE]
        built = Built(
            digest=spec.digest,
            folder=folder,
            python=final / "bin/python",
            python_version=interpreter.minor,
            is_reachable=interpreter.is_reachable,
            lock=frozen,
            notes=tuple(notes),
            seconds=seconds,
        )
        write_whole(folder / READY, json.dumps({**asdict(built), "folder": "", "python": ""}))
        return built

    def _add_client(self, venv: Path, log: IO[str]) -> None:
        """Install the studio's own client; what it needs is among the packages already, and the lock is without it."""
        try:
            wheel = client.wheel(self.root / ".client", self.uv)
        except (OSError, RuntimeError, subprocess.TimeoutExpired) as error:
            raise BuildFailed(str(error)) from None
        python = str(venv / "bin/python")
        install = ["pip", "install", "--python", python, "--compile-bytecode", "--offline", "--no-deps", "--quiet"]
        self.uv_says([*install, str(wheel)], log)

    def uv_says(self, arguments: list[str], log: IO[str] | None) -> str:
        """Run uv; give its output. Raises BuildFailed with the end of what it said."""
        if log:
            print("$ uv " + " ".join(_shown(argument) for argument in arguments), file=log)
        process = subprocess.Popen(
            [self.uv, *arguments],
            env=self.environment(),
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if log else subprocess.DEVNULL,
            text=True,
            umask=0o022,
        )
        said: list[str] = []

        def end() -> None:
            said.append(f"uv was ended: it took longer than {BUILD_S} s\n")
            process.kill()

        late = threading.Timer(BUILD_S, end)
        late.start()
        try:
            assert process.stdout
            for line in process.stdout:
                said.append(line)
                if log:
                    log.write(line)
            process.wait()
        finally:
            late.cancel()
        if process.returncode != 0:
            raise BuildFailed("".join(said[-25:]).strip() or f"uv ended with {process.returncode}")
        return "".join(said)

    def environment(self) -> dict[str, str]:
        passed = {name: value for name, value in os.environ.items() if _is_passed_on(name)}
        own = {
            "PATH": os.defpath,
            "HOME": str(self.root),
            "LANG": "C.UTF-8",
            "UV_CACHE_DIR": str(self.cache),
            "UV_NO_CONFIG": "1",
            "UV_NO_PROGRESS": "1",
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_HTTP_TIMEOUT": "30",
        }
        return {**own, **passed}


@dataclass(frozen=True)
class Installation:
    """Packages on their way into a new virtual environment.

    Wheels first; without a network, from the cache; then what must be is replaced or built from source. Building from
    source runs the package's own code, so that is done apart, by another user where there is one, and never with the
    cache that all environments share.
    """

    builder: Builder
    spec: EnvironmentSpec
    venv: Path
    listed: Path
    folder: Path
    log: IO[str]

    def run(self, *, is_old: bool) -> list[str]:
        """Install; give what was replaced, a sentence each. `is_old`: the Python asked for was replaced already."""
        if is_old:
            return self._replaced(None, is_old=True)
        try:
            self._wheels()
            return []
        except BuildFailed as error:
            first = error
        # Before the network's answer is believed, what was fetched earlier: it needs no network at all.
        with contextlib.suppress(BuildFailed):
            self._wheels("--offline", "--quiet")
            return []
        if self.spec.is_strict:
            said = legacy.refusal(self.spec.requirements, self._resolve)
            raise BuildFailed(f"{said}\n{STRICT}" if said else str(first))
        with contextlib.suppress(BuildFailed):
            if notes := self._replaced(legacy.TOGETHER):
                return notes
        return self._from_source(first)

    def _from_source(self, first: BuildFailed) -> list[str]:
        problem = str(first)
        if any(words in problem for words in NEEDS_SOURCE):
            print("some packages have no wheel for this Python: building them from source", file=self.log)
            problem = self._build()
            if not problem:
                return []
        if notes := self._replaced(None):
            return notes
        raise BuildFailed(problem)

    def _replaced(self, names: Iterable[str] | None, *, is_old: bool = False) -> list[str]:
        """Install with pins replaced, those of `names` or all; give what was, nothing when there was nothing to."""
        found = legacy.substituted(self.spec.requirements, self._resolve, names=names, is_old=is_old)
        if not found.notes and not is_old:
            return []
        for line in found.notes:
            print(f"note: {line}", file=self.log)
        self.listed.write_text("\n".join(found.requirements) + "\n")
        held = self.folder / ".tmp-constraints.txt"
        held.write_text("\n".join(found.constraints) + "\n")
        problem = ""
        try:
            self._wheels("--constraint", str(held))
        except BuildFailed as error:
            if not is_old or not any(words in str(error) for words in NEEDS_SOURCE) or (problem := self._build()):
                raise BuildFailed(problem or str(error)) from None
        finally:
            held.unlink()
        return list(found.notes)

    def _build(self) -> str:
        return build_from_source(
            uv=self.builder.uv, venv=self.venv, listed=self.listed, work=self.folder / ".tmp-source",
            env=self.builder.environment(), log=self.folder / LOG, run_as=self.builder.run_source_as,
        )  # fmt: skip

    def _wheels(self, *options: str) -> None:
        install = ["pip", "install", "--python", str(self.venv / "bin/python"), "--compile-bytecode", "--no-build"]
        self.builder.uv_says([*install, *options, "-r", str(self.listed)], self.log)

    def _resolve(self, requirement: str, lowest: bool) -> str | None:
        """Ask which version a requirement alone would get, of those with a wheel."""
        asked = self.folder / ".tmp-asked.txt"
        asked.write_text(requirement + "\n")
        options = ["--no-deps", "--no-build", "--no-header", "--no-annotate", "--quiet"]
        options += ["--resolution", "lowest-direct"] if lowest else []
        try:
            python = str(self.venv / "bin/python")
            said = self.builder.uv_says(["pip", "compile", "--python", python, *options, str(asked)], None)
        except BuildFailed:
            return None
        finally:
            asked.unlink()
        versions = [line.partition("==")[2].split()[0] for line in said.splitlines() if "==" in line]
        return versions[0] if versions else None


STRICT = "This workspace builds environments strictly; turn that off on its Environments page to let it be replaced."
UNREACHABLE = "Its Python lies in a folder that other users cannot enter, so it runs as the studio's own user."


def _is_passed_on(name: str) -> bool:
    return name.upper() in PASSED_ON or name in UV_PASSED_ON


def _shown(argument: str) -> str:
    return Path(argument).name if argument.startswith("/") else argument


def _clear(folder: Path) -> None:
    """Remove all but the log: what an earlier attempt left, or this one."""
    for entry in folder.iterdir() if folder.is_dir() else ():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.name != LOG:
            entry.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    draft = path.with_name(f".tmp-{path.name}")
    with draft.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.chmod(0o644)
    draft.replace(path)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file; its content is nothing, and it stays, as removing it would race with the next to take it."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def uv_program() -> str:
    """Find uv: the wheel's, beside our own interpreter."""
    import uv

    return str(uv.find_uv_bin())


def builder_at(runtime_home: Path, *, settings: Mapping[str, str] | None = None) -> Builder:
    """Make the builder of a studio or node whose files lie below `runtime_home`."""
    root = runtime_home / "environments"
    run_as = (settings or {}).get("build_user", "60999") if os.getuid() == 0 else None
    return Builder(root=root, uv=uv_program(), cache=root / ".cache", run_source_as=run_as)


def is_being_built(root: Path, digest: str) -> bool:
    """Say whether a builder of this machine is at work on it: it holds the lock as long as it lives."""
    try:
        with (root / f"{digest}.lock").open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
