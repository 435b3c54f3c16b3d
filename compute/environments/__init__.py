"""From a list of packages to a folder in which they run; no Django here, compute nodes use it as it is."""

from compute.environments.build import Builder, BuildFailed, Built, find
from compute.environments.parse import parse_conda, parse_files, parse_python_env, parse_requirements
from compute.environments.spec import BadEnvironment, EnvironmentSpec

__all__ = [
    "BadEnvironment",
    "BuildFailed",
    "Builder",
    "Built",
    "EnvironmentSpec",
    "find",
    "parse_conda",
    "parse_files",
    "parse_python_env",
    "parse_requirements",
]
