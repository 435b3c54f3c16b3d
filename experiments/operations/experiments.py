"""Experiments come, are renamed, and go to the bin and back."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from experiments.models import Experiment, ExperimentTag, Run
from lib.clock import now_ms
from lib.errors import AlreadyExists, InvalidValue, NotFound
from lib.mlflow import limits
from workspaces.access import Actor, operation
from workspaces.models import Workspace

DEFAULT = "Default"
# The one artifact location that a client may name is the studio's own; where in it, the studio decides.
OWN_LOCATIONS = {"", "mlflow-artifacts:", "mlflow-artifacts:/"}


def make_default_experiment(workspace: Workspace) -> Experiment:
    """Give a new workspace its experiment “Default”; the studio's first one has the id 0, as MLflow's clients know
    it.
    """
    first = {} if Experiment.objects.filter(pk=0).exists() else {"pk": 0}
    return Experiment.objects.create(workspace=workspace, name=DEFAULT, is_default=True, **first)


def checked_name(name: str) -> str:
    if not name.strip():
        raise InvalidValue(_("Invalid experiment name: it is empty."), field="name")
    if len(name) > limits.MAX_EXPERIMENT_NAME_LENGTH:
        raise InvalidValue(
            _("'name' exceeds the maximum length of %s characters.") % limits.MAX_EXPERIMENT_NAME_LENGTH, field="name"
        )
    return name


@operation("experiments.write")
def create_experiment(
    actor: Actor, workspace: Workspace, *, name: str, tags: Mapping[str, str] | None = None, artifact_location: str = ""
) -> Experiment:
    """Create an experiment without runs.

    Raises InvalidValue for a bad name or tag and for an artifact location that is not the studio's own, AlreadyExists
    for a name that is taken, in the bin too.
    """
    checked_name(name)
    if artifact_location.strip() not in OWN_LOCATIONS:
        raise InvalidValue(
            _("The studio keeps artifacts in its own store: leave artifact_location empty."), field="artifact_location"
        )
    try:
        with transaction.atomic():
            experiment = Experiment.objects.create(workspace=workspace, name=name, created_by=actor.name)
    except IntegrityError:
        raise taken(workspace, name) from None
    set_tags(experiment, tags or {})
    return experiment


def taken(workspace: Workspace, name: str) -> AlreadyExists:
    in_bin = Experiment.objects.filter(workspace=workspace, name=name).exclude(deleted_ms=None).exists()
    hint = _(" It is in the bin: restore it, or give another name.") if in_bin else ""
    return AlreadyExists(_("Experiment '%s' already exists.") % name + hint, field="name")


def require_active(experiment: Experiment) -> None:
    if experiment.deleted_ms is not None:
        raise InvalidValue(f"The experiment {experiment.pk} must be in the 'active' state. Current state is deleted.")


@operation("experiments.write")
def update_experiment(actor: Actor, experiment: Experiment, *, name: str) -> Experiment:
    """Rename. Raises as `create_experiment` does, InvalidValue for one in the bin and for the default experiment."""
    require_active(experiment)
    checked_name(name)
    try:
        with transaction.atomic():
            experiment.name, experiment.updated_ms = name, now_ms()
            experiment.save(update_fields=["name", "updated_ms"])
    except IntegrityError:
        raise taken(experiment.workspace, name) from None
    return experiment


@operation("experiments.write")
def delete_experiment(actor: Actor, experiment: Experiment) -> None:
    """Put an experiment and its runs into the bin. Raises NotFound when it is there, InvalidValue for the default
    one.
    """
    if experiment.is_default:
        raise InvalidValue(_("The default experiment of a workspace cannot be deleted."))
    now = now_ms()
    if not Experiment.objects.filter(pk=experiment.pk, deleted_ms=None).update(deleted_ms=now, updated_ms=now):
        raise NotFound(f"No Experiment with id={experiment.pk} exists")
    Run.objects.filter(experiment=experiment, deleted_ms=None).update(deleted_ms=now)


@operation("experiments.write")
def restore_experiment(actor: Actor, experiment: Experiment) -> None:
    """Take an experiment and all its runs out of the bin. Raises NotFound when it is not there."""
    rows = Experiment.objects.filter(pk=experiment.pk).exclude(deleted_ms=None)
    if not rows.update(deleted_ms=None, updated_ms=now_ms()):
        raise NotFound(f"No Experiment with id={experiment.pk} exists")
    Run.objects.filter(experiment=experiment).update(deleted_ms=None)


@operation("experiments.write")
def archive_experiment(actor: Actor, experiment: Experiment) -> None:
    """Put an experiment out of sight on the pages. Raises InvalidValue for one in the bin."""
    require_active(experiment)
    Experiment.objects.filter(pk=experiment.pk, archived_ms=None).update(archived_ms=now_ms())


@operation("experiments.write")
def unarchive_experiment(actor: Actor, experiment: Experiment) -> None:
    """Put an experiment back into sight."""
    Experiment.objects.filter(pk=experiment.pk).update(archived_ms=None)


def set_tags(experiment: Experiment, tags: Mapping[str, str]) -> None:
    rows = [ExperimentTag(experiment=experiment, key=checked_key(key), value=checked_value(tags[key])) for key in tags]
    ExperimentTag.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["experiment", "key"], update_fields=["value"]
    )


def checked_key(key: str) -> str:
    return limits.check_key(key, "key")


def checked_value(value: str) -> str:
    if len(value) > limits.MAX_EXPERIMENT_TAG_VAL_LENGTH:
        raise InvalidValue(
            _("'value' exceeds the maximum length of %s characters.") % limits.MAX_EXPERIMENT_TAG_VAL_LENGTH,
            field="value",
        )
    return value


@operation("experiments.write")
def set_experiment_tag(actor: Actor, experiment: Experiment, *, key: str, value: str) -> None:
    require_active(experiment)
    set_tags(experiment, {key: value})


@operation("experiments.write")
def delete_experiment_tag(actor: Actor, experiment: Experiment, *, key: str) -> None:
    """Raises NotFound for a tag that is not there."""
    require_active(experiment)
    if not ExperimentTag.objects.filter(experiment=experiment, key=key).delete()[0]:
        raise NotFound(f"No tag with name: {key} in experiment with id {experiment.pk}")
