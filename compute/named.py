"""Environments by name: the curated ones and those that a workspace has registered, newest version first."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from django.utils.translation import gettext as _

from compute.curated import CURATED
from compute.environments import BadEnvironment, EnvironmentSpec, parse_files
from compute.environments.parse import CONDA_FILES, with_included
from compute.environments.spec import make
from compute.models import Environment, EnvironmentBuild, EnvironmentVersion
from lib.errors import InvalidValue, NotFound
from workspaces.access import Actor
from workspaces.models import Workspace


@dataclass(frozen=True)
class Named:
    """One version of an environment that has a name."""

    name: str
    version: int
    definition: Mapping[str, Any]
    is_curated: bool = False
    description: str = ""
    versions: tuple[int, ...] = ()
    created_ms: int | None = None
    created_by: str = ""
    build: EnvironmentBuild | None = field(default=None, compare=False)

    @property
    def spec(self) -> EnvironmentSpec:
        return spec_of(self.definition, name=self.name)

    @property
    def reference(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def state(self) -> str:
        return self.build.state if self.build else "notbuilt"


def spec_of(definition: Mapping[str, Any], *, name: str = "") -> EnvironmentSpec:
    """Read a definition: `files` by name, or `packages` for a `python`. Raises InvalidValue."""
    files, packages = definition.get("files"), definition.get("packages", [])
    try:
        if isinstance(files, dict) and files:
            return parse_files({str(path): str(text) for path, text in files.items()}, name=name)
        if not isinstance(packages, list):
            raise InvalidValue(_("“packages” is not a list."), field="definition")
        return make([str(one) for one in packages], python=str(definition.get("python") or ""), name=name)
    except BadEnvironment as error:
        raise InvalidValue(str(error), field="definition") from None


def as_one_file(definition: Mapping[str, Any]) -> tuple[str, str]:
    """Write a definition as the one file that a form takes: which, and its text."""
    files: Mapping[str, str] = definition.get("files") or {}
    for name in ("python_env.yaml", *CONDA_FILES, "requirements.txt"):
        if name in files:
            return "conda.yaml" if name in CONDA_FILES else name, with_included(files[name], files)
    packages, python = definition.get("packages", []), definition.get("python")
    if not python:
        return "requirements.txt", "\n".join(packages)
    return "python_env.yaml", yaml.safe_dump({"python": str(python), "dependencies": packages}, sort_keys=False)


def all_named(actor: Actor, workspace: Workspace) -> list[Named]:
    """List the newest version of each name, the workspace's own first."""
    rows = Environment.objects.visible_to(actor).filter(workspace=workspace).prefetch_related("versions")
    own = [of_row(row, max(row.versions.all(), key=lambda one: one.version)) for row in rows.order_by("name")]
    return with_builds([*own, *(of_curated(name) for name in CURATED)])


def find_named(actor: Actor, workspace: Workspace, reference: str) -> Named:
    """Find `name`, `name@3`, `name:3` or `name@latest`. Raises NotFound, which tells near names."""
    name, version = split(reference)
    if name in CURATED:
        found = of_curated(name)
        if version not in (None, found.version):
            raise NotFound(_("The environment “%(name)s” has no version %(version)s.")
                           % {"name": name, "version": version})  # fmt: skip
        return with_builds([found])[0]
    rows = Environment.objects.visible_to(actor).filter(workspace=workspace)
    row = rows.prefetch_related("versions").filter(name=name).first()
    if row is None:
        raise NotFound(unknown(name, [*rows.values_list("name", flat=True), *CURATED]))
    versions = {one.version: one for one in row.versions.all()}
    wanted = max(versions) if version is None else version
    if wanted not in versions:
        raise NotFound(_("The environment “%(name)s” has no version %(version)s.") % {"name": name, "version": wanted})
    return with_builds([of_row(row, versions[wanted])])[0]


def split(reference: str) -> tuple[str, int | None]:
    for mark in ("@", ":"):
        name, found, version = reference.rpartition(mark)
        if found and (version.isdigit() or version == "latest"):
            return name, int(version) if version.isdigit() and len(version) < 9 else None
    return reference, None


def unknown(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    said = _("There is no environment “%s”.") % name[:100]
    return f"{said} {_('Did you mean %s?') % ', '.join(near)}" if near else said


def of_curated(name: str) -> Named:
    one = CURATED[name]
    return Named(name, one.version, one.definition, True, one.description, (one.version,))


def of_row(row: Environment, version: EnvironmentVersion) -> Named:
    numbers = tuple(sorted((one.version for one in row.versions.all()), reverse=True))
    said = str(version.definition.get("description") or "")
    return Named(
        row.name, version.version, version.definition, False, said, numbers, version.created_ms, version.created_by
    )


def with_builds(found: list[Named]) -> list[Named]:
    """Put beside each what was built of it, if anything was."""
    digests = {one.reference: one.spec.digest for one in found}
    builds = {build.digest: build for build in EnvironmentBuild.objects.filter(digest__in=digests.values())}
    return [Named(**{**vars(one), "build": builds.get(digests[one.reference])}) for one in found]
