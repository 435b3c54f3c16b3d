"""From a configuration to a run: on the studio's compute, or on this computer."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from studio_sdk.snapshots import FolderError, read_folder, send_folder

from azureml.core.environment import Environment
from azureml.core.experiment import Experiment
from azureml.core.run import PARENT, Run
from azureml.core.script_run_config import ScriptRunConfig
from azureml.data._inputs import asked as asked_inputs
from azureml.data._inputs import inputs_of, variables
from azureml.exceptions import ExperimentExecutionException, SnapshotException, UserErrorException, translated

TYPE = "azureml.scriptrun"
SAID_AFTER_S = 2.0


def submit(experiment: Experiment, config: Any, *, tags: dict[str, str] | None = None, **_more: Any) -> Run:
    """Submit a ScriptRunConfig (or a HyperDriveConfig) and give its run at once."""
    if hasattr(config, "_submit"):
        run: Run = config._submit(experiment, tags or {})
        return run
    if not isinstance(config, ScriptRunConfig):
        raise UserErrorException(f"submit takes a ScriptRunConfig or a HyperDriveConfig, not {type(config).__name__}.")
    target = config.run_config.target
    if target == "local":
        from azureml._jobs.local import start

        return start(experiment, config, tags or {})
    return submit_to(experiment, config, target, tags or {})


def submit_to(experiment: Experiment, config: ScriptRunConfig, target: str, tags: dict[str, str]) -> Run:
    workspace = experiment.workspace
    kept = dict(tags)
    parent = kept.pop(PARENT, None)
    asked = {"experiment": experiment.name, **job_of(workspace, config, target, kept)}
    if parent:
        asked["parent_run_id"] = parent
    with translated(ExperimentExecutionException):
        job = workspace._api.post("jobs", asked)
    return Run(experiment, job["run_id"])


def job_of(workspace: Any, config: ScriptRunConfig, target: str, tags: dict[str, str]) -> dict[str, Any]:
    """Send the code, and write the job as the studio's API takes it, without its experiment."""
    inputs = inputs_of(config, workspace)
    asked: dict[str, Any] = {
        "snapshot": send(workspace, config.source_directory),
        "command": config.words,
        "environment": environment_of(config),
        "target": target,
        "env": {**variables_of(config), **variables(inputs)},
        "inputs": asked_inputs(inputs),
        "tags": {**tags, "azureml.type": TYPE, "mlflow.source.name": config.script or "", "mlflow.source.type": "JOB"},
    }
    if config.run_config.max_run_duration_seconds:
        asked["time_limit_s"] = int(config.run_config.max_run_duration_seconds)
    return asked


def environment_of(config: ScriptRunConfig) -> dict[str, Any]:
    environment: Environment = config.run_config.environment
    if environment.python.user_managed_dependencies:
        return {"reference": "AzureML-Minimal"}
    asked: dict[str, Any] = environment._asked()
    return asked


def variables_of(config: ScriptRunConfig) -> dict[str, str]:
    both = {**config.run_config.environment.environment_variables, **config.run_config.environment_variables}
    return {str(key): str(value) for key, value in both.items()}


def send(workspace: Any, folder: str) -> str:
    """Send what the studio has not got of a folder; gives the snapshot's digest. Raises SnapshotException."""
    lifts = bool(os.environ.get("AML_SNAPSHOT_NO_FILE_LIMIT"))
    try:
        read = read_folder(Path(folder), lifts_file_limit=lifts)
    except FolderError as error:
        raise SnapshotException(str(error)) from None
    said = Progress(f"Uploading {len(read.files)} files of {folder}")

    def ask(method: str, path: str, body: Any, headers: dict[str, str]) -> dict[str, Any]:
        said.tell()
        if hasattr(body, "read"):
            response = workspace._api.send(method, path, is_safe=True, make_data=rewound(body), headers=headers)
            answer: dict[str, Any] = response.json()
            return answer
        listed = {**body, "lifts_file_limit": lifts}
        found: dict[str, Any] = workspace._api.post(path, listed, is_safe=True)
        return found

    with translated(SnapshotException):
        return send_folder(read, ask)


def rewound(body: Any) -> Any:
    def give() -> Any:
        body.seek(0)
        return body

    return give


class Progress:
    """Says a line once, when something takes long."""

    def __init__(self, text: str) -> None:
        self.text, self.started, self.is_said = text, time.monotonic(), False

    def tell(self) -> None:
        if not self.is_said and time.monotonic() - self.started > SAID_AFTER_S:
            print(self.text, flush=True)
            self.is_said = True
