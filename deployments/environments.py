"""Which environment a model is served in, and where its Python is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from compute import environments, queries
from compute.environments import EnvironmentSpec
from compute.environments.build import builder_at
from compute.models import BuildState, EnvironmentBuild
from compute.operations import request_environment
from deployments import layer, model_files
from deployments.drivers.base import Program
from deployments.models import Deployment
from registry.models import ModelVersion
from workspaces.access import Actor

LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)$", re.MULTILINE)
# It has all of MLflow's own code: beside pandas it loads and calls a model as MLflow does.
MLFLOW, SKINNY = canonicalize_name("mlflow"), canonicalize_name("mlflow-skinny")
# A bare pickle says nothing of what it needs; the first two are what scripts for services import beside it.
BARE = ("azureml-defaults", "inference-schema[numpy-support]", "joblib", "numpy")
ENOUGH = 50


@dataclass(frozen=True)
class Interpreter:
    """The Python of a built environment; `is_reachable`: other users of the machine can run it."""

    python: Path
    minor: str
    is_reachable: bool


def request(version: ModelVersion, deployment: Deployment) -> EnvironmentBuild:
    """Give the environment for a revision: one of the workspace's that has all it asks for, else one to be built.

    Raises BadEnvironment for a model that asks for what cannot be had.
    """
    asked = deployment.environment_spec
    spec = EnvironmentSpec.from_json(asked) if asked else specification(version)
    return already_there(version, spec) or request_environment(Actor.system(), version.workspace, spec=spec)


def specification(version: ModelVersion) -> EnvironmentSpec:
    files = model_files.environment_files(version)
    if files:
        return environments.parse_files(files, name=str(version))
    written_by = model_files.scikit_learn_of(version)
    pinned = f"scikit-learn=={written_by}" if written_by else "scikit-learn"
    return environments.parse_requirements("\n".join((*BARE, pinned)), name=str(version))


def already_there(version: ModelVersion, spec: EnvironmentSpec) -> EnvironmentBuild | None:
    """Find a built environment of this workspace that holds every package asked for: most often its own run's."""
    built = EnvironmentBuild.objects.filter(state=BuildState.READY, uses__workspace=version.workspace)
    for build in built.order_by("-requested_ms").distinct()[:ENOUGH]:
        has_client = spec.client in ("", build.spec.get("client"))
        if has_client and holds(build.lock, spec.requirements) and spec.python in pythons_of(build):
            return build
    return None


def pythons_of(build: EnvironmentBuild) -> set[str]:
    """Give the Python that was asked for and, where the environment is here, the one that took its place."""
    found = queries.built(build)
    return {str(build.spec.get("python")), *([found.python_version] if found else [])}


def holds(lock: str, requirements: tuple[str, ...]) -> bool:
    """Say whether a lock (a line a package, `name==version`) satisfies each requirement."""
    versions = {canonicalize_name(name): version for name, version in LOCKED.findall(lock)}
    if SKINNY in versions and canonicalize_name("pandas") in versions:
        versions.setdefault(MLFLOW, versions[SKINNY])
    try:
        asked = [Requirement(text) for text in requirements]
    except InvalidRequirement:
        return False
    for one in asked:
        version = versions.get(canonicalize_name(one.name))
        if one.marker is None and (version is None or not one.specifier.contains(version, prereleases=True)):
            return False
    return True


def interpreter(build: EnvironmentBuild) -> Interpreter | None:
    """Find the Python of a build on this machine; None when it is not here (any more)."""
    built = queries.built(build)
    return Interpreter(built.python, built.python_version, built.is_reachable) if built else None


def program(python: Interpreter) -> Program:
    """Give the scoring server for that Python, laid out where replicas reach it."""
    wheels = builder_at(settings.RUNTIME_HOME).cache
    return layer.ensure(python.python, python.minor, settings.RUNTIME_HOME / "serving", wheels)
