"""MLflow projects: the MLproject file of a folder, and the command of one of its entry points."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml
from django.utils.translation import gettext as _

from compute.environments import BadEnvironment, EnvironmentSpec, parse_files
from compute.environments.parse import parse_conda, parse_python_env
from lib.errors import InvalidValue

FILE = "MLproject"
MAIN = "main"
TEXT_MAX = 200_000
TYPES = ("string", "float", "path", "uri")
PLACE = re.compile(r"\{(\w+)\}")
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")

ReadText = Callable[[str], str | None]


@dataclass(frozen=True)
class Parameter:
    """A parameter that an entry point declares; without a default it has to be given."""

    name: str
    kind: Literal["string", "float", "path", "uri"] = "string"
    default: str | None = None


@dataclass(frozen=True)
class EntryPoint:
    name: str
    command: str
    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True)
class Project:
    """What a folder offers to run. `environment_file` is the file that says what to install, if any does."""

    name: str = ""
    entry_points: tuple[EntryPoint, ...] = ()
    environment_file: str = ""
    environment_kind: Literal["conda", "python", "files", ""] = ""

    def entry_point(self, name: str) -> EntryPoint:
        """Give a declared entry point, or a script of the folder by its name. Raises InvalidValue."""
        for one in self.entry_points:
            if one.name == name:
                return one
        programs = {".py": "python", ".sh": "bash"}
        suffix = name[name.rfind(".") :] if "." in name else ""
        if suffix in programs:
            return EntryPoint(name, f"{programs[suffix]} {shlex.quote(name)}")
        known = ", ".join(one.name for one in self.entry_points) or "—"
        raise InvalidValue(
            _("The project has no entry point “%(name)s”; it has: %(known)s.") % {"name": name[:100], "known": known},
            field="entry_point",
        )


@dataclass(frozen=True)
class Planned:
    """The command of an entry point with its parameters filled in, those by default included."""

    command: list[str]
    parameters: dict[str, str] = field(default_factory=dict)


def read_project(read: ReadText) -> Project:
    """Read a folder's MLproject; `read(path)` gives a file's text or None. Raises InvalidValue for a bad one."""
    text = read(FILE)
    if text is None:
        return Project(environment_kind="files")
    values = loaded(text)
    if "docker_env" in values:
        raise InvalidValue(_("MLproject asks for docker_env; projects run here in a conda or Python environment."))
    points = values.get("entry_points") or {}
    if not isinstance(points, dict):
        raise InvalidValue(_("MLproject: “entry_points” is not a mapping."))
    file, kind = environment_of(values)
    return Project(
        name=str(values.get("name") or ""),
        entry_points=tuple(entry_point(str(name), value) for name, value in points.items()),
        environment_file=file,
        environment_kind=kind,
    )


def loaded(text: str) -> dict[str, Any]:
    if len(text) > TEXT_MAX:
        raise InvalidValue(_("MLproject is too long."))
    try:
        values = yaml.safe_load(text) or {}
    except (yaml.YAMLError, RecursionError):
        raise InvalidValue(_("MLproject is not YAML.")) from None
    if not isinstance(values, dict):
        raise InvalidValue(_("MLproject is not a mapping."))
    return values


def environment_of(values: Mapping[str, Any]) -> tuple[str, Literal["conda", "python", "files", ""]]:
    if conda := values.get("conda_env"):
        return str(conda), "conda"
    if python := values.get("python_env"):
        return str(python), "python"
    return "", "files"


def entry_point(name: str, value: Any) -> EntryPoint:
    if not isinstance(value, dict) or not isinstance(value.get("command"), str):
        raise InvalidValue(_("MLproject: the entry point “%s” has no command.") % name[:100])
    declared = value.get("parameters") or {}
    if not isinstance(declared, dict):
        raise InvalidValue(_("MLproject: the parameters of “%s” are not a mapping.") % name[:100])
    return EntryPoint(name, value["command"], tuple(parameter(str(key), said) for key, said in declared.items()))


def parameter(name: str, value: Any) -> Parameter:
    """Read `alpha: float`, `{type: float, default: 0.5}` or nothing."""
    said = value if isinstance(value, dict) else {"type": value}
    kind = str(said.get("type") or "string")
    if kind not in TYPES:
        raise InvalidValue(
            _("MLproject: “%(kind)s” is not a type of a parameter; there are %(types)s.")
            % {"kind": kind[:40], "types": ", ".join(TYPES)}
        )
    default = said.get("default")
    return Parameter(name, kind, None if default is None else str(default))  # type: ignore[arg-type]


def environment(project: Project, read: ReadText) -> EnvironmentSpec:
    """Give what the project asks to be installed; a folder that says nothing gets Python and MLflow's client."""
    names = ("conda.yaml", "conda.yml", "environment.yml", "python_env.yaml", "requirements.txt")
    files = {name: text for name in names if (text := read(name)) is not None}
    try:
        if project.environment_kind in ("conda", "python"):
            text = read(project.environment_file.removeprefix("./"))
            if text is None:
                raise InvalidValue(_("MLproject names “%s”, which is not there.") % project.environment_file[:200])
            parse = parse_conda if project.environment_kind == "conda" else parse_python_env
            return parse(text, files)
        return parse_files(files)
    except BadEnvironment as error:
        raise InvalidValue(str(error), field="environment") from None


def plan(point: EntryPoint, given: Mapping[str, str]) -> Planned:
    """Fill an entry point's command in; what is given beyond it is appended as `--name value`, as MLflow does.

    Raises InvalidValue for a parameter that is missing, that is no number, or that names an address to fetch.
    """
    values: dict[str, str] = {}
    for one in point.parameters:
        value = given.get(one.name, one.default)
        if value is None:
            raise InvalidValue(
                _("The entry point “%(point)s” needs a value for “%(name)s”.")
                % {"point": point.name, "name": one.name},
                field=one.name,
            )
        values[one.name] = checked_value(one, value)
    more = {name: value for name, value in given.items() if name not in values}
    for name in more:
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,250}", name):
            raise InvalidValue(_("“%s” is not a name of a parameter.") % name[:100])
    quoted = {name: shlex.quote(value) for name, value in values.items()}
    unknown = [name for name in PLACE.findall(point.command) if name not in quoted]
    if unknown:
        raise InvalidValue(_("The command of “%(point)s” asks for “%(name)s”, which it does not declare.")
                           % {"point": point.name, "name": unknown[0]})  # fmt: skip
    command = PLACE.sub(lambda found: quoted[found[1]], point.command)
    command += "".join(f" --{name} {shlex.quote(value)}" for name, value in more.items())
    return Planned(["bash", "-c", command], {**values, **more})


def checked_value(one: Parameter, value: str) -> str:
    if one.kind == "float":
        try:
            float(value)
        except ValueError:
            raise InvalidValue(
                _("“%(name)s” is a number; “%(value)s” is none.") % {"name": one.name, "value": value[:60]},
                field=one.name,
            ) from None
    if one.kind == "path" and (ADDRESS.match(value) or value.startswith("/") or ".." in value.split("/")):
        raise InvalidValue(
            _("“%(name)s” is a path in the project; “%(value)s” leads elsewhere.")
            % {"name": one.name, "value": value[:60]},
            field=one.name,
        )
    return value
