"""`mlflow.deployments` with the target `azureml`: registered models as web services of a workspace."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from azureml.core.model import Model
from azureml.core.webservice import AciWebservice, AksWebservice, Webservice
from azureml.core.workspace import Workspace
from azureml.exceptions import AzureMLException
from mlflow.deployments import BaseDeploymentClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import (
    INVALID_PARAMETER_VALUE,
    RESOURCE_ALREADY_EXISTS,
    RESOURCE_DOES_NOT_EXIST,
)

from studio_sdk import addresses
from studio_sdk.errors import NotConfigured
from studio_sdk.mlflow_azureml import labels, registered

TARGET, FLAVOR, FILE = "azureml", "python_function", "deploy-config-file"

# What a configuration file may say, and the argument of `deploy_configuration` that it is.
SAID = {
    "description": "description", "tags": "tags", "properties": "properties", "authEnabled": "auth_enabled",
    "appInsightsEnabled": "enable_app_insights", "collectModelData": "collect_model_data",
}  # fmt: skip
OF_ACI = {"location": "location", "dnsNameLabel": "dns_name_label"}
OF_AKS = {
    "computeTargetName": "compute_target_name", "numReplicas": "num_replicas", "scoringTimeoutMs": "scoring_timeout_ms",
    "tokenAuthEnabled": "token_auth_enabled",
}  # fmt: skip
SIZE = {"cpu": "cpu_cores", "memoryInGB": "memory_gb"}
SCALE = {
    "autoscaleEnabled": "autoscale_enabled", "minReplicas": "autoscale_min_replicas",
    "maxReplicas": "autoscale_max_replicas", "targetUtilization": "autoscale_target_utilization",
    "refreshPeriodInSeconds": "autoscale_refresh_seconds",
}  # fmt: skip


class StudioDeploymentClient(BaseDeploymentClient):
    """Deployments of the workspace that the target's address names, or the one of config.json for a bare `azureml`."""

    def __init__(self, target_uri: str) -> None:
        super().__init__(target_uri)  # type: ignore[no-untyped-call]
        with said():
            self.workspace = workspace_of(target_uri)

    # ---- Changing ----------------------------------------------------------------------

    def create_deployment(
        self, name: str, model_uri: str, flavor: str | None = None, config: Any = None, endpoint: str | None = None
    ) -> dict[str, Any]:
        """Deploy a model as the web service `name`: `models:/…` that version, another address a new version of `name`.

        `config` has one key, `deploy-config-file`, a JSON or YAML file; without it one replica answers without a key.
        Waits until it answers, unless the file says `async`.
        """
        no_endpoint(endpoint)
        check_flavor(flavor)
        asked = file_of(config)
        if self._find(name) is not None:
            raise MlflowException(f"There is a deployment “{name}” already.", RESOURCE_ALREADY_EXISTS)
        with said():
            configured = configuration(asked)
            model = registered(model_uri, self.workspace, name, {})
            configured.tags = {**labels(model_uri, model), **configured.tags}
            service = Model.deploy(self.workspace, name, [model], deployment_config=configured)
            return described(waited(service, asked))

    def update_deployment(
        self,
        name: str,
        model_uri: str | None = None,
        flavor: str | None = None,
        config: Any = None,
        endpoint: str | None = None,
    ) -> dict[str, Any]:
        """Serve another model, or change what the file of `config` says; both by a rolling update."""
        no_endpoint(endpoint)
        check_flavor(flavor)
        asked = file_of(config)
        service = self._get(name)
        with said():
            changes = {SAID[key]: value for key, value in asked.items() if key in SAID and key != "properties"}
            if model_uri:
                changes["models"] = [registered(model_uri, self.workspace, name, {})]
            service.update(**changes)  # type: ignore[attr-defined]
            return described(waited(service, asked))

    def delete_deployment(self, name: str, config: Any = None, endpoint: str | None = None) -> None:
        """Delete a deployment; one that is not there is no error."""
        no_endpoint(endpoint)
        service = self._find(name)
        if service is not None:
            with said():
                service.delete()

    # ---- Reading ----------------------------------------------------------------------

    def list_deployments(self, endpoint: str | None = None) -> list[dict[str, Any]]:
        no_endpoint(endpoint)
        with said():
            return [described(one) for one in Webservice.list(self.workspace)]

    def get_deployment(self, name: str, endpoint: str | None = None) -> dict[str, Any]:
        """Describe a deployment. Raises MlflowException when there is none."""
        no_endpoint(endpoint)
        return described(self._get(name))

    def predict(self, deployment_name: str | None = None, inputs: Any = None, endpoint: str | None = None) -> Any:
        """Send a frame, an array or JSON's own types; gives a frame, or an array where the service says so."""
        no_endpoint(endpoint)
        service = self._get(str(deployment_name))
        with said():
            answer = service.run(json.dumps({"input_data": body(inputs)}))
        return predictions(answer, gives_array(service))

    def _find(self, name: str) -> Webservice | None:
        with said():
            try:
                return Webservice(self.workspace, name)
            except AzureMLException as error:
                if "WebserviceNotFound" in str(error):
                    return None
                raise

    def _get(self, name: str) -> Webservice:
        service = self._find(name)
        if service is None:
            raise MlflowException(
                f"There is no deployment “{name}” in the workspace {self.workspace.name}.", RESOURCE_DOES_NOT_EXIST
            )
        return service


