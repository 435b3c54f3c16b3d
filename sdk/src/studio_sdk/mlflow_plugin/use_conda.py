"""`mlflow.projects.run(use_conda=…)`, which MLflow 2 took away and scripts of the original pass."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

MARK = "_takes_use_conda"


def wrap(projects: Any) -> None:
    """Let `run` of the module take `use_conda`: False means the caller's interpreter, True an environment. Once."""
    run: Callable[..., Any] = projects.run
    if getattr(run, MARK, False):
        return

    @functools.wraps(run)
    def with_use_conda(*given: Any, use_conda: bool | None = None, **named: Any) -> Any:
        if use_conda is not None:
            warnings.warn("use_conda is gone from MLflow; env_manager is set from it.", stacklevel=2)
            named.setdefault("env_manager", "conda" if use_conda else "local")
        return run(*given, **named)

    setattr(with_use_conda, MARK, True)
    projects.run = with_use_conda
