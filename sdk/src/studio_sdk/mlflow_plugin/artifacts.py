"""Artifacts of runs that were tracked by an `azureml://` address.

MLflow's repository for `mlflow-artifacts:` takes its host from the tracking address and refuses all but http there.
"""

from __future__ import annotations

from typing import Any

from mlflow.entities import FileInfo
from mlflow.store.artifact.mlflow_artifacts_repo import MlflowArtifactsRepository
from mlflow.tracking import get_tracking_uri

from studio_sdk import addresses
from studio_sdk.client import Client
from studio_sdk.mlflow_plugin.hosts import credential_for, host_credentials


class StudioArtifacts(MlflowArtifactsRepository):
    def __init__(self, artifact_uri: str, tracking_uri: str | None = None, **options: Any) -> None:
        self.studio = addresses.parse(tracking_uri or get_tracking_uri())
        if tracking_uri is not None:
            options["tracking_uri"] = tracking_uri
        super().__init__(artifact_uri, **options)

    @classmethod
    def resolve_uri(cls, artifact_uri: str, tracking_uri: str) -> str:
        return str(super().resolve_uri(artifact_uri, addresses.parse(tracking_uri).http_uri))  # type: ignore[no-untyped-call]

    def list_artifacts(self, path: str | None = None) -> list[FileInfo]:
        """List a folder. MLflow's own asks for the credential by another way, which knows no login."""
        root = self.artifact_uri.partition("/mlflow-artifacts/artifacts")[2].strip("/")
        asked = "/".join(part for part in (root, path) if part)
        client = Client(self.studio.url, credential_for(self.studio.url))
        place = f"{self.studio.path}/api/2.0/mlflow-artifacts/artifacts"
        found = client.json("GET", place, params={"path": asked})
        rows = found.get("files", []) if found else []
        named = [(f"{path}/{row['path']}" if path else row["path"], row) for row in rows]
        infos = [FileInfo(name, bool(row.get("is_dir")), size_of(row)) for name, row in named]
        return sorted(infos, key=lambda one: str(one.path))

    @property
    def _host_creds(self) -> Any:
        from mlflow.utils.rest_utils import MlflowHostCreds

        return MlflowHostCreds(host=self.artifact_uri, token=credential_for(self.studio.url).token())

    @property
    def _artifact_server_host_creds(self) -> Any:
        return host_credentials(self.studio.tracking_uri)


def size_of(row: dict[str, Any]) -> int | None:
    return int(row["file_size"]) if row.get("file_size") is not None else None


def repository(artifact_uri: str, tracking_uri: str | None = None, **options: Any) -> MlflowArtifactsRepository:
    """Make ours for an `azureml:` tracking address, MLflow's own for all others."""
    kind = StudioArtifacts if (tracking_uri or get_tracking_uri()).startswith("azureml") else MlflowArtifactsRepository
    if tracking_uri is not None:
        options["tracking_uri"] = tracking_uri
    return kind(artifact_uri, **options)
