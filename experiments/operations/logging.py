"""What runs log while they go: points, params, tags. The hot room: few statements, no audit row a call."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from experiments import metrics as series
from experiments.metrics import Point
from experiments.models import LoggedModel, LoggedModelMetric, Run, RunTag
from experiments.operations import texts
from experiments.operations.hearing import heard
from experiments.refusals import absent_run, run_in_bin
from lib.errors import InvalidValue, NotFound
from lib.mlflow import limits
from workspaces.access import Actor, operation

NAME_TAG = "mlflow.runName"
MODEL_HISTORY_TAG = "mlflow.log-model.history"
LONGEST_MODEL = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ModelPoint:
    """A point that also belongs to a logged model, measured on a dataset where the client says which."""

    model_id: str
    point: Point
    dataset_name: str = ""
    dataset_digest: str = ""


def require_active(run: Run) -> None:
    if run.deleted_ms is not None:
        raise run_in_bin(run.pk)


def gone(run: Run) -> Exception:
    """Say what became of a run that was there when it was looked up."""
    return run_in_bin(run.pk) if Run.objects.filter(pk=run.pk).exists() else absent_run(run.pk)


@operation("experiments.write", audit=False, is_one_statement=True)
def log_batch(
    actor: Actor,
    run: Run,
    *,
    metrics: Sequence[Point] = (),
    params: Sequence[tuple[str, str]] = (),
    tags: Sequence[tuple[str, str]] = (),
    model_points: Sequence[ModelPoint] = (),
) -> None:
    """Log all of it or nothing; what was logged before is left as it is, so that a client may repeat itself.

    Raises InvalidValue for a run in the bin, a bad key, too many items, or a param that has another value.
    """
    require_active(run)
    limits.check_batch(len(metrics), len(params), len(tags))
    for key in {point.key for point in metrics}:
        limits.check_key(key, "metrics.name")
    heard(run)
    # Points alone are one statement, which is a transaction by itself.
    with transaction.atomic() if params or tags or model_points else nullcontext():
        write_params(run, params)
        series.append(run.pk, metrics)
        write_model_points(run, model_points)
        write_tags(run, dict(tags))


@operation("experiments.write", audit=False, is_one_statement=True)
def log_metric(actor: Actor, run: Run, *, point: Point, model_point: ModelPoint | None = None) -> None:
    """Log a point, to a logged model too; a client whose call fails between the two repeats both."""
    require_active(run)
    limits.check_key(point.key, "name")
    if not series.append_one(run.pk, point):
        raise gone(run)
    heard(run)
    write_model_points(run, [model_point] if model_point else [])


@operation("experiments.write", audit=False)
def log_param(actor: Actor, run: Run, *, key: str, value: str) -> None:
    """Raises InvalidValue when the param has another value: params are written once."""
    require_active(run)
    write_params(run, [(key, value)])


def write_params(run: Run, params: Sequence[tuple[str, str]]) -> None:
    if not params:
        return
    given = {limits.check_key(key, "key"): limits.param_value(value) for key, value in params}
    if len(given) < len(params):
        twice = sorted({key for key, _value in params if [one for one, _other in params].count(key) > 1})
        raise InvalidValue(
            f"Duplicate parameter keys have been submitted: {twice}. Please ensure the request contains only one param "
            "value per param key."
        )
    for key, value in texts.add_params(run.pk, given):
        if value != given[key]:
            raise InvalidValue(
                f"Changing param values is not allowed. Param with key='{key}' was already logged with value='{value}' "
                f"for run ID='{run.pk}'. Attempted logging new value '{given[key]}'.",
                field="key",
            )


def write_tags(run: Run, tags: Mapping[str, str]) -> None:
    """Set tags; mlflow.runName and the run's name are one datum, both ways."""
    if not tags:
        return
    given = {limits.check_key(key, "key"): limits.tag_value(value) for key, value in tags.items()}
    texts.set_tags(run.pk, given)
    name = given.get(NAME_TAG)
    if name and name != run.name:
        if len(name) > 250:
            raise InvalidValue(_("A run's name has at most %s characters.") % 250, field="run_name")
        Run.objects.filter(pk=run.pk).update(name=name)
        run.name = name


def write_model_points(run: Run, points: Sequence[ModelPoint]) -> None:
    if not points:
        return
    wanted = {one.model_id for one in points}
    known = set(LoggedModel.objects.filter(pk__in=wanted, workspace_id=run.workspace_id).values_list("pk", flat=True))
    if missing := wanted - known:
        raise NotFound(_("Logged model with ID '%s' not found.") % sorted(missing)[0])
    LoggedModelMetric.objects.bulk_create([model_row(run, one) for one in points], ignore_conflicts=True)


def model_row(run: Run, one: ModelPoint) -> LoggedModelMetric:
    return LoggedModelMetric(
        model_id=one.model_id,
        run=run,
        key=one.point.key,
        value=one.point.value,
        step=one.point.step,
        at_ms=one.point.at_ms,
        dataset_name=one.dataset_name[:500],
        dataset_digest=one.dataset_digest[:36],
    )


@operation("experiments.write", audit=False)
def set_tag(actor: Actor, run: Run, *, key: str, value: str) -> None:
    require_active(run)
    write_tags(run, {key: value})


@operation("experiments.write", audit=False)
def record_model(actor: Actor, run: Run, *, model: Mapping[str, Any]) -> None:
    """Note a model that an MLflow 2 client logged into the run's artifacts, in the tag where its clients look for
    it.
    """
    require_active(run)
    run = Run.objects.select_for_update(of=("self",)).get(pk=run.pk)
    tag = RunTag.objects.filter(run=run, key=MODEL_HISTORY_TAG).first()
    value = json.dumps([*(json.loads(tag.value) if tag else []), model])
    if len(value) > LONGEST_MODEL:
        raise InvalidValue(_("The models of this run are described in more than %s bytes.") % LONGEST_MODEL)
    RunTag.objects.update_or_create(run=run, key=MODEL_HISTORY_TAG, defaults={"value": value})
