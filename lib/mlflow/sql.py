"""Clauses and orders into Django's query expressions. Knows no models: a `Table` says where each kind of key is
kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import (
    Case,
    Exists,
    F,
    Field,
    FloatField,
    IntegerField,
    Model,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.lookups import PatternLookup
from django.utils.translation import gettext as _

from lib.errors import InvalidValue
from lib.mlflow.search import Clause, Order

NAN = float("nan")


class MlflowLike(PatternLookup):
    """LIKE as MLflow means it: `%` and `_` are wildcards, and there is no escape character."""

    lookup_name = "mlflow_like"
    operator = "LIKE"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        left, left_params = self.process_lhs(compiler, connection)
        return f"{left} {self.operator} %s ESCAPE ''", (*left_params, self.rhs)


class MlflowIlike(MlflowLike):
    lookup_name = "mlflow_ilike"
    operator = "ILIKE"


Field.register_lookup(MlflowLike)
Field.register_lookup(MlflowIlike)

LOOKUPS = {
    "=": "exact",
    ">": "gt",
    ">=": "gte",
    "<": "lt",
    "<=": "lte",
    "IN": "in",
    "LIKE": "mlflow_like",
    "ILIKE": "mlflow_ilike",
}


@dataclass(frozen=True)
class Related:
    """Keys and values in rows of their own: `link` points at the row that is searched."""

    model: type[Model]
    link: str
    key: str = "key"
    value: str = "value"

    def rows(self, key: str) -> QuerySet[Any]:
        return self.model._default_manager.filter(**{self.link: OuterRef("pk"), self.key: key})


@dataclass(frozen=True)
class Table:
    """Where a grammar's keys are. `attributes` maps MLflow's names to fields (or annotations) of the searched model."""

    attributes: Mapping[str, str]
    tags: Related | None = None
    parameters: Related | None = None
    metrics: Related | None = None
    more: Mapping[str, Callable[[Clause], Q]] = field(default_factory=dict)

    def related(self, kind: str) -> Related:
        found = {"tag": self.tags, "parameter": self.parameters, "metric": self.metrics}.get(kind)
        if found is None:
            raise InvalidValue(_("%s cannot be searched here.") % kind)
        return found


def condition(table: Table, clauses: Sequence[Clause]) -> Q:
    found = Q()
    for clause in clauses:
        found &= one(table, clause)
    return found


def one(table: Table, clause: Clause) -> Q:
    if clause.kind in table.more:
        return table.more[clause.kind](clause)
    if clause.kind == "attribute":
        if clause.key not in table.attributes:
            raise InvalidValue(_("Invalid attribute key '%s' specified.") % clause.key)
        return compare(table.attributes[clause.key], clause.comparator, clause.value)
    related = table.related(clause.kind)
    rows = related.rows(clause.key)
    if clause.comparator == "IS NULL":
        return ~Q(Exists(rows))
    if clause.comparator == "IS NOT NULL":
        return Q(Exists(rows))
    # `!=` asks for a row with another value: what lacks the key does not match, as in MLflow.
    holds = compare(related.value, clause.comparator, clause.value)
    if clause.kind == "metric" and clause.comparator in (">", ">="):
        holds &= ~Q(**{related.value: NAN})  # PostgreSQL sorts NaN above all numbers; no number is less than it here
    return Q(Exists(rows.filter(holds)))


def compare(name: str, comparator: str, value: Any) -> Q:
    if comparator == "!=":
        return Q(**{f"{name}__isnull": False}) & ~Q(**{name: value})
    if comparator == "NOT IN":
        return Q(**{f"{name}__isnull": False}) & ~Q(**{f"{name}__in": value})
    return Q(**{f"{name}__{LOOKUPS[comparator]}": value})


def ordered(rows: QuerySet[Any], table: Table, orders: Sequence[Order], default: Sequence[Combinable | str]) -> Any:
    """Order rows by the given keys, then by `default`. What lacks a key comes last, whichever way it is sorted."""
    keys: list[Any] = []
    for number, order in enumerate(orders):
        if order.kind == "attribute":
            expression: Any = F(table.attributes[order.key])
        else:
            name = f"order_{number}"
            rows = rows.annotate(**{name: value_of(table, order)})
            expression = F(name)
            if order.kind == "metric":
                keys.append(numbers_first(name))
        keys.append(expression.asc(nulls_last=True) if order.ascending else expression.desc(nulls_last=True))
    return rows.order_by(*keys, *default)


def numbers_first(name: str) -> Any:
    """Rank numbers, then NaN, then what is missing, whichever way the numbers are sorted."""
    return Case(
        When(**{f"{name}__isnull": True}, then=Value(2)),
        When(**{name: NAN}, then=Value(1)),
        default=Value(0),
        output_field=IntegerField(),
    ).asc()


def value_of(table: Table, order: Order) -> Subquery:
    related = table.related(order.kind)
    kind = FloatField() if order.kind == "metric" else TextField()
    return Subquery(related.rows(order.key).values(related.value)[:1], output_field=kind)
