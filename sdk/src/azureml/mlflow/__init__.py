"""What the original's plugin offers by name."""

from __future__ import annotations

from typing import Any


def get_portal_url(run: Any) -> str:
    """Give the page of an MLflow run that was tracked in a studio."""
    import mlflow
    from studio_sdk import addresses

    place = addresses.parse(mlflow.get_tracking_uri())
    return f"{place.url}/w/{place.workspace}/runs/{run.info.run_id}/"
