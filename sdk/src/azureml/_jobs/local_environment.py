"""An environment on this computer: what the studio resolved, installed into a virtual environment that is kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from azureml.exceptions import RunEnvironmentException


def interpreter(workspace: Any, environment: Any) -> str:
    """Give the Python of an environment, made once for its content.

    The studio decides which versions there are; the lines of its lock are installed here. Raises
    RunEnvironmentException with the installer's last words.
    """
    details = environment.build(workspace).wait_for_completion(show_output=False)
    folder = cache() / details._row["digest"]
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (folder / "ready").exists():
        print(f"Preparing the environment {environment.name} on this computer", flush=True)
        call([sys.executable, "-m", "venv", "--clear", str(folder)])
        lock = folder / "lock.txt"
        lock.write_text(details._row["lock"])
        call([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(lock)])
        (folder / "ready").touch()
    return str(python)


def cache() -> Path:
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "studio" / "environments"
    root.mkdir(parents=True, exist_ok=True)
    return root


def call(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-2000:]
        raise RunEnvironmentException(f"The environment could not be made on this computer: {said}")
