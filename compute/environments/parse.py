"""Read conda.yaml, python_env.yaml and requirements.txt."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from compute.environments.conda import as_requirement
from compute.environments.spec import TEXT_MAX, BadEnvironment, EnvironmentSpec, make

COMMENT = re.compile(r"(^|\s)#.*$")
CONDA_FILES = ("conda.yaml", "conda.yml", "environment.yml")
INCLUDES = re.compile(
    r"""^(?P<indent>[ ]*)-[ ]+(?P<quote>["']?)(?P<option>(?:-r|--requirement)[ ]+[^\s"']+)(?P=quote)[ ]*$""", re.M
)


def parse_files(files: Mapping[str, str], *, name: str = "") -> EnvironmentSpec:
    """Read the environment among a project's or a model's files, by name.

    python_env.yaml is asked first, as MLflow writes it to say what was really installed; then conda.yaml, then
    requirements.txt. Raises BadEnvironment when none of them is there.
    """
    if "python_env.yaml" in files:
        return parse_python_env(files["python_env.yaml"], files, name=name)
    for conda in CONDA_FILES:
        if conda in files:
            return parse_conda(files[conda], files, name=name)
    if "requirements.txt" in files:
        return parse_requirements(files["requirements.txt"], name=name)
    raise BadEnvironment("There is no conda.yaml, python_env.yaml or requirements.txt that says what to install.")


def parse_requirements(text: str, *, python: str = "", name: str = "") -> EnvironmentSpec:
    return make(requirement_lines(text), python=python, source="requirements.txt", name=name)


def parse_python_env(text: str, files: Mapping[str, str] | None = None, *, name: str = "") -> EnvironmentSpec:
    """Read MLflow's python_env.yaml; `-r requirements.txt` in it means the file of that name beside it."""
    values = load(text, "python_env.yaml")
    lines = list(included(strings(values.get("dependencies"), "dependencies"), files or {}))
    return make(lines, python=str(values.get("python") or ""), source="python_env.yaml", name=name)


def parse_conda(text: str, files: Mapping[str, str] | None = None, *, name: str = "") -> EnvironmentSpec:
    """Read conda.yaml: its pip part as it is, its conda packages under the names that the package index knows."""
    values = load(text, "conda.yaml")
    python = ""
    lines: list[str] = []
    notes: list[str] = []
    dependencies = values.get("dependencies") or []
    if not isinstance(dependencies, list):
        raise BadEnvironment("conda.yaml: “dependencies” is not a list.")
    for item in dependencies:
        if isinstance(item, dict):
            lines += included(strings(item.get("pip"), "pip"), files or {})
            continue
        package = as_requirement(str(item))
        python = package.python or python
        lines += [package.requirement] if package.requirement else []
        notes += [package.note] if package.note else []
    own_name = name or str(values.get("name") or "")
    return make(lines, python=python, source="conda.yaml", name=own_name, notes=notes)


def load(text: str, what: str) -> dict[str, Any]:
    if len(text) > TEXT_MAX:
        raise BadEnvironment(f"{what} is longer than {TEXT_MAX} characters.")
    try:
        values = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        where = getattr(error, "problem_mark", None)
        raise BadEnvironment(f"{what} is not YAML" + (f" (line {where.line + 1})." if where else ".")) from None
    if not isinstance(values, dict):
        raise BadEnvironment(f"{what} is not a mapping.")
    return values


def strings(items: Any, what: str) -> list[str]:
    if items is None:
        return []
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise BadEnvironment(f"“{what}” is not a list of packages.")
    return items


def included(lines: Iterable[str], files: Mapping[str, str]) -> Iterable[str]:
    """Put the lines of a requirements file that came along in the place of its `-r`; one level, no other file."""
    for line in lines:
        words = line.split()
        if len(words) == 2 and words[0] in ("-r", "--requirement") and words[1] in files:
            yield from requirement_lines(files[words[1]])
        else:
            yield line


def with_included(text: str, files: Mapping[str, str]) -> str:
    """Give a YAML file's text with the packages of another in the place of the `-r` that names it."""

    def packages(found: re.Match[str]) -> str:
        lines = included([found["option"]], files)
        return "\n".join(f"{found['indent']}- {json.dumps(line, ensure_ascii=False)}" for line in lines)

    return INCLUDES.sub(packages, text)


def requirement_lines(text: str) -> list[str]:
    if len(text) > TEXT_MAX:
        raise BadEnvironment(f"requirements.txt is longer than {TEXT_MAX} characters.")
    joined = text.replace("\\\r\n", " ").replace("\\\n", " ").removeprefix("\ufeff")
    lines = (COMMENT.sub("", line).strip() for line in joined.splitlines())
    return [line for line in lines if line]
