"""Runs at each start of the interpreter, by a `.pth` file, so it must cost next to nothing.

`import mlflow.azureml` must work though MLflow 2 and later have no such module, and whether or not `azureml` was
imported before; and `mlflow.projects.run` must take `use_conda=` again, in either order of imports.
"""

import sys

OURS = {"mlflow.azureml": "studio_sdk.mlflow_azureml"}


class Finder:
    """Gives our module for `mlflow.azureml` where MLflow has none, and wraps `mlflow.projects` once it is read."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name == "mlflow.projects":
            return cls.wrapped(name, path)
        return None

    @classmethod
    def wrapped(cls, name, path):
        from importlib.machinery import PathFinder

        spec = PathFinder.find_spec(name, path)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            from studio_sdk.mlflow_plugin.use_conda import wrap

            wrap(module)

        spec.loader.exec_module = exec_module
        return spec


class Last:
    """Asked when nobody else has the module: MLflow 1 keeps its own."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name not in OURS:
            return None
        from importlib.util import find_spec, spec_from_file_location

        found = find_spec(OURS[name])
        return spec_from_file_location(name, found.origin) if found and found.origin else None


if not any(getattr(finder, "__module__", "") == __name__ for finder in sys.meta_path):
    sys.meta_path.insert(0, Finder)
    sys.meta_path.append(Last)


def complete_mlflow():
    """Do for an MLflow that is imported already what is else done while it is: scripts say `mlflow.azureml` at once."""
    mlflow = sys.modules.get("mlflow")
    if mlflow is None:
        return
    if not hasattr(mlflow, "azureml"):
        from importlib import import_module

        import_module("mlflow.azureml")
    if "mlflow.projects" in sys.modules:
        from studio_sdk.mlflow_plugin.use_conda import wrap

        wrap(sys.modules["mlflow.projects"])
