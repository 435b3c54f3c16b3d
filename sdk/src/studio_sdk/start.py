"""Runs at each start of the interpreter, by a `.pth` file, so it must cost next to nothing.

`import mlflow.azureml` must work though MLflow 2 and later have no such module, and whether or not `azureml` was
imported before; and `mlflow.projects.run` must take `use_conda=` again. Both are done when MLflow is imported.
"""

import sys


class Finder:
    """Gives our module for `mlflow.azureml` where MLflow has none."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != "mlflow.azureml":
            return None
        from importlib.util import find_spec, spec_from_file_location

        ours = find_spec("studio_sdk.mlflow_azureml")
        return spec_from_file_location(name, ours.origin) if ours and ours.origin else None


if not any(isinstance(finder, type) and finder.__name__ == "Finder" for finder in sys.meta_path):
    sys.meta_path.append(Finder)
