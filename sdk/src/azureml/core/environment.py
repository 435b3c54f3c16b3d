"""Environments: what is installed where a script or a service runs."""

from __future__ import annotations

import copy
import json
import time
from pathlib import Path
from typing import Any

from studio_sdk.client import part

from azureml._offered import not_offered
from azureml.core.conda_dependencies import CondaDependencies, read
from azureml.core.workspace import Workspace
from azureml.exceptions import ServiceException, UserErrorException, translated

RESERVED = "azureml-"
POLL_S = 1.0


class PythonSection:
    def __init__(self) -> None:
        self.conda_dependencies: CondaDependencies | None = CondaDependencies()
        self.user_managed_dependencies = False
        self.interpreter_path = "python"
        self.conda_dependencies_file: str | None = None


class DockerSection:
    """Kept as it is given: a studio runs processes, not images."""

    def __init__(self) -> None:
        self.enabled = False
        self.base_image: str | None = None
        self.base_dockerfile: str | None = None
        self.base_image_registry: Any = None
        self.shared_volumes = True
        self.shm_size: str | None = None
        self.gpu_support = False
        self.arguments: list[str] = []


class Environment:
    """A named description; `version` is set once it is registered."""

    def __init__(self, name: str, **_more: Any) -> None:
        if not name:
            raise UserErrorException("An environment has a name.")
        self.name = name
        self.version: str | None = None
        self.python, self.docker = PythonSection(), DockerSection()
        self.environment_variables: dict[str, str] = {}
        self.inferencing_stack_version: str | None = None
        self._is_curated = False
        self._is_list = False  # got as a list of packages, not as a conda file
        self._got = ""  # the conda file as it was got

    # ---- Making ----------------------------------------------------------------------

    @staticmethod
    def from_conda_specification(name: str, file_path: str) -> Environment:
        made = Environment(name)
        made.python.conda_dependencies = CondaDependencies(_underlying_structure=read(file_path))
        return made

    @staticmethod
    def from_pip_requirements(name: str, file_path: str, pip_version: str | None = None) -> Environment:
        try:
            lines = Path(file_path).read_text().splitlines()
        except OSError as error:
            raise UserErrorException(f"The requirements “{file_path}” cannot be read: {error.strerror}.") from None
        wanted = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
        made = Environment(name)
        made.python.conda_dependencies = CondaDependencies.create(pip_packages=wanted)
        return made

    @staticmethod
    def from_existing_conda_environment(name: str, conda_environment_name: str) -> Environment | None:
        """Describe a conda environment of this machine; None where conda has no such one."""
        import subprocess

        command = ["conda", "env", "export", "-n", conda_environment_name, "--no-builds"]
        try:
            found = subprocess.run(command, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            return None
        import yaml

        made = Environment(name)
        made.python.conda_dependencies = CondaDependencies(_underlying_structure=yaml.safe_load(found.stdout))
        return made

    @staticmethod
    def from_docker_image(name: str, image: str, conda_specification: str | None = None, **_more: Any) -> Environment:
        made = (
            Environment.from_conda_specification(name, conda_specification)
            if conda_specification
            else Environment(name)
        )
        made.docker.base_image = image
        return made

    @staticmethod
    def from_dockerfile(
        name: str, dockerfile: str, conda_specification: str | None = None, **_more: Any
    ) -> Environment:
        made = Environment.from_docker_image(name, "", conda_specification)
        made.docker.base_image, made.docker.base_dockerfile = None, dockerfile
        return made

    def clone(self, new_name: str) -> Environment:
        made = copy.deepcopy(self)
        made.name, made.version, made._is_curated = new_name, None, False
        return made

    # ---- In the studio ----------------------------------------------------------------------

    @staticmethod
    def get(workspace: Workspace, name: str, version: Any = None, label: str | None = None) -> Environment:
        """Get a registered or curated one. Raises ServiceException that names it and near names."""
        reference = f"{name}@{version}" if version else name
        with translated():
            return Environment._of_row(workspace._api.get(f"environments/{part(reference)}"))

    @staticmethod
    def list(workspace: Workspace) -> dict[str, Environment]:
        with translated():
            return {row["name"]: Environment._of_row(row) for row in workspace._api.get("environments")}

    @classmethod
    def _of_row(cls, row: dict[str, Any]) -> Environment:
        definition = row["definition"]
        made = cls(row["name"])
        made.version, made._is_curated = str(row["version"]), row["is_curated"]
        files = definition.get("files") or {}
        if "conda.yaml" in files:
            import yaml

            content = yaml.safe_load(files["conda.yaml"])
            made.python.conda_dependencies = CondaDependencies(_underlying_structure=content)
        else:
            made._is_list = not files and not definition.get("python")
            packages, python = listed(files) if files else (definition.get("packages") or [], definition.get("python"))
            made.python.conda_dependencies = of_packages(packages, python)
        made._got = made._conda()
        made.environment_variables = dict(definition.get("environment_variables") or {})
        return made

    def register(self, workspace: Workspace) -> Environment:
        """Register it; the same content keeps its version. Raises UserErrorException for a reserved name."""
        if self.name.lower().startswith(RESERVED):
            raise UserErrorException(
                f"Names that begin with “AzureML-” are those of the curated environments, not “{self.name}”."
            )
        with translated():
            asked = {"name": self.name, "definition": self._definition()}
            return Environment._of_row(workspace._api.post("environments", asked))

    def build(self, workspace: Workspace, **_more: Any) -> BuildDetails:
        """Build it before a job needs it."""
        with translated():
            asked = self._asked()
            row = workspace._api.post("environment-builds", asked)
        return BuildDetails(workspace, row)

    def _definition(self) -> dict[str, Any]:
        return {**self._content(), "environment_variables": self.environment_variables}

    def _content(self) -> dict[str, Any]:
        """Say what it holds: packages as long as it was got as a list of them and no more was changed, a conda file."""
        dependencies = self.python.conda_dependencies or CondaDependencies()
        as_list = of_packages(dependencies.pip_packages)
        if self._is_list and as_list.serialize_to_string() == self._conda():
            return {"packages": dependencies.pip_packages}
        return {"files": {"conda.yaml": self._conda()}}

    def _conda(self) -> str:
        dependencies = self.python.conda_dependencies or CondaDependencies()
        return dependencies.serialize_to_string()

    def _asked(self) -> dict[str, Any]:
        """Give what the studio's API takes as an environment: its name, or what it holds if that was changed since."""
        is_as_got = not self._got or self._conda() == self._got
        if (self.version or self._is_curated) and is_as_got:
            return {"reference": f"{self.name}@{self.version}" if self.version else self.name}
        return {"name": self.name, **self._content()}

    # ---- In files ----------------------------------------------------------------------

    def save_to_directory(self, path: str, overwrite: bool = False) -> None:
        folder = Path(path)
        if folder.exists() and any(folder.iterdir()) and not overwrite:
            raise UserErrorException(f"The folder “{path}” is not empty; pass overwrite=True to write there.")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "conda_dependencies.yml").write_text(self._conda())
        content = {"name": self.name, "version": self.version, "environmentVariables": self.environment_variables}
        (folder / "azureml_environment.json").write_text(json.dumps(content, indent=2) + "\n")

    @staticmethod
    def load_from_directory(path: str) -> Environment:
        try:
            content = json.loads((Path(path) / "azureml_environment.json").read_text())
        except (OSError, ValueError):
            raise UserErrorException(f"There is no environment in “{path}” (azureml_environment.json).") from None
        made = Environment.from_conda_specification(content["name"], str(Path(path) / "conda_dependencies.yml"))
        made.version = content.get("version")
        made.environment_variables = content.get("environmentVariables", {})
        return made

    def __repr__(self) -> str:
        return f"Environment(Name: {self.name}, Version: {self.version})"


