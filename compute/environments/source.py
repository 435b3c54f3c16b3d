"""Build packages that have no wheel: their own code runs, so in a process apart."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from compute import launcher
from compute.launcher import Limits, ProcessSpec

LIMITS = Limits(memory_bytes=4 * 1024**3, processes=512, file_bytes=4 * 1024**3)
BUILD_S = 3600


def build_from_source(
    *, uv: str, venv: Path, listed: Path, work: Path, env: Mapping[str, str], log: Path, run_as: str | None
) -> str:
    """Install the listed packages into `venv`, building what must be; give "" or what went wrong."""
    work.mkdir(mode=0o700)
    program = work / "uv"
    shutil.copy(uv, program)  # where it came from, another user may have no way in
    program.chmod(0o755)
    requirements = work / "requirements.txt"
    shutil.copy(listed, requirements)
    requirements.chmod(0o644)
    if run_as:
        hand_over(venv, int(run_as))
    said = work / "source.log"
    command = ("pip", "install", "--python", str(venv / "bin/python"), "--compile-bytecode", "-r", str(requirements))
    spec = ProcessSpec(
        name="build",
        folder=work,
        argv=(str(program), *command),
        env={**env, "HOME": str(work), "UV_CACHE_DIR": str(work / "cache")},
        cwd=work,
        log=said,
        limits=LIMITS,
        run_as=run_as,
        log_bytes_max=16 * 1024 * 1024,
    )
    problem = run_to_the_end(spec)
    with log.open("a") as file:
        file.write(said.read_text(errors="replace") if said.exists() else "")
    if run_as:
        hand_over(venv, 0)
    open_to_all(venv)
    shutil.rmtree(work, ignore_errors=True)
    return problem


def run_to_the_end(spec: ProcessSpec) -> str:
    launcher.start(spec)
    deadline = time.monotonic() + BUILD_S
    while (seen := launcher.observe(spec.folder)).state == "running":
        if time.monotonic() > deadline:
            launcher.stop(spec.folder)
            return f"building from source took longer than {BUILD_S} s"
        time.sleep(0.1)
    if seen.exit_code == 0:
        return ""
    if seen.oom:
        return "building from source ran out of memory"
    return spec.log.read_text(errors="replace")[-3000:].strip() or f"uv ended with {seen.exit_code}"


def hand_over(folder: Path, uid: int) -> None:
    for where, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(Path(where) / name, uid, uid, follow_symlinks=False)
    os.chown(folder, uid, uid)


def open_to_all(folder: Path) -> None:
    """Undo the launcher's mask: what was built may be read by whoever runs in it."""
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | 0o444 | (0o111 if mode & 0o100 else 0))
