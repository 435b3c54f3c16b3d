"""Registered models. One of these objects is one version."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio_sdk.client import part
from studio_sdk.models import Models
from studio_sdk.tracking import named

from azureml._times import iso
from azureml.core.resource_configuration import ResourceConfiguration
from azureml.core.workspace import Workspace
from azureml.exceptions import ModelNotFoundException, WebserviceException, translated

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-._]{0,254}")
FRAMEWORK, FRAMEWORK_VERSION = "azureml.framework", "azureml.framework_version"
RESOURCES, PROPERTY, RUN = "azureml.resources", "azureml.property.", "mlflow.run_id"
OWN = ("azureml.", "mlflow.")


def checked_name(name: Any) -> str:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise WebserviceException(
            f"“{name}” cannot be the name of a model: use 1–255 letters, digits, “-”, “.”, “_”, "
            "first a letter or digit."
        )
    return name


@dataclass(frozen=True)
class Details:
    """What SDK v1 knows of a version beyond its files, as tags of it."""

    tags: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        *,
        tags: dict[str, Any] | None = None,
        properties: dict[str, Any] | None = None,
        framework: str | None = None,
        framework_version: str | None = None,
        resources: ResourceConfiguration | None = None,
        run_id: str = "",
    ) -> Details:
        kept = {str(key): str(value) for key, value in (tags or {}).items()}
        kept.update({PROPERTY + str(key): str(value) for key, value in (properties or {}).items()})
        if framework:
            kept[FRAMEWORK] = checked_framework(framework)
        if framework_version:
            kept[FRAMEWORK_VERSION] = str(framework_version)
        if resources is not None:
            kept[RESOURCES] = json.dumps(resources.serialize())
        if run_id:
            kept[RUN] = run_id
        return cls(kept)


class Model:
    """One version of a registered model: by name (the newest), name and version, or id ("name:version").

    Raises WebserviceException (its text has ModelNotFound) when there is none.
    """

    class Framework:
        CUSTOM = "Custom"
        TENSORFLOW = "TensorFlow"
        SCIKITLEARN = "ScikitLearn"
        ONNX = "Onnx"
        TFKERAS = "TfKeras"
        PYTORCH = "PyTorch"
        MULTI = "Multi"

    def __init__(
        self,
        workspace: Workspace,
        name: str | None = None,
        id: str | None = None,
        tags: Any = None,
        properties: Any = None,
        version: int | None = None,
        run_id: str | None = None,
        model_framework: str | None = None,
        expand: bool = True,
        **_more: Any,
    ) -> None:
        if id:
            name, _colon, number = id.rpartition(":")
            version = int(number) if number.isdigit() and name else -1
        if not name and not run_id:
            raise WebserviceException("A model is named by its name or its id.")
        found = Model.list(workspace, name, tags, properties, run_id, framework=model_framework, version=version)
        if not found:
            wanted = f"{name}:{version}" if version else name or f"of the run {run_id}"
            raise WebserviceException(f"ModelNotFound: there is no model “{wanted}” in the workspace {workspace.name}.")
        self._set(workspace, found[0]._row)

    def _set(self, workspace: Workspace, row: dict[str, Any]) -> None:
        self.workspace, self._row = workspace, row

    @classmethod
    def _of_row(cls, workspace: Workspace, row: dict[str, Any]) -> Model:
        made = cls.__new__(cls)
        made._set(workspace, row)
        return made

    # ---- Making and finding ----------------------------------------------------------------------

    @classmethod
    def _register_from_run(cls, run: Any, name: str, path: str, description: str, details: Details) -> Model:
        models = models_of(run._workspace)
        with translated(WebserviceException):
            number = models.register_from_run(name, run.id, path, description)
        return cls._finished(run._workspace, name, number, details)

    @classmethod
    def _finished(cls, workspace: Workspace, name: str, number: int, details: Details) -> Model:
        models = models_of(workspace)
        with translated(WebserviceException):
            for key, value in details.tags.items():
                models.set_tag(name, number, key, value)
            return cls._of_row(workspace, models.version(name, number))

    @staticmethod
    def register(
        workspace: Workspace,
        model_path: str,
        model_name: str,
        tags: dict[str, str] | None = None,
        properties: dict[str, str] | None = None,
        description: str | None = None,
        datasets: Any = None,
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        child_paths: Iterable[str] | None = None,
        sample_input_dataset: Any = None,
        sample_output_dataset: Any = None,
        resource_configuration: ResourceConfiguration | None = None,
        **_more: Any,
    ) -> Model:
        """Upload a local file or folder and register it as the next version.

        Raises WebserviceException for a bad name or a path where nothing is.
        """
        name = checked_name(model_name)
        source = Path(model_path)
        if not source.exists():
            raise WebserviceException(f"There is no file or folder “{model_path}” in {Path.cwd()}.")
        details = Details.of(
            tags=tags, properties=properties, framework=model_framework, framework_version=model_framework_version,
            resources=resource_configuration,
        )  # fmt: skip
        print(f"Registering model {name}")
        with translated(WebserviceException):
            number = models_of(workspace).register_local(name, source, description or "")
        return Model._finished(workspace, name, number, details)

    @staticmethod
    def list(
        workspace: Workspace,
        name: str | None = None,
        tags: Any = None,
        properties: Any = None,
        run_id: str | None = None,
        latest: bool = False,
        dataset_id: str | None = None,
        expand: bool = True,
        page_count: int = 255,
        model_framework: str | None = None,
        *,
        framework: str | None = None,
        version: int | None = None,
    ) -> list[Model]:
        """Give versions, the newest first; `tags` are names, or [name, value] pairs."""
        terms = [f"name = '{name}'"] if name else []
        terms += [f"run_id = '{run_id}'"] if run_id else []
        with translated(WebserviceException):
            rows = list(models_of(workspace).versions(" and ".join(terms)))
        found = [Model._of_row(workspace, row) for row in rows]
        wanted = model_framework or framework
        kept = [
            one
            for one in found
            if has(one.tags, tags) and has(one.properties, properties)
            and wanted in (None, one.model_framework) and version in (None, one.version)
        ]  # fmt: skip
        kept.sort(key=lambda one: (one._row.get("creation_timestamp", 0), one.version), reverse=True)
        return newest(kept) if latest else kept

    # ---- What it is ----------------------------------------------------------------------

    @property
    def name(self) -> str:
        return str(self._row["name"])

    @property
    def version(self) -> int:
        return int(self._row["version"])

    @property
    def id(self) -> str:
        return f"{self.name}:{self.version}"

    @property
    def _tags(self) -> dict[str, str]:
        return named(self._row.get("tags", []))

    @property
    def tags(self) -> dict[str, str]:
        return {key: value for key, value in self._tags.items() if not key.startswith("azureml.")}

    @property
    def properties(self) -> dict[str, str]:
        return {key[len(PROPERTY) :]: value for key, value in self._tags.items() if key.startswith(PROPERTY)}

    @property
    def description(self) -> str:
        return str(self._row.get("description", ""))

    @property
    def run_id(self) -> str | None:
        return self._row.get("run_id") or None

    @property
    def run(self) -> Any:
        return self.workspace.get_run(self.run_id) if self.run_id else None

    @property
    def experiment_name(self) -> str | None:
        return self.run.experiment.name if self.run_id else None

    @property
    def created_time(self) -> str | None:
        return iso(self._row.get("creation_timestamp"))

    @property
    def created_by(self) -> str:
        return str(self._row.get("user_id", ""))

    @property
    def model_framework(self) -> str:
        return self._tags.get(FRAMEWORK, Model.Framework.CUSTOM)

    @property
    def model_framework_version(self) -> str | None:
        return self._tags.get(FRAMEWORK_VERSION)

    @property
    def resource_configuration(self) -> ResourceConfiguration | None:
        text = self._tags.get(RESOURCES)
        return ResourceConfiguration.deserialize(json.loads(text)) if text else None

    @property
    def url(self) -> str:
        return f"{self.workspace.get_portal_url()}models/{part(self.name)}/versions/{self.version}/"

    def get_portal_url(self) -> str:
        return self.url

    def serialize(self) -> dict[str, Any]:
        return {
            "createdTime": self.created_time,
            "description": self.description,
            "id": self.id,
            "name": self.name,
            "version": self.version,
            "tags": self.tags,
            "properties": self.properties,
            "framework": self.model_framework,
            "frameworkVersion": self.model_framework_version,
            "runId": self.run_id,
            "experimentName": None,
        }

    # ---- Changing it ----------------------------------------------------------------------

    def update(
        self,
        tags: dict[str, str] | None = None,
        description: str | None = None,
        sample_input_dataset: Any = None,
        sample_output_dataset: Any = None,
        resource_configuration: ResourceConfiguration | None = None,
    ) -> None:
        """Change what is given; `tags` take the place of all there are."""
        models = models_of(self.workspace)
        with translated(WebserviceException):
            if tags is not None:
                for key in set(self.tags) - set(tags) - {RUN}:
                    models.delete_tag(self.name, self.version, key)
            for key, value in Details.of(tags=tags, resources=resource_configuration).tags.items():
                models.set_tag(self.name, self.version, key, value)
            if description is not None:
                models.describe(self.name, self.version, description)
            self._row = models.version(self.name, self.version)

    def add_tags(self, tags: dict[str, str]) -> None:
        self.update(tags={**self.tags, **tags})

    def remove_tags(self, tags: Any) -> None:
        gone = [tags] if isinstance(tags, str) else list(tags)
        self.update(tags={key: value for key, value in self.tags.items() if key not in gone})

    def add_properties(self, properties: dict[str, str]) -> None:
        """Add properties. Raises WebserviceException for one that is there: a property never changes."""
        known = sorted(set(properties) & set(self.properties))
        if known:
            raise WebserviceException(f"The model has the property {', '.join(known)} already.")
        Model._finished(self.workspace, self.name, self.version, Details.of(properties=properties))
        self.update()

    def delete(self) -> None:
        """Delete the version. Raises WebserviceException, naming the service, while one serves it."""
        with translated(WebserviceException):
            models_of(self.workspace).delete(self.name, self.version)

    # ---- Its files ----------------------------------------------------------------------

    def download(self, target_dir: str = ".", exist_ok: bool = False, exists_ok: bool | None = None) -> str:
        """Download it below a folder; gives the path of its file, or of the folder of its files."""
        may_replace = exist_ok if exists_ok is None else exists_ok
        with translated(WebserviceException):
            try:
                found = models_of(self.workspace).download(
                    self.name, self.version, Path(target_dir), replace=may_replace
                )
            except FileExistsError as error:
                raise WebserviceException(
                    f"“{error.filename}” is there already; pass exist_ok=True to write over it."
                ) from None
        return str(found)

    @staticmethod
    def get_model_path(model_name: str, version: int | None = None, _workspace: Workspace | None = None) -> str:
        """Give where a model's files are: inside a service where it put them, in a script where they are downloaded to.

        Raises ModelNotFoundException.
        """
        if root := os.environ.get("AZUREML_MODEL_DIR"):
            return path_in_service(Path(root), model_name, version)
        workspace = _workspace or Workspace.from_config()
        try:
            model = Model(workspace, model_name, version=version)
        except WebserviceException as error:
            raise ModelNotFoundException(str(error)) from None
        folder = Path("azureml-models") / model.name / str(model.version)
        if folder.is_dir() and any(folder.iterdir()):
            return str(next(folder.iterdir()))
        return model.download(str(folder))

    @staticmethod
    def deploy(
        workspace: Workspace,
        name: str,
        models: Iterable[Model],
        inference_config: Any = None,
        deployment_config: Any = None,
        deployment_target: Any = None,
        overwrite: bool = False,
        show_output: bool = False,
    ) -> Any:
        """Deploy models as a web service; gives it in the state Transitioning, before it is ready."""
        from azureml._services.deploying import deploy

        return deploy(
            workspace, name, list(models), inference_config, deployment_config, deployment_target,
            overwrite=overwrite, show_output=show_output,
        )  # fmt: skip

    def _repr_html_(self) -> str:
        return f'<a href="{self.url}" target="_blank" rel="noopener">{self.id}</a>'

    def __repr__(self) -> str:
        return f"Model(workspace={self.workspace.name}, name={self.name}, id={self.id}, version={self.version})"


FRAMEWORKS = {value for key, value in vars(Model.Framework).items() if key.isupper()}


def checked_framework(framework: str) -> str:
    if framework not in FRAMEWORKS:
        raise WebserviceException(f"“{framework}” is no framework: choose one of {', '.join(sorted(FRAMEWORKS))}.")
    return framework


def models_of(workspace: Workspace) -> Models:
    return Models(workspace._studio.below(f"w/{part(workspace.name)}"))


def newest(models: list[Model]) -> list[Model]:
    """Keep the highest version of each name."""
    best: dict[str, Model] = {}
    for one in models:
        if one.name not in best or one.version > best[one.name].version:
            best[one.name] = one
    return list(best.values())


def has(found: dict[str, str], wanted: Any) -> bool:
    """Say whether tags have all that is wanted: a name, a list of names and [name, value] pairs, or a dict."""
    if wanted is None:
        return True
    if isinstance(wanted, str):
        return wanted in found
    pairs = wanted.items() if isinstance(wanted, dict) else wanted
    return all(
        one in found if isinstance(one, str) else found.get(one[0]) == (one[1] if len(one) > 1 else found.get(one[0]))
        for one in pairs
    )


def path_in_service(root: Path, name: str, version: int | None) -> str:
    """Find a model below AZUREML_MODEL_DIR: the folder of one model, or name/version of several."""
    folder = root / name / str(version) if version else None
    if folder is None and (root / name).is_dir():
        numbers = sorted((int(one.name), one) for one in (root / name).iterdir() if one.name.isdigit())
        folder = numbers[-1][1] if numbers else root / name
    folder = folder if folder is not None and folder.exists() else root
    inside = [one for one in folder.iterdir() if not one.name.startswith(".")] if folder.is_dir() else []
    if not inside:
        raise ModelNotFoundException(f"There is no model “{name}” in this service.")
    return str(inside[0] if len(inside) == 1 else folder)


def __getattr__(name: str) -> Any:
    """Give `InferenceConfig`, which is looked for here and needs this module itself."""
    if name == "InferenceConfig":
        from azureml.core.inference_config import InferenceConfig

        return InferenceConfig
    raise AttributeError(f"module “{__name__}” has no attribute “{name}”")
