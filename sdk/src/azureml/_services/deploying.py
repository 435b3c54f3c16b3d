"""Deploying models: checks first, then one request, then a service that is Transitioning."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from studio_sdk.client import part
from studio_sdk.errors import NotFound

from azureml.core.model import Model
from azureml.core.workspace import Workspace
from azureml.exceptions import UserErrorException, WebserviceException, translated

NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
WITHOUT_CODE = (Model.Framework.SCIKITLEARN, Model.Framework.ONNX, Model.Framework.TENSORFLOW, Model.Framework.MULTI)


def deploy(
    workspace: Workspace, name: str, models: list[Model], inference_config: Any, deployment_config: Any, target: Any,
    *, overwrite: bool, show_output: bool,
) -> Any:  # fmt: skip
    from azureml.core.webservice.aci import AciWebservice
    from azureml.core.webservice.webservice import Webservice

    checked_name(name)
    check_models(models, inference_config)
    if deployment_config is not None and getattr(deployment_config, "is_local", False):
        from azureml.core.webservice.local import LocalWebservice

        return LocalWebservice._start(workspace, name, models, inference_config, deployment_config)
    config = deployment_config or default_config(models, AciWebservice)
    config.validate_configuration()
    there = service(workspace, name)
    if there is not None and not overwrite:
        raise WebserviceException(
            f"A service “{name}” exists already in the workspace {workspace.name}; "
            "pass overwrite=True to replace its model."
        )
    asked = {**config.asked(), **model_of(models), **code_of(inference_config)}
    if target is not None:
        asked["compute_type"], asked["compute_target_name"] = "AKS", str(getattr(target, "name", target))
    with translated(WebserviceException):
        if there is None:
            workspace._api.post("endpoints", {**asked, "name": name})
        else:
            kept = {key: asked[key] for key in DEPLOYED if key in asked}
            workspace._api.post(f"endpoints/{part(name)}/deployments", kept)
    made = Webservice(workspace, name)
    if show_output:
        made.wait_for_deployment(show_output=True)
    return made


DEPLOYED = (
    "model", "version", "cpu_cores", "memory_gb", "cpu_cores_limit", "memory_gb_limit", "entry_script", "files",
    "environment",
)  # fmt: skip


def checked_name(name: Any) -> None:
    if not isinstance(name, str) or not 3 <= len(name) <= 32 or not NAME.fullmatch(name):
        raise WebserviceException(
            f"“{name}” cannot be the name of a service: use 3–32 small letters, digits and “-”, first a letter, "
            "last no “-”."
        )


def check_models(models: list[Model], inference_config: Any) -> None:
    if inference_config is not None:
        return
    if len(models) != 1:
        raise UserErrorException(
            "Without an inference_config exactly one model is deployed; its files say how it is served."
        )
    if is_mlflow(models[0]) or models[0].model_framework in WITHOUT_CODE:
        return
    raise UserErrorException(
        f"The model {models[0].id} is of the framework {models[0].model_framework}. "
        "Without an inference_config a service is made for MLflow models and the frameworks "
        f"{', '.join(WITHOUT_CODE)}: register it with its model_framework."
    )


def is_mlflow(model: Model) -> bool:
    from azureml.core.model import models_of

    with translated(WebserviceException):
        return any(row["path"] == "MLmodel" for row in models_of(model.workspace).files(model.name, model.version))


def default_config(models: list[Model], kind: Any) -> Any:
    resources = models[0].resource_configuration if models else None
    if resources is None:
        return kind.deploy_configuration()
    return kind.deploy_configuration(cpu_cores=resources.cpu, memory_gb=resources.memory_in_gb)


def model_of(models: list[Model]) -> dict[str, Any]:
    if len(models) != 1:
        raise UserErrorException(
            "A service of the studio serves one model: register what belongs together as one folder."
        )
    return {"model": models[0].name, "version": models[0].version}


def code_of(inference_config: Any) -> dict[str, Any]:
    if inference_config is None:
        return {}
    found: dict[str, Any] = inference_config._asked()
    return found


def service(workspace: Workspace, name: str) -> dict[str, Any] | None:
    with translated(WebserviceException):
        try:
            row: dict[str, Any] = workspace._api.get(f"endpoints/{part(name)}")
        except NotFound:
            return None
    return row


def text_files(folder: Path) -> dict[str, str]:
    """Read the text files of a source folder; what is no text is left out, for a service's code is text."""
    found = {}
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not any(
            one.startswith(".") or one == "__pycache__" for one in file.relative_to(folder).parts
        ):
            try:
                found[file.relative_to(folder).as_posix()] = file.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
    return found
