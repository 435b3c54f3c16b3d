"""Runs at each start of the interpreter, by a `.pth` file, so it must cost next to nothing.

`mlflow.azureml` must be there though MLflow 2 and later have no such module, and `mlflow.projects.run` must take
`use_conda=` again, whether `azureml` is imported before MLflow or after it.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # typing takes longer to load than all of this module
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

OURS = {"mlflow.azureml": "studio_sdk.mlflow_azureml"}


def complete(module: ModuleType) -> None:
    """Add to a module of MLflow, just imported, what scripts of the original look for in it."""
    if module.__name__ == "mlflow.projects":
        from studio_sdk.mlflow_plugin.use_conda import wrap

        wrap(module)
    elif module.__name__ == "mlflow" and not hasattr(module, "azureml"):
        from importlib import import_module

        import_module("mlflow.azureml")


def complete_mlflow() -> None:
    """Do it for modules that were imported before this one."""
    for name in ("mlflow", "mlflow.projects"):
        if name in sys.modules:
            complete(sys.modules[name])


class First:
    """Asked before all others: finds MLflow's modules where they are, and completes them once they are read."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name not in ("mlflow", "mlflow.projects"):
            return None
        from importlib.machinery import PathFinder

        spec = PathFinder.find_spec(name, path)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            complete(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


class Last:
    """Asked when nobody else has the module: MLflow 1 keeps its own."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name not in OURS:
            return None
        from importlib.util import find_spec, spec_from_file_location

        found = find_spec(OURS[name])
        return spec_from_file_location(name, found.origin) if found and found.origin else None


if not any(getattr(finder, "__module__", "") == __name__ for finder in sys.meta_path):
    sys.meta_path.insert(0, First)
    sys.meta_path.append(Last)
