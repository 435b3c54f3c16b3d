"""The wire that MLflow's clients speak: messages, routes, limits, filter grammar. Knows none of our models.

The only place on the server that imports `mlflow`. A full `import mlflow` costs 3.5 s and 168 MB (pandas, numpy, the
fluent API); with a bare parent module put in its place first, the message definitions, the search parser and the
validation limits cost 0.8 s and 59 MB.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import types


def put_bare_parent() -> None:
    """Make `mlflow` a module that has a path and nothing else, so that its submodules load without its `__init__`.

    Does nothing in a process that has the whole of mlflow already (a test that also plays the client).
    """
    if "mlflow" in sys.modules:
        return
    spec = importlib.util.find_spec("mlflow")
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError("mlflow is not installed: the studio takes its message definitions from it.")
    parent = types.ModuleType("mlflow")
    parent.__path__ = list(spec.submodule_search_locations)
    parent.__spec__ = spec
    sys.modules["mlflow"] = parent


os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
put_bare_parent()
