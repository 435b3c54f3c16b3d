"""A script with its folder, and where and in what it runs."""

from __future__ import annotations

import copy
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from azureml.core.environment import Environment
from azureml.core.runconfig import RunConfiguration
from azureml.exceptions import RunConfigurationException, UserErrorException

LONGEST_S = 2_592_000


class ScriptRunConfig:
    """What `Experiment.submit` takes.

    Raises UserErrorException, before anything is sent, when the script is not in the folder, or both a script and a
    command are given.
    """

    def __init__(
        self,
        source_directory: str | None = None,
        script: str | None = None,
        arguments: Iterable[Any] | None = None,
        run_config: RunConfiguration | None = None,
        _telemetry_values: Any = None,
        compute_target: Any = None,
        environment: Environment | None = None,
        distributed_job_config: Any = None,
        resume_from: Any = None,
        max_run_duration_seconds: int | None = LONGEST_S,
        command: Any = None,
        docker_runtime_config: Any = None,
    ) -> None:
        if distributed_job_config is not None:
            raise RunConfigurationException("A job of the studio runs on one node: no distributed_job_config.")
        if isinstance(arguments, str):
            raise UserErrorException("arguments is a list of words, not one text.")
        self.source_directory = str(source_directory or ".")
        self.run_config = copy.deepcopy(run_config) if run_config is not None else RunConfiguration()
        self._set(script, arguments, command)
        if compute_target is not None:
            self.run_config.target = compute_target
        if environment is not None:
            self.run_config.environment = environment
        elif run_config is None:
            self.run_config.environment = self._default_environment()
        if docker_runtime_config is not None:
            self.run_config.docker = docker_runtime_config
        self.run_config.max_run_duration_seconds = max_run_duration_seconds
        self._check()

    def _set(self, script: str | None, arguments: Iterable[Any] | None, command: Any) -> None:
        if script is not None and command is not None:
            raise UserErrorException("Give a script or a command, one of them.")
        if script is not None:
            self.run_config.script = script
        if arguments is not None:
            self.run_config.arguments = list(arguments)
        if command is not None:
            self.run_config.command, self.run_config.script = command, None

    def _default_environment(self) -> Environment:
        made = Environment("project")
        if self.run_config.target == "local":
            made.python.user_managed_dependencies = True
        return made

    def _check(self) -> None:
        folder = Path(self.source_directory)
        if not folder.is_dir():
            raise UserErrorException(f"The source_directory “{self.source_directory}” is not a folder.")
        if self.run_config.script and not (folder / self.run_config.script).is_file():
            raise UserErrorException(f"The script “{self.run_config.script}” is not in “{self.source_directory}”.")
        if not self.run_config.script and not self.run_config.command:
            raise UserErrorException("Give a script or a command.")

    # ---- The same words as on the configuration ----------------------------------------------------------------------

    @property
    def script(self) -> str | None:
        return self.run_config.script

    @property
    def arguments(self) -> list[Any]:
        return self.run_config.arguments

    @property
    def words(self) -> list[str]:
        """The command, a word each."""
        command = self.run_config.command
        if command is not None:
            parts = [command] if isinstance(command, str) else [word(one) for one in command]
            return shlex.split(parts[0]) if len(parts) == 1 else parts
        return ["python", str(self.run_config.script), *(word(one) for one in self.run_config.arguments)]


def word(argument: Any) -> str:
    """Write an argument as the script gets it; a dataset or path becomes the place it is put at."""
    placed = getattr(argument, "_as_argument", None)
    return str(placed() if callable(placed) else argument)
