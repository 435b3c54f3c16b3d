"""A job's folder on the node.

jobs/<run>-<attempt>/          the runner's: its launcher record, spec.json (secret), runner.log
jobs/<run>-<attempt>/process/  the command's: its launcher record, code/ (where it runs), data/ (inputs), tmp/, log
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from compute.launcher import Limits, ProcessSpec

ROOT = Path(__file__).resolve().parent.parent.parent
SPEC = "spec.json"
STOPPED = "stopped"  # there when the runner was ended by a stop of the studio, and not by somebody else
# Jobs get users of their own, numbers far from any account; two runs have the same one only by an odd chance.
FIRST_USER = 2_000_000
USERS = 1_000_000
# The environment variable in which scripts written for the cloud studio look for an input.
REFERENCE = "AZUREML_DATAREFERENCE_"
INPUT = re.compile(r"\$\{\{\s*inputs\.(\w+)\s*\}\}")
RUNNER_ENV = ("STUDIO_INTERNAL_URL", "STUDIO_NODE_TOKEN", "STUDIO_RUNTIME_HOME", "STUDIO_NODE_JOBS")


@dataclass(frozen=True)
class Work:
    """One attempt at one job, as the studio gave it."""

    run_id: str
    attempt: int
    experiment_id: str
    workspace: str
    command: list[str]
    token: str
    tracking_uri: str
    snapshot: str
    experiment_name: str = ""
    group: str = ""
    subscription: str = ""
    environment: dict[str, Any] | None = None
    env: dict[str, str] = field(default_factory=dict)
    limits: dict[str, Any] = field(default_factory=dict)
    time_limit_s: int | None = None
    inputs: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        return f"{self.run_id}-{self.attempt}"

    @property
    def path(self) -> str:
        return f"/api/v1/node/jobs/{self.run_id}"

    @property
    def user(self) -> str:
        return str(FIRST_USER + int(self.run_id, 16) % USERS)


def key_parts(key: str) -> tuple[str, int] | None:
    """Give run and attempt of a folder's name; None for a folder that is not ours."""
    run_id, _dash, attempt = key.rpartition("-")
    return (run_id, int(attempt)) if len(run_id) == 32 and attempt.isdigit() else None


def store(folder: Path, work: Work) -> None:
    """Make the attempt's folder, which others may pass through but not look into."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.parent.chmod(0o711)
    folder.chmod(0o711)
    handle = os.open(folder / SPEC, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(asdict(work), file)


def why_gone(folder: Path) -> str:
    """Say what became of an attempt's runner that is there no more."""
    if (folder / STOPPED).exists():
        return "The studio was stopped while the job ran."
    return "The job's runner was killed."


def load(folder: Path) -> Work:
    return Work(**json.loads((folder / SPEC).read_text()))


def runner_process(folder: Path, environ: Mapping[str, str] = os.environ) -> ProcessSpec:
    """Describe the runner: our own program, and as trusted as we are."""
    kept = {name: environ[name] for name in RUNNER_ENV if name in environ}
    passed = {name: environ[name] for name in environ if is_passed_on(name)}
    return ProcessSpec(
        name=f"runner-{folder.name}",
        folder=folder,
        argv=(sys.executable, "-m", "compute.node.runner", str(folder)),
        env={**passed, **kept, "PYTHONUNBUFFERED": "1"},
        cwd=ROOT,
        log=folder / "runner.log",
        log_bytes_max=4 * 1024 * 1024,
    )


def is_passed_on(name: str) -> bool:
    """Say whether our own programs need it of our environment: how to reach indexes, and whom to trust there."""
    return name.startswith("UV_") or name.upper().endswith("_PROXY") or name in ("SSL_CERT_FILE", "SSL_CERT_DIR")


def command_process(folder: Path, work: Work, python: Path, *, run_as_other: bool) -> ProcessSpec:
    """Describe the user's command: scrubbed environment, own user where there can be one, limits, its own log."""
    process = folder / "process"
    program, *arguments = work.command
    words = [str(python) if program in ("python", "python3") else program, *arguments]
    folders = {name: str(input_folder(folder, name)) for name in work.inputs}
    return ProcessSpec(
        name=f"job-{work.key}",
        folder=process,
        argv=tuple(filled(word, folders) for word in words),
        env=command_env(work, python) | {f"{REFERENCE}{name}": path for name, path in folders.items()},
        cwd=process / "code",
        log=process / "log",
        limits=Limits(**{**DEFAULT_LIMITS, **work.limits}),
        run_as=work.user if run_as_other else None,
        log_bytes_max=64 * 1024 * 1024,
    )


def input_folder(folder: Path, name: str) -> Path:
    """Say where the files of an input lie."""
    return folder / "process" / "data" / name


def filled(word: str, folders: Mapping[str, str]) -> str:
    """Put the folders of inputs in the place of `${{inputs.name}}`; a name that is none of theirs stays as it is."""
    return INPUT.sub(lambda found: folders.get(found[1], found[0]), word)


DEFAULT_LIMITS: dict[str, Any] = {"cpu_weight": 1.0, "processes": 4096, "file_bytes": 64 * 1024**3}


def command_env(work: Work, python: Path) -> dict[str, str]:
    """Give what the user's code finds in its environment: MLflow's own variables, and those that old scripts read."""
    own = {
        "PATH": f"{python.parent}:/usr/local/bin:/usr/bin:/bin",
        "VIRTUAL_ENV": str(python.parent.parent),
        "PYTHONUNBUFFERED": "1",
        "MLFLOW_TRACKING_URI": work.tracking_uri,
        "MLFLOW_REGISTRY_URI": work.tracking_uri,
        "MLFLOW_TRACKING_TOKEN": work.token,
        "MLFLOW_RUN_ID": work.run_id,
        "MLFLOW_EXPERIMENT_ID": work.experiment_id,
        "MLFLOW_EXPERIMENT_NAME": work.experiment_name,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "AZUREML_RUN_ID": work.run_id,
        "AZUREML_RUN_TOKEN": work.token,
        "AZUREML_RUN_TOKEN_EXPIRY": str(int(time.time()) + (work.time_limit_s or 30 * 24 * 3600)),
        "AZUREML_ARM_SUBSCRIPTION": work.subscription,
        "AZUREML_ARM_RESOURCEGROUP": work.group,
        "AZUREML_ARM_WORKSPACE_NAME": work.workspace,
        "AZUREML_ARM_PROJECT_NAME": work.experiment_name,
    }
    return {**work.env, **own}
