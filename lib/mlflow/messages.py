"""MLflow's messages, re-exported: the day they come from elsewhere, this file changes and no other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mlflow.protos import databricks_pb2, mlflow_artifacts_pb2, model_registry_pb2, service_pb2, webhooks_pb2

import lib.mlflow  # noqa: F401  puts the bare parent before the imports below

Message = Any  # protobuf makes its classes at run time; no type can name them

service = service_pb2
registry = model_registry_pb2
artifacts = mlflow_artifacts_pb2
webhooks = webhooks_pb2


@dataclass(frozen=True)
class Endpoint:
    """One line of a service description: `path` is in MLflow's template form, without prefix or version."""

    message: str
    method: str
    major: int
    path: str


def endpoints() -> Iterator[Endpoint]:
    """Read every route from the options of the services themselves."""
    for file in (service, registry, artifacts, webhooks):
        for description in file.DESCRIPTOR.services_by_name.values():
            for method in description.methods:
                for endpoint in method.GetOptions().Extensions[databricks_pb2.rpc].endpoints:
                    path = endpoint.path if endpoint.path.startswith("/") else f"/{endpoint.path}"
                    yield Endpoint(method.input_type.full_name, endpoint.method, endpoint.since.major, path)
