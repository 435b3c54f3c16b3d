"""A service with a script of one's own: `init()` and `run()`."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from azureml._services.deploying import text_files
from azureml.core.environment import Environment
from azureml.exceptions import UserErrorException

NEEDED = ("init", "run")


class InferenceConfig:
    """Raises UserErrorException, before anything is sent, for a script that is missing, no Python, or not a service."""

    def __init__(
        self,
        entry_script: str,
        runtime: str | None = None,
        conda_file: str | None = None,
        extra_docker_file_steps: Any = None,
        source_directory: str | None = None,
        enable_gpu: bool | None = None,
        description: str | None = None,
        base_image: str | None = None,
        base_image_registry: Any = None,
        cuda_version: str | None = None,
        environment: Environment | None = None,
    ) -> None:
        self.entry_script, self.source_directory = str(entry_script), source_directory
        self.description, self.runtime = description, runtime
        self.conda_file = conda_file
        if environment is None and conda_file:
            environment = Environment.from_conda_specification("inference", str(self._place(conda_file)))
        self.environment = environment
        check(self._place(self.entry_script))

    def _place(self, name: str) -> Path:
        return Path(self.source_directory) / name if self.source_directory else Path(name)

    def validate_configuration(self) -> None:
        check(self._place(self.entry_script))

    def _asked(self) -> dict[str, Any]:
        script = self._place(self.entry_script)
        if self.source_directory:
            files, name = text_files(Path(self.source_directory)), Path(self.entry_script).as_posix()
        else:
            files, name = {script.name: script.read_text()}, script.name
        asked: dict[str, Any] = {"entry_script": name, "files": files}
        if self.environment is not None:
            asked["environment"] = self.environment._asked()
        return asked


def check(script: Path) -> None:
    if not script.is_file():
        raise UserErrorException(f"There is no entry script “{script}”.")
    try:
        tree = ast.parse(script.read_text(), filename=str(script))
    except SyntaxError as error:
        raise UserErrorException(f"“{script}” is no Python: {error.msg} (line {error.lineno}).") from None
    defined = {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
    imported = {
        name.asname or name.name for node in tree.body if isinstance(node, ast.ImportFrom) for name in node.names
    }
    if missing := [name for name in NEEDED if name not in defined | imported and "*" not in imported]:
        raise UserErrorException(f"“{script}” defines no {' and no '.join(f'{name}()' for name in missing)}.")