def of_packages(packages: list[str], python: Any = None) -> CondaDependencies:
    """Write packages, these and no others, as a conda file has them."""
    made = CondaDependencies.create(python_version=str(python)) if python else CondaDependencies.create()
    made.set_pip_requirements(packages)
    return made


def listed(files: dict[str, str]) -> tuple[list[str], str | None]:
    """Read the packages, and the Python if one is named, of requirements.txt or MLflow's python_env.yaml."""
    import yaml

    lines = [line.strip() for line in files.get("requirements.txt", "").splitlines()]
    wanted = [line for line in lines if line and not line.startswith("#")]
    content = yaml.safe_load(files.get("python_env.yaml", "")) or {}
    own = [line for line in content.get("dependencies") or [] if not line.startswith("-r ")]
    return ([*own, *wanted] if content else wanted), content.get("python")


class BuildDetails:
    """A build in the studio."""

    def __init__(self, workspace: Workspace, row: dict[str, Any]) -> None:
        self._workspace, self._row = workspace, row

    @property
    def status(self) -> str:
        words = {"ready": "Succeeded", "failed": "Failed", "building": "Running", "queued": "Queued"}
        return words.get(str(self._row["state"]), str(self._row["state"]))

    @property
    def build_log(self) -> str:
        return str(self._log(0)["text"])

    def _log(self, offset: int) -> dict[str, Any]:
        found: dict[str, Any] = self._workspace._api.get(f"environment-builds/{self._row['digest']}/log", offset=offset)
        return found

    def _refresh(self) -> None:
        self._row = self._workspace._api.get(f"environment-builds/{self._row['digest']}")

    def wait_for_completion(self, show_output: bool = True) -> BuildDetails:
        """Wait until it is built, printing its log. Raises ServiceException with the error when it fails."""
        offset = 0
        with translated():
            while True:
                self._refresh()
                if show_output:
                    piece = self._log(offset)
                    print(piece["text"], end="", flush=True)
                    offset = piece["offset"]
                if self._row["state"] in ("ready", "failed"):
                    break
                time.sleep(POLL_S)
        if self._row["state"] == "failed":
            raise ServiceException(f"The environment could not be built: {self._row['error']}")
        return self


__all__ = ["CondaDependencies", "DockerSection", "Environment", "PythonSection"]
__getattr__ = not_offered(__name__)
