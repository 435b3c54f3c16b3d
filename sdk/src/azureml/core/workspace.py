"""The workspace: where everything else is found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from studio_sdk import addresses, config_file
from studio_sdk.addresses import Place
from studio_sdk.client import Client, connect, part
from studio_sdk.errors import NotConfigured, NotFound
from studio_sdk.login import log_in_if_somebody_is_there

from azureml.core.authentication import AbstractAuthentication
from azureml.exceptions import UserErrorException, WorkspaceException, translated


class Workspace:
    """One workspace of a studio.

    `studio_url` is the studio's address; without it STUDIO_URL or the one login there is. Raises WorkspaceException
    when the workspace is not there, or not yours to see.
    """

    def __init__(
        self,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        workspace_name: str | None = None,
        auth: AbstractAuthentication | None = None,
        _location: str | None = None,
        _disable_service_check: bool = False,
        _workspace_id: str | None = None,
        sku: str = "basic",
        tags: dict[str, str] | None = None,
        *,
        studio_url: str = "",
        **_cloud: Any,
    ) -> None:
        if not workspace_name:
            raise UserErrorException("workspace_name is missing.")
        self._auth = auth
        self._subscription, self._group, self._name = subscription_id or "", resource_group or "", workspace_name
        self.sku, self.tags = sku, dict(tags or {})
        with translated(WorkspaceException):
            self._studio = client_for(studio_url or addresses.default_url(), auth)
            addresses.remember_host(self._studio.url)
        self._api = self._studio.below(f"w/{part(workspace_name)}/api/v1")
        self._mlflow = self._studio.below(f"w/{part(workspace_name)}/api/2.0/mlflow")
        self._row: dict[str, Any] = {}
        if not _disable_service_check:
            self._check()

    def _check(self) -> None:
        with translated(WorkspaceException):
            try:
                self._row = self._api.get("workspace")
            except NotFound:
                raise WorkspaceException(
                    f"Workspace “{self._name}” is not in the studio at {self._studio.url}, or you have no role in it."
                ) from None
        if self._group and self._group.lower() != self._row["group"].lower():
            raise WorkspaceException(
                f"Workspace “{self._name}” is in the resource group “{self._row['group']}”, not “{self._group}”."
            )
        self._group, self._subscription = self._row["group"], self._row["subscription_id"]

    # ---- Finding one ----------------------------------------------------------------------

    @staticmethod
    def from_config(
        path: str | None = None,
        auth: AbstractAuthentication | None = None,
        _logger: Any = None,
        _file_name: str | None = None,
    ) -> Workspace:
        """Find the workspace that a config.json names, from the folder upwards.

        Raises UserErrorException that says where it looked.
        """
        try:
            found = config_file.find(path, _file_name)
        except NotConfigured as error:
            raise UserErrorException(str(error)) from None
        return Workspace(
            found.subscription_id, found.resource_group, found.workspace_name, auth=auth, studio_url=found.studio_url
        )

    @staticmethod
    def get(
        name: str,
        auth: AbstractAuthentication | None = None,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        location: str | None = None,
        cloud: str = "AzureCloud",
        id: str | None = None,
        **more: Any,
    ) -> Workspace:
        return Workspace(subscription_id, resource_group, name, auth=auth, **more)

    @staticmethod
    def create(
        name: str,
        auth: AbstractAuthentication | None = None,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        location: str | None = None,
        create_resource_group: bool = True,
        sku: str = "basic",
        tags: dict[str, str] | None = None,
        friendly_name: str | None = None,
        *_resources: Any,
        exist_ok: bool = False,
        show_output: bool = True,
        studio_url: str = "",
        **_cloud: Any,
    ) -> Workspace:
        """Create a workspace, and its resource group if need be: an admin of the studio may.

        Raises WorkspaceException when it exists and `exist_ok` is False.
        """
        group = resource_group or name
        with translated(WorkspaceException):
            studio = client_for(studio_url or addresses.default_url(), auth).below("api/v1")
            existing = {row["name"]: row for row in studio.get("workspaces")}
            if name in existing and not exist_ok:
                raise WorkspaceException(f"Workspace “{name}” exists already; pass exist_ok=True to take it as it is.")
            if name not in existing:
                if create_resource_group and group not in {row["name"] for row in studio.get("groups")}:
                    given = {"name": group, "subscription_id": subscription_id or "", "location": location or "local"}
                    studio.post("groups", {key: value for key, value in given.items() if value})
                    if show_output:
                        print(f"Created resource group {group}.")
                studio.post(f"groups/{part(group)}/workspaces", {"name": name, "description": friendly_name or ""})
                if show_output:
                    print(f"Created workspace {name}.")
        return Workspace(subscription_id, None, name, auth=auth, tags=tags, sku=sku, studio_url=studio.url)

    @staticmethod
    def list(
        subscription_id: str | None = None,
        auth: AbstractAuthentication | None = None,
        resource_group: str | None = None,
    ) -> dict[str, list[Workspace]]:
        """Give the workspaces that you may see, by name; each name has a list of one."""
        with translated(WorkspaceException):
            url = addresses.default_url()
            rows = client_for(url, auth).get("api/v1/workspaces")
        wanted = [row for row in rows if resource_group in (None, row["group"])]
        return {row["name"]: [Workspace(None, row["group"], row["name"], auth=auth, studio_url=url)] for row in wanted}

    def write_config(self, path: str | None = None, file_name: str | None = None) -> None:
        """Write `<path>/.azureml/config.json`."""
        config = config_file.Config(self.subscription_id, self.resource_group, self.name, self._studio.url)
        config_file.write(Path(path or "."), config, file_name or "config.json")

    # ---- What it is ----------------------------------------------------------------------

    @property
    def name(self) -> str:
        return self._name

    @property
    def resource_group(self) -> str:
        return self._group

    @property
    def subscription_id(self) -> str:
        return self._subscription

    @property
    def location(self) -> str:
        return str(self._row.get("location", "local"))

    @property
    def _workspace_id(self) -> str:
        return str(self._row.get("id", ""))

    @property
    def _place(self) -> Place:
        return Place(self._studio.url, self._subscription, self._group, self._name)

    def get_mlflow_tracking_uri(self, _with_auth: bool = False) -> str:
        """Give the address for `mlflow.set_tracking_uri`: no secret is in it, and it does not expire."""
        return self._place.tracking_uri

    def get_details(self) -> dict[str, Any]:
        """Describe the workspace in the words of the cloud; what a studio has no such thing for is None."""
        self._check()
        root = f"/subscriptions/{self._subscription}/resourceGroups/{self._group}"
        return {
            "id": f"{root}/providers/Microsoft.MachineLearningServices/workspaces/{self._name}",
            "name": self._name,
            "location": self.location,
            "type": "Microsoft.MachineLearningServices/workspaces",
            "tags": self.tags,
            "sku": self.sku,
            "workspaceid": self._workspace_id,
            "description": self._row.get("description", ""),
            "friendlyName": self._name,
            "creationTime": created_at(self._row.get("created_ms")),
            "containerRegistry": None,
            "keyVault": None,
            "applicationInsights": None,
            "storageAccount": None,
            "studioUrl": self.get_portal_url(),
            "provisioningState": "Succeeded",
        }

    def get_portal_url(self) -> str:
        return f"{self._studio.url}/w/{part(self._name)}/"

    # ---- What is in it ----------------------------------------------------------------------

    @property
    def experiments(self) -> dict[str, Any]:
        from azureml.core.experiment import Experiment

        return {one.name: one for one in Experiment.list(self)}

    @property
    def models(self) -> dict[str, Any]:
        """The newest version of each registered model, by name."""
        from azureml.core.model import Model

        return {one.name: one for one in Model.list(self, latest=True)}

    @property
    def compute_targets(self) -> dict[str, Any]:
        from azureml.core.compute import ComputeTarget

        return {one.name: one for one in ComputeTarget.list(self)}

    @property
    def environments(self) -> dict[str, Any]:
        from azureml.core.environment import Environment

        return Environment.list(self)

    @property
    def webservices(self) -> dict[str, Any]:
        from azureml.core.webservice import Webservice

        return {one.name: one for one in Webservice.list(self)}

    @property
    def datastores(self) -> dict[str, Any]:
        from azureml.core.datastore import Datastore

        return Datastore._all(self)

    def get_default_datastore(self) -> Any:
        from azureml.core.datastore import Datastore

        return Datastore.get_default(self)

    def set_default_datastore(self, name: str) -> None:
        from azureml.core.datastore import Datastore

        Datastore.get(self, name).set_as_default()

    @property
    def datasets(self) -> Mapping[str, Any]:
        """The newest version of each dataset, by name."""
        from azureml.core.dataset import Dataset

        return Dataset.get_all(self)

    def get_run(self, run_id: str) -> Any:
        from azureml.core.run import Run

        return Run.get(self, run_id)

    def __repr__(self) -> str:
        return (
            f"Workspace.create(name={self._name!r}, subscription_id={self._subscription!r}, "
            f"resource_group={self._group!r})"
        )


def client_for(url: str, auth: AbstractAuthentication | None) -> Client:
    """Make the studio's client; without any credential, ask the person at the terminal to sign in."""
    if auth is not None:
        return connect(url, auth.credential(url))
    try:
        return connect(url)
    except NotConfigured:
        log_in_if_somebody_is_there(url)
        return connect(url)


def created_at(ms: int | None) -> str | None:
    from azureml._times import iso

    return iso(ms)
