"""A run on this computer: the script as a child process, its output kept in the studio while it runs."""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from studio_sdk import files
from studio_sdk.client import part
from studio_sdk.errors import StudioError
from studio_sdk.mlflow_plugin.hosts import credential_for

from azureml._jobs import local_environment
from azureml._jobs.local_environment import LocalPython
from azureml._jobs.submission import TYPE, send, variables_of
from azureml._times import now_ms
from azureml.core.experiment import Experiment
from azureml.core.run import ERROR, Run, user_name
from azureml.core.script_run_config import ScriptRunConfig
from azureml.core.workspace import Workspace
from azureml.exceptions import AzureMLException, translated

LOG = "user_logs/std_log.txt"
SENT_EVERY_S = 2.0
SHOWN_ERROR = 4000


class LocalRun(Run):
    """A run whose script is a child of this process."""

    _process: LocalProcess | None = None

    def wait_for_completion(
        self, show_output: bool = False, wait_post_processing: bool = False, raise_on_error: bool = True
    ) -> dict[str, Any]:
        from azureml._jobs.waiting import summary, wait

        if self._process is None:
            return wait(self, show_output=show_output, raise_on_error=raise_on_error)
        if show_output:
            print(f"RunId: {self.id}\nWeb View: {self.get_portal_url()}\n")
            print(f"Streaming {LOG}\n{'=' * (len(LOG) + 10)}\n", flush=True)
        self._process.follow(sys.stdout if show_output else None)
        details = wait(self, show_output=False, raise_on_error=False)
        if show_output:
            summary(self, details)
        return wait(self, show_output=False, raise_on_error=raise_on_error)

    def cancel(self) -> None:
        if self._process is not None:
            self._process.stop()
        self._finish("KILLED")

    def _finish(self, status: str, error: str = "") -> None:
        tags = {ERROR: error} if error else None
        with translated():
            if tags:
                self._tracking.log(self.id, tags=tags, at_ms=now_ms())
            self._tracking.update(self.id, status=status, end_time=now_ms())
        self._row = {}


def start(experiment: Experiment, config: ScriptRunConfig, tags: dict[str, str]) -> Run:
    """Make the run, send its folder, start the script; the studio sees it running at once."""
    from azureml.data._inputs import placed, record

    config = placed(config, experiment.workspace)
    own = {
        "mlflow.user": user_name(), "mlflow.source.type": "LOCAL", "mlflow.source.name": config.script or "",
        "azureml.type": f"{TYPE}.local", "azureml.target": "local", **tags,
    }  # fmt: skip
    with translated():
        own["studio.snapshot"] = send(experiment.workspace, config.source_directory)
        row = experiment.workspace._mlflow.post("runs/create", asked(experiment.id, own))["run"]
    run = LocalRun._of_row(experiment, row)
    record(run, config)
    run._process = LocalProcess(run, config)
    try:
        run._process.start()
    except (AzureMLException, OSError) as error:
        run._finish("FAILED", f"The script could not be started: {error}")
        raise
    return run


def asked(experiment_id: str, tags: dict[str, str]) -> dict[str, Any]:
    listed = [{"key": key, "value": value} for key, value in tags.items()]
    return {"experiment_id": experiment_id, "start_time": now_ms(), "tags": listed}


class LocalProcess:
    """The script, and a thread that keeps its output in the studio and ends the run with it."""

    def __init__(self, run: LocalRun, config: ScriptRunConfig) -> None:
        self.run, self.config = run, config
        self.log = bytearray()
        self.is_over = threading.Event()
        self.process: subprocess.Popen[bytes] | None = None
        self.is_stopped = False

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command(),
            cwd=self.config.source_directory,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for target in (self.read, self.keep):
            threading.Thread(target=target, daemon=target == self.read).start()

    def command(self) -> list[str]:
        words = self.config.words
        return [self.python.path, *words[1:]] if words[0] == "python" else words

    @functools.cached_property
    def python(self) -> LocalPython:
        environment = self.config.run_config.environment
        if environment.python.user_managed_dependencies:
            return local_environment.own(environment)
        return local_environment.made(self.run._workspace, environment)

    def environment(self) -> dict[str, str]:
        workspace, experiment = self.run._workspace, self.run.experiment
        token = credential_for(workspace._studio.url).token()
        own = {
            "MLFLOW_TRACKING_URI": self.tracking_uri(workspace),
            "MLFLOW_RUN_ID": self.run.id,
            "MLFLOW_EXPERIMENT_ID": experiment.id,
            "MLFLOW_EXPERIMENT_NAME": experiment.name,
            "MLFLOW_TRACKING_TOKEN": token,
            "STUDIO_URL": workspace._studio.url,
            "AZUREML_RUN_ID": self.run.id,
            "AZUREML_RUN_TOKEN": token,
            "AZUREML_ARM_SUBSCRIPTION": workspace.subscription_id,
            "AZUREML_ARM_RESOURCEGROUP": workspace.resource_group,
            "AZUREML_ARM_WORKSPACE_NAME": workspace.name,
            "AZUREML_ARM_PROJECT_NAME": experiment.name,
            "PYTHONUNBUFFERED": "1",
            # A command of the shell finds the same Python by its name.
            "PATH": os.pathsep.join([str(Path(self.python.path).parent), os.environ.get("PATH", os.defpath)]),
        }
        return {**os.environ, **variables_of(self.config), **own}

    def tracking_uri(self, workspace: Workspace) -> str:
        """Give the workspace's own address, or a plain one for an environment that has MLflow alone."""
        plain = f"{workspace._studio.url}/w/{part(workspace.name)}"
        return workspace.get_mlflow_tracking_uri() if self.python.has_client else plain

    def read(self) -> None:
        assert self.process is not None and self.process.stdout is not None
        for line in self.process.stdout:
            self.log += line
        self.process.wait()
        self.is_over.set()

    def keep(self) -> None:
        """Send the log as it grows, and at the end the outputs and how it ended."""
        sent = 0
        while not self.is_over.wait(SENT_EVERY_S):
            with contextlib.suppress(StudioError):  # the next piece takes along what was not sent
                sent = self.send_log(sent)
        assert self.process is not None
        error = ""
        if code := self.process.returncode:
            error = f"The script ended with {code}.\n{bytes(self.log[-SHOWN_ERROR:]).decode(errors='replace')}"
        try:
            self.send_log(sent)
            self.send_outputs()
        except (StudioError, OSError) as problem:
            error = error or f"The script ended well, but its outputs could not be kept: {problem}"
        if not self.is_stopped:
            self.run._finish("FAILED" if error else "FINISHED", error)

    def send_log(self, sent: int) -> int:
        import io

        size = len(self.log)
        if size > sent:
            self.run._files.upload(LOG, io.BytesIO(bytes(self.log)))
        return size

    def send_outputs(self) -> None:
        root = Path(self.config.source_directory)
        for name in ("outputs", "logs"):
            for inner, file in files.below(root / name):
                with file.open("rb") as body:
                    self.run._files.upload(f"{name}/{inner}", body)

    def follow(self, to: Any) -> None:
        """Write what the script prints until it ends."""
        shown = 0
        while True:
            is_last = self.is_over.is_set()
            if to is not None and len(self.log) > shown:
                piece = bytes(self.log[shown:])
                shown += len(piece)
                to.write(piece.decode(errors="replace"))
                to.flush()
            if is_last:
                return
            time.sleep(0.1)

    def stop(self) -> None:
        self.is_stopped = True
        if self.process is not None:
            self.process.terminate()
