"""How a script is run."""

from __future__ import annotations

import copy
from typing import Any

from studio_sdk.hyperdrive import PrimaryMetricGoal

from azureml._offered import not_offered
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.environment import Environment
from azureml.exceptions import RunConfigurationException

LOCAL = "local"


class DockerConfiguration:
    """Kept for scripts that name it: a studio runs processes."""

    def __init__(
        self, use_docker: bool = False, shared_volumes: bool = True, arguments: Any = None, shm_size: str | None = None
    ) -> None:
        self.use_docker, self.shared_volumes = use_docker, shared_volumes
        self.arguments, self.shm_size = arguments, shm_size


class RunConfiguration:
    """`target` is a compute target, its name, or "local"."""

    def __init__(
        self,
        script: str | None = None,
        arguments: Any = None,
        framework: str | None = None,
        communicator: Any = None,
        conda_dependencies: CondaDependencies | None = None,
        _history_enabled: Any = None,
        _path: str | None = None,
        _name: str | None = None,
        command: Any = None,
    ) -> None:
        if communicator not in (None, "None"):
            raise RunConfigurationException(
                "A job of the studio runs on one node: no communicator (MPI, parameter server)."
            )
        self.script, self.arguments, self.command = script, list(arguments or []), command
        self.framework = framework or "Python"
        self._target: Any = LOCAL
        self.environment = Environment("project")
        if conda_dependencies is not None:
            self.environment.python.conda_dependencies = conda_dependencies
        self.environment_variables: dict[str, str] = {}
        self.docker: Any = None
        self.data: dict[str, Any] = {}
        self.data_references: dict[str, Any] = {}
        self.node_count = 1
        self.max_run_duration_seconds: int | None = None

    @property
    def target(self) -> str:
        return str(getattr(self._target, "name", self._target))

    @target.setter
    def target(self, value: Any) -> None:
        self._target = value or LOCAL

    def __deepcopy__(self, memo: dict[int, Any]) -> RunConfiguration:
        made = copy.copy(self)
        made.arguments, made.data = list(self.arguments or []), dict(self.data)
        made.environment = copy.deepcopy(self.environment, memo)
        return made


__all__ = ["DockerConfiguration", "PrimaryMetricGoal", "RunConfiguration"]
__getattr__ = not_offered(__name__)
