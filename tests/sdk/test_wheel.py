"""What the client's package brings with it, and what its modules load."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import requires
from pathlib import Path

SDK = Path(__file__).resolve().parents[2] / "sdk"
OWN = {"azureml", "studio_sdk"}
PROJECT = tomllib.loads((SDK / "pyproject.toml").read_text())["project"]
NAME = re.compile(r"[A-Za-z0-9._-]+")


def name_of(requirement: str) -> str:
    found = NAME.match(requirement)
    assert found, requirement
    return found[0].lower().replace("_", "-")


def brought_by(package: str) -> set[str]:
    """Give the packages that this one needs, and those that they need, without extras."""
    found: set[str] = set()
    waiting = [package]
    while waiting:
        for text in requires(waiting.pop()) or []:
            if "extra ==" not in text and name_of(text) not in found and "sys_platform" not in text:
                found.add(name_of(text))
                waiting += [name_of(text)] if name_of(text).startswith("mlflow") else []
    return found


def test_the_client_needs_nothing_that_mlflow_does_not_bring():
    needed = {name_of(text) for text in PROJECT["dependencies"]}
    assert "mlflow" in needed
    assert needed - {"mlflow"} <= brought_by("mlflow")


def test_a_module_loads_what_the_client_needs_and_no_more():
    known = {"mlflow", "requests", "yaml"} | OWN | set(sys.stdlib_module_names)
    for file in sorted(SDK.glob("src/**/*.py")):
        for node in ast.parse(file.read_text()).body:  # what functions import is loaded where it is asked for
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            assert {name.partition(".")[0] for name in names} <= known, file
