"""An environment on this computer: what the studio resolved, installed into a virtual environment that is kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from azureml.exceptions import RunEnvironmentException

CLIENT = "azureml-mlflow"


@dataclass(frozen=True)
class LocalPython:
    """`has_client`: the modules `azureml` are in it, so that a script may use the workspace's own address."""

    path: str
    has_client: bool


def own(environment: Any) -> LocalPython:
    """Give the caller's interpreter, or the one that the environment names."""
    named = environment.python.interpreter_path
    return LocalPython(sys.executable if named in ("", "python") else named, True)


def made(workspace: Any, environment: Any) -> LocalPython:
    """Give the Python of an environment, made once for its content.

    The studio decides which versions there are; the lines of its lock are installed here, by uv where it is on PATH.
    Raises RunEnvironmentException with the installer's last words.
    """
    row = environment.build(workspace).wait_for_completion(show_output=False)._row
    has_client = bool(row["spec"].get("client"))
    folder = cache() / row["digest"]
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (folder / "ready").exists():
        print(f"Preparing the environment {environment.name} on this computer", flush=True)
        for note in row.get("notes", []):
            print(f"note: {note}", flush=True)
        install(folder, python, row["lock"])
        if has_client:
            copy_client(python)
        (folder / "ready").touch()
    return LocalPython(str(python), has_client)


def install(folder: Path, python: Path, lock: str) -> None:
    call([sys.executable, "-m", "venv", "--clear", *(["--without-pip"] if uv() else []), str(folder)])
    listed = folder / "lock.txt"
    listed.write_text(lock)
    if program := uv():
        call([program, "pip", "install", "--quiet", "--python", str(python), "-r", str(listed)])
    else:
        call([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(listed)])


def uv() -> str | None:
    return shutil.which("uv")


def copy_client(python: Path) -> None:
    """Put this very client into another environment: its files, with what tells MLflow of it."""
    where = call([str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"])
    target = Path(where.strip())
    own_files = installed().files or []
    for file in own_files:
        if ".." in file.parts or "__pycache__" in file.parts:
            continue  # programs name their interpreter, and compiled files their place
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(str(file.locate())), target / file)


def installed() -> Distribution:
    try:
        return distribution(CLIENT)
    except PackageNotFoundError:
        raise RunEnvironmentException(
            f"{CLIENT} is not installed as a package here, so it cannot be put into another environment."
        ) from None


def cache() -> Path:
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "studio" / "environments"
    root.mkdir(parents=True, exist_ok=True)
    return root


def call(command: list[str]) -> str:
    """Run a program; gives what it printed."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-2000:]
        raise RunEnvironmentException(f"The environment could not be made on this computer: {said}")
    return done.stdout
