"""MLflow's own REST stores, for an address whose scheme they do not know."""

from __future__ import annotations

from functools import partial
from typing import Any

from studio_sdk.mlflow_plugin.hosts import host_credentials


def tracking_store(store_uri: str, artifact_uri: str | None = None, **_options: Any) -> Any:
    from mlflow.store.tracking.rest_store import RestStore

    return RestStore(partial(host_credentials, store_uri))


def registry_store(store_uri: str, **_options: Any) -> Any:
    from mlflow.store.model_registry.rest_store import RestStore

    return RestStore(partial(host_credentials, store_uri))
