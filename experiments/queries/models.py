"""Logged models by id and by filter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db.models import Exists, F, FloatField, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from experiments.models import LoggedModel, LoggedModelMetric, LoggedModelParam, LoggedModelTag
from lib.errors import InvalidValue
from lib.mlflow import search, sql
from lib.mlflow.search import Clause
from workspaces.access import Actor, fetch
from workspaces.models import Workspace

ATTRIBUTES = {
    "name": "name",
    "model_id": "pk",
    "model_type": "model_type",
    "status": "status",
    "source_run_id": "source_run_id",
    "creation_timestamp": "created_ms",
    "creation_time": "created_ms",
    "last_updated_timestamp": "updated_ms",
    "last_updated_time": "updated_ms",
}
STATUS_PREFIX = "LOGGED_MODEL_"


@dataclass(frozen=True)
class DatasetRef:
    """Binds metrics of a search to a dataset; an empty digest means any."""

    name: str
    digest: str = ""

    @property
    def condition(self) -> Q:
        return Q(dataset_name=self.name) & (Q(dataset_digest=self.digest) if self.digest else Q())


@dataclass(frozen=True)
class ModelOrder:
    """One key of an order: an attribute's name, or `metrics.<key>`, perhaps of one dataset."""

    name: str
    ascending: bool = True
    dataset: DatasetRef | None = None


@dataclass(frozen=True)
class ModelDetails:
    model: LoggedModel
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: list[LoggedModelMetric] = field(default_factory=list)


def logged_model(actor: Actor, workspace: Workspace, model_id: str) -> LoggedModel:
    """Give a model of the workspace that is not in the bin. Raises NotFound."""
    rows = LoggedModel.objects.filter(workspace=workspace, deleted_ms=None).select_related("workspace", "experiment")
    return fetch(actor, rows, pk=model_id[:40])  # type: ignore[no-any-return]


def search_logged_models(
    actor: Actor,
    workspace: Workspace,
    experiment_ids: Iterable[int],
    *,
    text: str = "",
    datasets: Sequence[DatasetRef] = (),
    orders: Sequence[ModelOrder] = (),
) -> QuerySet[LoggedModel]:
    """Find models outside the bin, newest first unless ordered otherwise. Raises InvalidValue for a filter it cannot
    read.
    """
    rows = LoggedModel.objects.visible_to(actor).filter(
        workspace=workspace, experiment__in=list(experiment_ids), deleted_ms=None
    )
    clauses = search.clauses("logged_models", text)
    table = sql.Table(
        attributes=ATTRIBUTES,
        tags=sql.Related(LoggedModelTag, "model"),
        parameters=sql.Related(LoggedModelParam, "model"),
        more={"metric": lambda clause: metric_condition(clause, datasets)},
    )
    rows = rows.filter(sql.condition(table, [with_status_word(clause) for clause in clauses]))
    if datasets and not any(clause.kind == "metric" for clause in clauses):
        rows = rows.filter(Exists(measured(datasets)))
    return ordered(rows, orders)


def with_status_word(clause: Clause) -> Clause:
    """Let users say READY, as MLflow's entities do, for LOGGED_MODEL_READY."""
    if clause.key != "status" or not isinstance(clause.value, str) or clause.value.startswith(STATUS_PREFIX):
        return clause
    return Clause(clause.kind, clause.key, clause.comparator, f"{STATUS_PREFIX}{clause.value}")


def measured(datasets: Sequence[DatasetRef]) -> QuerySet[LoggedModelMetric]:
    wanted = Q()
    for dataset in datasets:
        wanted |= dataset.condition
    return LoggedModelMetric.objects.filter(wanted, model=OuterRef("pk"))


def metric_condition(clause: Clause, datasets: Sequence[DatasetRef]) -> Q:
    holds = sql.compare("value", clause.comparator, clause.value)
    if clause.comparator in (">", ">="):
        holds &= ~Q(value=sql.NAN)
    return Q(Exists(measured(datasets).filter(holds, key=clause.key)))


def ordered(rows: QuerySet[LoggedModel], orders: Sequence[ModelOrder]) -> QuerySet[LoggedModel]:
    keys = []
    for number, order in enumerate(orders):
        name = ATTRIBUTES.get(order.name, "")
        if order.name.startswith("metrics."):
            name = f"order_{number}"
            rows = rows.annotate(**{name: newest_value(order)})
            keys.append(sql.numbers_first(name))
        elif not name:
            raise InvalidValue(_("Invalid order by field name: %s.") % order.name[:100])
        field_name = F(name)
        keys.append(field_name.asc(nulls_last=True) if order.ascending else field_name.desc(nulls_last=True))
    return rows.order_by(*keys, "-created_ms", "pk")


def newest_value(order: ModelOrder) -> Subquery:
    rows = measured([order.dataset] if order.dataset else []).filter(key=order.name.removeprefix("metrics."))
    return Subquery(rows.order_by("-at_ms", "-step").values("value")[:1], output_field=FloatField())


def model_details(models: Sequence[LoggedModel]) -> list[ModelDetails]:
    """Collect what belongs to the models, in their order."""
    found = {model.pk: ModelDetails(model) for model in models}
    for model_id, key, value in rows_of(LoggedModelParam, found):
        found[model_id].params[key] = value
    for model_id, key, value in rows_of(LoggedModelTag, found):
        found[model_id].tags[key] = value
    for metric in LoggedModelMetric.objects.filter(model__in=list(found)).order_by("key", "at_ms", "step", "pk"):
        found[metric.model_id].metrics.append(metric)
    return [found[model.pk] for model in models]


def rows_of(
    kind: type[LoggedModelParam] | type[LoggedModelTag], found: dict[str, ModelDetails]
) -> Iterable[tuple[str, str, str]]:
    rows = kind._default_manager.filter(model__in=list(found)).order_by("key")
    return rows.values_list("model_id", "key", "value")
