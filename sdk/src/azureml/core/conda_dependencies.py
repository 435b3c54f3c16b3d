"""What an environment installs, as a conda file says it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from azureml.exceptions import UserErrorException

KNOWN = {"name", "dependencies", "channels", "prefix", "variables"}
PYTHON = "3.11"
CHANNELS = ("anaconda", "conda-forge")


class CondaDependencies:
    """A conda specification, read from a file or a mapping; without either, one with Python alone.

    Raises UserErrorException for what is no mapping, or has keys that conda does not know.
    """

    DEFAULT_SDK_ORIGIN = "https://pypi.org/simple"

    def __init__(
        self, conda_dependencies_file_path: str | None = None, _underlying_structure: dict[str, Any] | None = None
    ) -> None:
        if conda_dependencies_file_path is not None:
            self._content = read(conda_dependencies_file_path)
        elif _underlying_structure is not None:
            self._content = checked(_underlying_structure, "the given structure")
        else:
            self._content = {
                "name": "project_environment",
                "dependencies": [f"python={PYTHON}", {"pip": ["azureml-defaults"]}],
                "channels": list(CHANNELS),
            }

    @staticmethod
    def create(
        pip_indexurl: str | None = None,
        pip_packages: Iterable[str] | None = None,
        conda_packages: Iterable[str] | None = None,
        python_version: str = PYTHON,
        pin_sdk_version: bool = True,
    ) -> CondaDependencies:
        made = CondaDependencies()
        made.set_python_version(python_version)
        if pip_indexurl:
            made._pip().insert(0, f"--index-url {pip_indexurl}")
        for package in conda_packages or ():
            made.add_conda_package(package)
        for package in pip_packages or ():
            made.add_pip_package(package)
        return made

    @staticmethod
    def merge_requirements(requirements: Iterable[str]) -> list[str]:
        return sorted(set(requirements))

    # ---- Reading ----------------------------------------------------------------------

    def _dependencies(self) -> list[Any]:
        found: list[Any] = self._content.setdefault("dependencies", [])
        return found

    def _pip(self) -> list[str]:
        for one in self._dependencies():
            if isinstance(one, dict) and "pip" in one:
                found: list[str] = one["pip"]
                return found
        part: dict[str, list[str]] = {"pip": []}
        self._dependencies().append(part)
        return part["pip"]

    @property
    def conda_packages(self) -> list[str]:
        return [one for one in self._dependencies() if isinstance(one, str)]

    @property
    def conda_channels(self) -> list[str]:
        return list(self._content.get("channels") or [])

    @property
    def pip_packages(self) -> list[str]:
        return [one for one in self._pip() if not one.startswith("-")]

    @property
    def pip_options(self) -> list[str]:
        return [one for one in self._pip() if one.startswith("-")]

    @property
    def python_version(self) -> str | None:
        found = next((one for one in self.conda_packages if package_name(one) == "python"), None)
        return re.sub(r"^python\s*=*\s*", "", found) or None if found else None

    def get_python_version(self) -> str | None:
        return self.python_version

    # ---- Changing ----------------------------------------------------------------------

    def add_conda_package(self, conda_package: str) -> None:
        self.remove_conda_package(conda_package)
        self._dependencies().insert(len(self.conda_packages), conda_package)

    def remove_conda_package(self, conda_package: str) -> None:
        name = package_name(conda_package)
        self._content["dependencies"] = [
            one for one in self._dependencies() if not (isinstance(one, str) and package_name(one) == name)
        ]

    def add_pip_package(self, pip_package: str) -> None:
        self.remove_pip_package(pip_package)
        self._pip().append(pip_package)

    def remove_pip_package(self, pip_package: str) -> None:
        name, lines = package_name(pip_package), self._pip()
        lines[:] = [one for one in lines if one.startswith("-") or package_name(one) != name]

    def set_pip_requirements(self, pip_requirements: Iterable[str]) -> None:
        self._pip()[:] = list(pip_requirements)

    def add_channel(self, channel: str) -> None:
        channels = self._content.setdefault("channels", [])
        if channel not in channels:
            channels.append(channel)

    def remove_channel(self, channel: str) -> None:
        self._content["channels"] = [one for one in self.conda_channels if one != channel]

    def set_python_version(self, version: str) -> None:
        self.remove_conda_package("python")
        self._dependencies().insert(0, f"python={version}")

    # ---- Writing ----------------------------------------------------------------------

    def as_dict(self) -> dict[str, Any]:
        return self._content

    def serialize_to_string(self) -> str:
        return str(yaml.safe_dump(self._content, sort_keys=False))

    def save(self, path: str | None = None) -> str:
        """Write it to a file, or to conda_dependencies.yml of a folder; gives the file's path."""
        target = Path(path or "conda_dependencies.yml")
        target = target / "conda_dependencies.yml" if target.is_dir() else target
        target.write_text(self.serialize_to_string())
        return str(target)

    def save_to_file(self, base_directory: str, conda_file_path: str | None = None) -> str:
        return self.save(str(Path(base_directory) / (conda_file_path or "conda_dependencies.yml")))


def package_name(requirement: str) -> str:
    """Give the name in a requirement, as it is compared."""
    return re.split(r"[\s=<>!~;\[@]", requirement.strip().rpartition("::")[2], maxsplit=1)[0].lower().replace("_", "-")


def read(path: str) -> dict[str, Any]:
    try:
        content = yaml.safe_load(Path(path).read_text())
    except OSError as error:
        raise UserErrorException(f"The conda file “{path}” cannot be read: {error.strerror}.") from None
    except yaml.YAMLError as error:
        raise UserErrorException(f"“{path}” is no YAML: {error}") from None
    return checked(content, f"“{path}”")


def checked(content: Any, what: str) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise UserErrorException(f"{what} is not a mapping of a conda environment (name, channels, dependencies).")
    if unknown := sorted(set(map(str, content)) - KNOWN):
        raise UserErrorException(f"{what} has the keys {', '.join(unknown)}, which conda does not know.")
    return content
