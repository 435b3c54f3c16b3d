"""One model, one version, and where a version's files are."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from experiments.artifacts import Place, of_model, of_run
from lib.errors import InvalidValue, NotFound
from registry.models import ModelVersion, RegisteredModel, Stage
from registry.sources import is_of_run
from workspaces.access import Actor, fetch
from workspaces.models import Workspace


def model(actor: Actor, workspace: Workspace, name: str) -> RegisteredModel:
    """Raises NotFound, in MLflow's words."""
    if not name:
        raise InvalidValue("Missing value for required parameter 'name'.", field="name")
    try:
        return fetch(actor, RegisteredModel.objects.filter(workspace=workspace).select_related("workspace"), name=name)  # type: ignore[no-any-return]
    except NotFound:
        raise NotFound(f"Registered Model with name={name[:256]} not found") from None


def version(actor: Actor, workspace: Workspace, name: str, number: str) -> ModelVersion:
    """Give a version by the number as clients send it, a string. Raises InvalidValue, NotFound."""
    if not (number.isascii() and number.isdigit()):
        raise InvalidValue(f"Parameter 'version' must be an integer, got '{number[:100]}'.", field="version")
    rows = ModelVersion.objects.filter(model__workspace=workspace)
    rows = rows.select_related("model__workspace", "run", "logged_model")
    try:
        return fetch(actor, rows, model__name=name, version=int(number[:9]) if len(number) < 10 else -1)  # type: ignore[no-any-return]
    except NotFound:
        raise NotFound(f"Model Version (name={name[:256]}, version={number[:20]}) not found") from None


def version_by_alias(actor: Actor, workspace: Workspace, name: str, alias: str) -> ModelVersion:
    """Raises NotFound for an absent model and InvalidValue for an absent alias, as MLflow's server does."""
    found = model(actor, workspace, name)
    rows = ModelVersion.objects.visible_to(actor).select_related("model__workspace", "run", "logged_model")
    named = rows.filter(aliases__name=alias, model=found).first()
    if named is None:
        raise InvalidValue(f"Registered model alias {alias[:255]} not found.", field="alias")
    return named  # type: ignore[no-any-return]


def latest_versions(actor: Actor, model: RegisteredModel, stages: Sequence[str] = ()) -> list[ModelVersion]:
    """Give the highest version of each stage, or of the stages asked for, written in any case."""
    known = {stage.value.lower(): stage.value for stage in Stage}
    if unknown := [stage for stage in stages if stage.lower() not in known]:
        raise InvalidValue(_("Invalid Model Version stage: %s.") % unknown[0][:100], field="stages")
    rows = ModelVersion.objects.visible_to(actor).filter(model=model).order_by("stage", "-version").distinct("stage")
    wanted = {known[stage.lower()] for stage in stages}
    found = rows.select_related("model").prefetch_related("tags", "aliases")
    return [one for one in found if not wanted or one.stage in wanted]


def model_files(version: ModelVersion) -> Place:
    """Give the folder with a version's files. Raises NotFound when the studio does not have them."""
    if version.logged_model is not None:
        return of_model(version.logged_model).below(version.artifact_path)
    if version.run is not None and is_of_run(version.source):
        return of_run(version.run).below(version.artifact_path)
    raise NotFound(_("The files of %s are not in this studio.") % version)
