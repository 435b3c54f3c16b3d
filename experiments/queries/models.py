"""Logged models by id and by filter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import Case, Exists, F, FloatField, OuterRef, Q, QuerySet, Subquery, When
from django.utils.translation import gettext as _

from experiments.models import LoggedModel, LoggedModelMetric, LoggedModelParam, LoggedModelTag
from lib.clock import now_ms
from lib.errors import InvalidValue
from lib.search import Dialect, Field, Term, dialects, parse_filter
from lib.search.sql import NAN, TEXT, Related, Table, condition
from lib.search.tree import changed, terms
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
    dialect: Dialect = dialects.LOGGED_MODELS,
) -> QuerySet[LoggedModel]:
    """Find models outside the bin, newest first unless ordered otherwise. Raises InvalidValue for a filter it cannot
    read.
    """
    rows = LoggedModel.objects.visible_to(actor).filter(
        workspace=workspace, experiment__in=list(experiment_ids), deleted_ms=None
    )
    node = changed(parse_filter(text, dialect), with_status_word)
    rows = rows.filter(condition(table(datasets), node, now_ms=now_ms()))
    if datasets and not any(term.field.kind == "metric" for term in terms(node)):
        rows = rows.filter(Exists(measured(datasets)))
    return ordered(rows, orders)


def table(datasets: Sequence[DatasetRef]) -> Table:
    """Say where a model's fields are; with datasets, only metrics that were measured on one of them count."""
    values = dict.fromkeys(("last", "min", "max"), F("value"))
    return Table(
        attributes={name: F(column) for name, column in ATTRIBUTES.items()},
        nullable={"source_run_id": TEXT},
        related={
            "tag": Related(LoggedModelTag, "model", "tags"),
            "param": Related(LoggedModelParam, "model", "params"),
            "metric": Related(LoggedModelMetric, "model", "metrics", values, only=any_of(datasets)),
        },
    )


def with_status_word(term: Term) -> Term:
    """Let users say READY, as MLflow's entities do, for LOGGED_MODEL_READY."""
    if term.field != Field("attribute", "status") or not isinstance(term.value, str):
        return term
    return term if term.value.startswith(STATUS_PREFIX) else replace(term, value=f"{STATUS_PREFIX}{term.value}")


def any_of(datasets: Sequence[DatasetRef]) -> Q:
    wanted = Q()
    for dataset in datasets:
        wanted |= dataset.condition
    return wanted


def measured(datasets: Sequence[DatasetRef]) -> QuerySet[LoggedModelMetric]:
    return LoggedModelMetric.objects.filter(any_of(datasets), model=OuterRef("pk"))


def ordered(rows: QuerySet[LoggedModel], orders: Sequence[ModelOrder]) -> QuerySet[LoggedModel]:
    keys: list[Any] = []
    for number, order in enumerate(orders):
        name = ATTRIBUTES.get(order.name, "")
        if order.name.startswith("metrics."):
            name = f"order_{number}"
            rows = rows.annotate(**{name: newest_value(order)})
            keys.append(numbers_first(name))
        elif not name:
            raise InvalidValue(_("Invalid order by field name: %s.") % order.name[:100])
        field_name = F(name)
        keys.append(field_name.asc(nulls_last=True) if order.ascending else field_name.desc(nulls_last=True))
    return rows.order_by(*keys, "-created_ms", "pk")


def numbers_first(name: str) -> Case:
    """Rank numbers, then NaN, then what is missing, whichever way the numbers are sorted."""
    return Case(When(**{f"{name}__isnull": True}, then=2), When(**{name: NAN}, then=1), default=0)


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
