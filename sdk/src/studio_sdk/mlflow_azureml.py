"""The module `mlflow.azureml` where MLflow has none: register and deploy a model in one step."""

from __future__ import annotations

import sys
import warnings
from typing import Any

RUN_ID, MODEL_URI, PYTHON = "run_id", "model_uri", "python_version"


def deploy(
    model_uri: str,
    workspace: Any,
    deployment_config: Any = None,
    service_name: str | None = None,
    model_name: str | None = None,
    tags: dict[str, str] | None = None,
    mlflow_home: str | None = None,
    synchronous: bool = True,
) -> tuple[Any, Any]:
    """Deploy an MLflow model as a web service; gives (the service, the registered model).

    `models:/name/version` deploys that version; `runs:/…` and a local folder are registered first, a new version each
    time. Without a `deployment_config` the service has one replica and takes no key.
    """
    from azureml.core.model import Model
    from azureml.core.webservice import AciWebservice

    if mlflow_home is not None:
        warnings.warn("mlflow_home has no effect: the service installs what the model asks for.", stacklevel=2)
    model = registered(model_uri, workspace, model_name, tags or {})
    config = deployment_config or AciWebservice.deploy_configuration()
    config.tags = {**labels(model_uri, model), **(tags or {}), **(config.tags or {})}
    name = service_name or service_name_of(model.name)
    service = Model.deploy(workspace, name, [model], deployment_config=config)
    if synchronous:
        service.wait_for_deployment(show_output=True)
    return service, model


def registered(model_uri: str, workspace: Any, name: str | None, tags: dict[str, str]) -> Any:
    from azureml.core.model import Model
    from azureml.core.run import Run

    scheme, _colon, rest = model_uri.partition(":/")
    if scheme == "models":
        return of_registry(workspace, rest.strip("/"))
    if scheme == "runs":
        run_id, _slash, path = rest.strip("/").partition("/")
        run = Run.get(workspace, run_id)
        return run.register_model(name or model_name_of(run_id), path or None, tags={**tags, RUN_ID: run_id})
    from mlflow.artifacts import download_artifacts

    folder = download_artifacts(artifact_uri=model_uri)
    return Model.register(workspace, folder, name or model_name_of(model_uri), tags=tags)


def of_registry(workspace: Any, path: str) -> Any:
    """Find `name/version`, `name/stage`, `name/latest` or `name@alias`."""
    from azureml.core.model import Model

    name, at, alias = path.partition("@")
    if at:
        found = workspace._mlflow.get("registered-models/alias", name=name, alias=alias)["model_version"]
        return Model(workspace, name, version=int(found["version"]))
    name, _slash, wanted = path.rpartition("/")
    if wanted.isdigit():
        return Model(workspace, name, version=int(wanted))
    stages = None if wanted.lower() == "latest" else [wanted]
    asked = {"name": name, **({"stages": stages} if stages else {})}
    rows = workspace._mlflow.post("registered-models/get-latest-versions", asked, is_safe=True).get(
        "model_versions", []
    )
    if not rows:
        return Model(workspace, name, version=-1)  # says that there is none
    return Model(workspace, name, version=max(int(row["version"]) for row in rows))


def labels(model_uri: str, model: Any) -> dict[str, str]:
    found = {MODEL_URI: model_uri, PYTHON: ".".join(map(str, sys.version_info[:3]))}
    return {**found, RUN_ID: model.run_id} if model.run_id else found


def model_name_of(text: str) -> str:
    return f"mlflow-model-{''.join(letter for letter in text if letter.isalnum())[-8:].lower()}"


def service_name_of(name: str) -> str:
    """Make the name of a service, 3-32 small letters, digits and "-", of a model's."""
    plain = "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in name.lower()).strip("-")
    start = plain if plain[:1].isalpha() else f"m-{plain}"
    return f"{start[:28].strip('-')}-svc"[:32]
