"""Runs by id and by filter, and all that belongs to them, in a handful of queries however many they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Concat
from django.utils.translation import gettext as _

from experiments import metrics
from experiments.artifacts import places
from experiments.models import (
    Experiment,
    LoggedModel,
    MetricSeries,
    Run,
    RunDataset,
    RunModel,
    RunParam,
    RunTag,
)
from experiments.queries.views import View
from lib.errors import InvalidValue
from lib.mlflow import search, sql
from lib.mlflow.search import Clause
from workspaces.access import Actor, fetch
from workspaces.models import Workspace

LONGEST_ID = 36
CONTEXT = "mlflow.data.context"


def dataset_condition(clause: Clause) -> Q:
    rows = RunDataset.objects.filter(run=OuterRef("pk"))
    if clause.key == "context":
        rows = rows.annotate(context=KeyTextTransform(CONTEXT, "tags"))
        return Q(Exists(rows.filter(sql.compare("context", clause.comparator, clause.value))))
    return Q(Exists(rows.filter(sql.compare(f"dataset__{clause.key}", clause.comparator, clause.value))))


TABLE = sql.Table(
    attributes={
        "run_id": "pk",
        "run_name": "name",
        "run name": "name",
        "Run name": "name",
        "Run Name": "name",
        "status": "status",
        "user_id": "user_name",
        "artifact_uri": "artifact_uri",
        "start_time": "start_ms",
        "created": "start_ms",
        "Created": "start_ms",
        "end_time": "end_ms",
    },
    tags=sql.Related(RunTag, "run"),
    parameters=sql.Related(RunParam, "run"),
    metrics=sql.Related(MetricSeries, "run", value="last_value"),
    more={"dataset": dataset_condition},
)


@dataclass(frozen=True)
class RunDetails:
    """A run with all that was logged, points by their latest; `inputs` are model ids, `outputs` are (id, step)."""

    run: Run
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, metrics.Latest] = field(default_factory=dict)
    datasets: list[RunDataset] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    outputs: list[tuple[str, int]] = field(default_factory=list)


def run(actor: Actor, workspace: Workspace, run_id: str) -> Run:
    """Give a run of the workspace, in the bin or not. Raises NotFound."""
    if not run_id:
        raise InvalidValue("Missing value for required parameter 'run_id'.", field="run_id")
    rows = Run.objects.filter(workspace=workspace).select_related("experiment", "workspace")
    return fetch(actor, rows, pk=run_id[:LONGEST_ID])  # type: ignore[no-any-return]


def owner_of_artifact(actor: Actor, workspace: Workspace, path: str) -> tuple[Run | LoggedModel, str]:
    """Give the run or logged model to which a proxied artifact path belongs, and the path below its artifacts."""
    located = places.locate(path)
    if located.run_id is not None:
        rows = Run.objects.filter(workspace=workspace).select_related("workspace")
        return fetch(actor, rows, pk=located.run_id, experiment=located.experiment_id), located.path
    models = LoggedModel.objects.filter(workspace=workspace).select_related("workspace")
    return fetch(actor, models, pk=located.model_id, experiment=located.experiment_id), located.path


def search_runs(
    actor: Actor,
    workspace: Workspace,
    experiment_ids: Iterable[int] | None,
    *,
    text: str = "",
    order_by: Sequence[str] = (),
    view: View = View.ACTIVE,
) -> QuerySet[Run]:
    """Find runs of experiments (of all, for None) by MLflow's filter, newest first unless ordered otherwise.

    Raises InvalidValue for a filter or order that cannot be read.
    """
    rows = Run.objects.visible_to(actor).filter(view.condition, workspace=workspace)
    if experiment_ids is not None:
        rows = rows.filter(experiment__in=list(experiment_ids))
    clauses, orders = search.clauses("runs", text), search.orders("runs", order_by)
    if "artifact_uri" in {*(one.key for one in clauses), *(one.key for one in orders)}:
        rows = rows.annotate(artifact_uri=artifact_uri())
    rows = rows.filter(sql.condition(TABLE, clauses))
    has_time = any(one.key in ("start_time", "created", "Created") for one in orders)
    return sql.ordered(rows, TABLE, orders, ["pk"] if has_time else ["-start_ms", "pk"])  # type: ignore[no-any-return]


def artifact_uri() -> Concat:
    experiment = Cast("experiment_id", CharField())
    return Concat(Value(places.SCHEME), experiment, Value("/"), "pk", Value("/artifacts"), output_field=CharField())


def experiment_ids(actor: Actor, workspace: Workspace, given: Sequence[str]) -> list[int]:
    """Turn the ids of a request into those of the workspace; unknown ones are left out, as MLflow does."""
    plain = [int(one) for one in given if one.isascii() and one.isdigit() and len(one) <= 18]
    if len(plain) < len(given):
        raise InvalidValue(_("An experiment id is a whole number."), field="experiment_ids")
    wanted = Q(pk__in=[one for one in plain if one]) | (Q(is_default=True) if 0 in plain else Q(pk__in=[]))
    rows = Experiment.objects.visible_to(actor).filter(wanted, workspace=workspace)
    return list(rows.values_list("pk", flat=True))


def run_details(runs: Sequence[Run]) -> list[RunDetails]:
    """Collect what belongs to the runs, in their order."""
    ids = [run.pk for run in runs]
    params, tags = by_run(RunParam, ids), by_run(RunTag, ids)
    latest = metrics.latest(ids)
    datasets: dict[str, list[RunDataset]] = defaultdict(list)
    for use in RunDataset.objects.filter(run__in=ids).select_related("dataset").order_by("pk"):
        datasets[use.run_id].append(use)
    links: dict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    rows = RunModel.objects.filter(run__in=ids).order_by("pk")
    for run_id, model_id, direction, step in rows.values_list("run_id", "model_id", "direction", "step"):
        links[run_id, direction].append((model_id, step))
    return [
        RunDetails(
            run=run,
            params=params[run.pk],
            tags=tags[run.pk],
            metrics={one.key: one for one in latest.get(run.pk, [])},
            datasets=datasets[run.pk],
            inputs=[model_id for model_id, _step in links[run.pk, RunModel.Direction.INPUT]],
            outputs=links[run.pk, RunModel.Direction.OUTPUT],
        )
        for run in runs
    ]


def by_run(model: type[RunParam] | type[RunTag], ids: Sequence[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    rows = model._default_manager.filter(run__in=ids).order_by("key")
    for run_id, key, value in rows.values_list("run_id", "key", "value"):
        found[run_id][key] = value
    return found
