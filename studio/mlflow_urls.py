"""Every address that MLflow's clients call, of every room that serves some."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import workspaces.mlflow_api  # noqa: F401  its handlers are collected as it is read
from experiments import mlflow_api as experiments
from lib.mlflow import rpc
from registry import mlflow_api as registry
from workspaces import access


def declare(permissions: Mapping[str, str]) -> Any:
    return access.needs(**permissions)


urlpatterns = [*rpc.patterns(declare), *experiments.server.patterns(), *registry.patterns()]
