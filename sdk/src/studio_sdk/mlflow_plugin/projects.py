"""`mlflow.projects.run(..., backend="azureml")`: a project on this computer or on a cluster of the studio."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from azureml.core.environment import Environment
from azureml.core.experiment import Experiment
from azureml.core.run import Run
from azureml.core.script_run_config import ScriptRunConfig
from azureml.core.workspace import Workspace
from azureml.exceptions import AzureMLException
from mlflow.exceptions import ExecutionException
from mlflow.projects.backend.abstract_backend import AbstractBackend
from mlflow.projects.submitted_run import SubmittedRun
from mlflow.projects.utils import fetch_and_validate_project, load_project

from studio_sdk import addresses

COMPUTE, USE_CONDA, STREAM, ENV_MANAGER, STORAGE = "COMPUTE", "USE_CONDA", "STREAM_OUTPUT", "ENV_MANAGER", "STORAGE_DIR"
CLIENT = "azureml-mlflow"


class StudioBackend(AbstractBackend):
    def run(
        self,
        project_uri: str,
        entry_point: str,
        params: dict[str, Any],
        version: str | None,
        backend_config: dict[str, Any],
        tracking_uri: str,
        experiment_id: str,
    ) -> StudioRun:
        """Submit an entry point; raises ExecutionException for a project that cannot run here."""
        folder = fetch_and_validate_project(project_uri, version, entry_point, params)
        project = load_project(folder)
        if getattr(project, "docker_env", None):
            raise ExecutionException("The project asks for docker_env; a studio runs processes, not images.")
        place = addresses.parse(tracking_uri)
        workspace = Workspace(place.subscription, place.group, place.workspace, studio_url=place.url)
        found = workspace._mlflow.get("experiments/get", experiment_id=str(experiment_id))["experiment"]
        experiment = Experiment._of_row(workspace, found)
        command = project.get_entry_point(entry_point).compute_command(params, backend_config.get(STORAGE))
        try:
            config = configured(folder, project, command, backend_config)
            run = experiment.submit(config, tags=labels(project_uri, entry_point, folder))
        except AzureMLException as error:
            raise ExecutionException(str(error)) from None
        print(f"Submitted to {config.run_config.target} in the experiment {experiment.name}: {run.get_portal_url()}")
        return StudioRun(run, truth(backend_config.get(STREAM), default=True))


def configured(folder: str, project: Any, command: str, backend_config: dict[str, Any]) -> ScriptRunConfig:
    target = str(backend_config.get(COMPUTE) or "local")
    is_local = target.lower() == "local"
    environment = environment_of(project, uses_own=is_local and not builds(backend_config))
    return ScriptRunConfig(
        source_directory=folder,
        command=[command] if not is_local else ["sh", "-c", command],
        compute_target="local" if is_local else target,
        environment=environment,
    )


def builds(backend_config: dict[str, Any]) -> bool:
    """Say whether a local run gets an environment of its own: unless MLflow or the config says “local”."""
    if str(backend_config.get(ENV_MANAGER) or "").lower() == "local":
        return False
    return truth(backend_config.get(USE_CONDA), default=True)


def environment_of(project: Any, *, uses_own: bool) -> Environment:
    if uses_own:
        made = Environment("own")
        made.python.user_managed_dependencies = True
        return made
    path = getattr(project, "env_config_path", None)
    if not path or not Path(path).is_file():
        made = Environment("project")
    elif Path(path).name == "python_env.yaml":
        made = of_python_env(Path(path))
    else:
        made = Environment.from_conda_specification("project", path)
    packages = made.python.conda_dependencies
    assert packages is not None
    if not any(name in " ".join(packages.pip_packages) for name in (CLIENT, "azureml-defaults", "mlflow")):
        print(f"The project's environment lacks {CLIENT}; it is added.")
        packages.add_pip_package(CLIENT)
    return made


def of_python_env(path: Path) -> Environment:
    import yaml
    from azureml.core.conda_dependencies import CondaDependencies

    content = yaml.safe_load(path.read_text()) or {}
    wanted: list[str] = []
    for line in content.get("dependencies", []):
        if line.startswith("-r "):
            wanted += [one for one in (path.parent / line[3:].strip()).read_text().splitlines() if one.strip()]
        else:
            wanted.append(line)
    made = Environment("project")
    python = str(content.get("python") or "3.11")
    made.python.conda_dependencies = CondaDependencies.create(pip_packages=wanted, python_version=python)
    return made


def labels(uri: str, entry_point: str, folder: str) -> dict[str, str]:
    found = {"mlflow.project.entryPoint": entry_point, "mlflow.source.name": uri, "mlflow.source.type": "PROJECT"}
    commit = commit_of(folder)
    return {**found, "mlflow.source.git.commit": commit} if commit else found


def commit_of(folder: str) -> str:
    import subprocess

    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def truth(value: Any, *, default: bool) -> bool:
    """Read a boolean, as JSON files of old have it: also the words “True” and “False”."""
    if value is None or value == "":
        return default
    return str(value).strip().lower() in ("true", "1", "yes") if not isinstance(value, bool) else value


class StudioRun(SubmittedRun):
    """A project's run; `wait` says whether it completed."""

    def __init__(self, run: Run, streams: bool) -> None:
        super().__init__()
        self.run, self.streams = run, streams

    @property
    def run_id(self) -> str:
        return self.run.id

    def wait(self) -> bool:
        self.run.wait_for_completion(show_output=self.streams, raise_on_error=False)
        return self.run.get_status() == "Completed"

    def get_status(self) -> str:
        return self.run.get_status()

    def cancel(self) -> None:
        self.run.cancel()

    def _repr_html_(self) -> str:
        return self.run._repr_html_()


def backend() -> StudioBackend:
    return StudioBackend()
