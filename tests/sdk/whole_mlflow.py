"""MLflow as its users have it, in a process where the server's room put a bare module in its place."""

from __future__ import annotations

import sys

import lib.mlflow  # noqa: F401  whoever comes first, this process has the bare module


def complete() -> None:
    """Execute MLflow's own `__init__` in the module that is there."""
    bare = sys.modules["mlflow"]
    if not hasattr(bare, "get_tracking_uri"):
        assert bare.__spec__ is not None
        assert bare.__spec__.loader is not None
        bare.__file__ = bare.__spec__.origin
        bare.__spec__.loader.exec_module(bare)


complete()
