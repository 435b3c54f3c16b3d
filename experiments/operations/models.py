"""Logged models (MLflow 3): made pending, filled with files, finalized."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _

from experiments.models import (
    Experiment,
    LoggedModel,
    LoggedModelParam,
    LoggedModelStatus,
    LoggedModelTag,
    Run,
)
from experiments.operations.experiments import require_active
from lib.clock import now_ms
from lib.errors import InvalidValue, NotFound
from lib.ids import new_id
from lib.mlflow import limits
from workspaces.access import Actor, operation

BAD_LETTERS = ("/", ":", ".", "%", '"', "'")
LONGEST_NAME = 500


@operation("experiments.write", audit=False)
def create_logged_model(
    actor: Actor,
    experiment: Experiment,
    *,
    name: str = "",
    model_type: str = "",
    source_run_id: str = "",
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
) -> LoggedModel:
    """Make a pending model, to which files can be sent. Raises InvalidValue for a bad name or a run that is not
    here.
    """
    require_active(experiment)
    model = LoggedModel.objects.create(
        pk=f"m-{new_id()}",
        workspace=experiment.workspace,
        experiment=experiment,
        name=checked_name(name) or limits.random_name(),
        model_type=model_type[:500],
        source_run=source_run(experiment, source_run_id),
    )
    write_params(model, params or {})
    write_tags(model, tags or {})
    return model


def checked_name(name: str) -> str:
    if len(name) > LONGEST_NAME or any(letter in name for letter in BAD_LETTERS):
        raise InvalidValue(
            f"Invalid model name ({name[:100]!r}) provided. Model name must be a non-empty string and cannot contain "
            f"the following characters: {BAD_LETTERS}",
            field="name",
        )
    return name


def source_run(experiment: Experiment, run_id: str) -> Run | None:
    if not run_id:
        return None
    run = Run.objects.filter(pk=run_id, workspace_id=experiment.workspace_id).first()
    if run is None:
        raise InvalidValue(_("The source run '%s' does not exist.") % run_id[:100], field="source_run_id")
    return run  # type: ignore[no-any-return]


@operation("experiments.write", audit=False)
def finalize_logged_model(actor: Actor, model: LoggedModel, *, status: str, message: str = "") -> LoggedModel:
    """Say that the model's files are complete, or that they failed."""
    if status not in (LoggedModelStatus.READY, LoggedModelStatus.FAILED):
        raise InvalidValue(
            _("Invalid model status “%s”: a model ends READY or UPLOAD_FAILED.") % status, field="status"
        )
    model.status, model.status_message, model.updated_ms = status, message[:5000], now_ms()
    model.save(update_fields=["status", "status_message", "updated_ms"])
    return model


@operation("experiments.write")
def delete_logged_model(actor: Actor, model: LoggedModel) -> None:
    """Put a model into the bin; to clients it is gone."""
    LoggedModel.objects.filter(pk=model.pk).update(deleted_ms=now_ms(), updated_ms=now_ms())


@operation("experiments.write")
def restore_logged_model(actor: Actor, model: LoggedModel) -> None:
    """Take a model out of the bin. Raises InvalidValue when it is not there, or its run is."""
    if model.deleted_ms is None:
        raise InvalidValue(f"The logged model {model.pk} must be in the 'deleted' state. Current state is active.")
    require_active(model.experiment)
    if model.source_run is not None and model.source_run.deleted_ms is not None:
        raise InvalidValue(_("The run %s of this model is in the trash: restore that first.") % model.source_run.name)
    LoggedModel.objects.filter(pk=model.pk).update(deleted_ms=None, updated_ms=now_ms())


@operation("experiments.write", audit=False)
def log_model_params(actor: Actor, model: LoggedModel, *, params: Mapping[str, str]) -> None:
    write_params(model, params)


def write_params(model: LoggedModel, params: Mapping[str, str]) -> None:
    rows = [
        LoggedModelParam(model=model, key=limits.check_key(key, "key"), value=limits.param_value(value))
        for key, value in params.items()
    ]
    LoggedModelParam.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["model", "key"], update_fields=["value"]
    )


@operation("experiments.write", audit=False)
def set_logged_model_tags(actor: Actor, model: LoggedModel, *, tags: Mapping[str, str]) -> LoggedModel:
    write_tags(model, tags)
    return model


def write_tags(model: LoggedModel, tags: Mapping[str, str]) -> None:
    rows = [
        LoggedModelTag(model=model, key=limits.check_key(key, "key"), value=limits.tag_value(value))
        for key, value in tags.items()
    ]
    LoggedModelTag.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["model", "key"], update_fields=["value"]
    )


@operation("experiments.write")
def delete_logged_model_tag(actor: Actor, model: LoggedModel, *, key: str) -> None:
    """Raises NotFound for a tag that is not there."""
    if not LoggedModelTag.objects.filter(model=model, key=key).delete()[0]:
        raise NotFound(f"No tag with key {key!r} found for model with ID {model.pk!r}.")