def target_help() -> str:
    return (
        f"{TARGET}: web services of a studio. The target is the address that ws.get_mlflow_tracking_uri() gives, or "
        f"“{TARGET}” beside a config.json. A configuration has one key, {FILE}, the path of a JSON or YAML file with "
        f"computeType (aci or aks), containerResourceRequirements ({', '.join(SIZE)}), {', '.join([*SAID, *OF_ACI])}; "
        f"of aks {', '.join(OF_AKS)} and autoScaler ({', '.join(SCALE)}); and async."
    )


def run_local(name: str, model_uri: str, flavor: str | None = None, config: Any = None) -> None:
    """Refuse: MLflow serves a model on this computer by itself."""
    raise refused(f"Serve it here by MLflow itself: mlflow models serve -m {model_uri}")


# ---- Steps ----------------------------------------------------------------------


@contextmanager
def said() -> Iterator[None]:
    """Raise what the studio says as MLflow's own exception."""
    try:
        yield
    except AzureMLException as error:
        raise MlflowException(str(error), INVALID_PARAMETER_VALUE) from error


def refused(text: str) -> MlflowException:
    return MlflowException(text, INVALID_PARAMETER_VALUE)


def workspace_of(target_uri: str) -> Workspace:
    import mlflow

    tracking = mlflow.get_tracking_uri()
    if target_uri.strip(":/") == TARGET and not tracking.startswith(f"{TARGET}://"):
        return Workspace.from_config()
    try:
        place = addresses.parse(tracking if target_uri.strip(":/") == TARGET else target_uri)
    except NotConfigured as error:
        raise AzureMLException(str(error)) from None
    return Workspace(place.subscription, place.group, place.workspace, studio_url=place.url)


def no_endpoint(endpoint: str | None) -> None:
    if endpoint:
        raise refused("A studio has no managed endpoints: a deployment's name is its own.")


def check_flavor(flavor: str | None) -> None:
    if flavor not in (None, FLAVOR):
        raise refused(f"A model is served by its {FLAVOR} flavor, not by “{flavor}”.")


def file_of(config: Any) -> dict[str, Any]:
    """Read the configuration's file. Raises MlflowException for other keys and for what is no such file."""
    unknown = sorted(set(config or {}) - {FILE})
    if unknown:
        raise refused(f"A configuration has one key, {FILE}, not {', '.join(unknown)}.")
    if not config:
        return {}
    path = Path(config[FILE])
    try:
        found = yaml.safe_load(path.read_text())  # JSON is YAML
    except (OSError, yaml.YAMLError) as error:
        raise refused(f"{path} cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise refused(f"{path} holds no names with values.")
    return found


def configuration(asked: Mapping[str, Any]) -> Any:
    """Make the deployment configuration that a file describes. Raises MlflowException for a key that is not known."""
    kind = str(asked.get("computeType", "aci")).lower()
    if kind not in ("aci", "aks"):
        raise refused(f"computeType is aci or aks, not “{kind}”.")
    flat = {**SAID, **(OF_AKS if kind == "aks" else OF_ACI)}
    given = {
        **renamed(asked, flat, {"computeType", "async", "containerResourceRequirements", "autoScaler"}),
        **renamed(asked.get("containerResourceRequirements") or {}, SIZE),
        **(renamed(asked.get("autoScaler") or {}, SCALE) if kind == "aks" else {}),
    }
    return (AksWebservice if kind == "aks" else AciWebservice).deploy_configuration(**given)


def renamed(asked: Mapping[str, Any], words: Mapping[str, str], but: set[str] | None = None) -> dict[str, Any]:
    unknown = sorted(set(asked) - set(words) - (but or set()))
    if unknown:
        raise refused(f"The file says {', '.join(unknown)}, which is none of {', '.join(words)}.")
    return {words[key]: value for key, value in asked.items() if key in words and value is not None}


def waited(service: Webservice, asked: Mapping[str, Any]) -> Webservice:
    if not asked.get("async"):
        service.wait_for_deployment()
    return service


def described(service: Webservice) -> dict[str, Any]:
    return {**service.serialize(), "flavor": FLAVOR}


def body(inputs: Any) -> Any:
    """Write what is to be predicted as JSON's own types; a frame by its columns, index and rows."""
    if hasattr(inputs, "to_json") and hasattr(inputs, "columns"):
        return json.loads(inputs.to_json(orient="split", date_format="iso"))
    return inputs.tolist() if hasattr(inputs, "tolist") else inputs


def gives_array(service: Webservice) -> bool:
    """Say whether the service describes its answer as a NumPy array."""
    response = service.workspace._studio.session.get(service.swagger_uri, timeout=30)
    if response.status_code != 200:
        return False
    output = response.json().get("definitions", {}).get("ServiceOutput", {})
    return str(output.get("format", "")).startswith("numpy")


def predictions(answer: Any, is_array: bool) -> Any:
    import numpy
    import pandas

    found = answer["predictions"] if isinstance(answer, dict) and set(answer) == {"predictions"} else answer
    return numpy.array(found) if is_array else pandas.DataFrame(found)
