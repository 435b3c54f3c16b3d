"""A tree into a condition of Django's. Values are bound, never written into the statement.

A `Table` says where things are kept: attributes in columns of the searched row, the rest in rows of their own,
which are asked by EXISTS, so that a run is found once however many rows it has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import (
    BigIntegerField,
    BooleanField,
    DecimalField,
    Exists,
    F,
    FloatField,
    Func,
    Model,
    OuterRef,
    Q,
    TextField,
    Value,
)
from django.db.models.expressions import Combinable

from lib.search.tree import Ago, And, Field, Kind, Node, Not, Operator, Or, OrderTerm, Scalar, Term

NAN = float("nan")
ALWAYS = Q(Value(True, output_field=BooleanField()))
# What an order puts in a missing value's place, which has a rank of its own.
WHOLE = Value(0, output_field=BigIntegerField())
REAL = Value(0.0, output_field=FloatField())
TEXT = Value("", output_field=TextField())
# How much of a text an index holds: enough to tell values apart, and within what a page of the index can take.
BEGINNING = 64


@dataclass(frozen=True)
class Related:
    """Rows beside the searched one: `link` points back to it, `relation` is the way there.

    `values` maps what a field asks for to a column: for keyed rows which value of the series (`last`, `min`, `max`),
    for rows without keys (`key_column=""`) the key itself. `indexed` is the beginning of a long text, if there is an
    index on it; `only` leaves rows out.
    """

    model: type[Model]
    link: str
    relation: str
    values: Mapping[str, Combinable] = field(default_factory=lambda: {"last": F("value")})
    key_column: str = "key"
    indexed: Combinable | None = None
    only: Q = field(default_factory=Q)

    def value(self, wanted: Field) -> Combinable:
        return self.values[wanted.of if self.key_column else wanted.key]


@dataclass(frozen=True)
class Table:
    """Where a dialect's fields are kept. `nullable` are attributes that may be missing, with their fillers in an order.

    `default_order` goes behind any other, and ends with what no two rows share.
    """

    attributes: Mapping[str, Combinable]
    related: Mapping[Kind, Related]
    nullable: Mapping[str, Value] = field(default_factory=dict)
    default_order: Sequence[OrderTerm] = ()


class Binary(Func):
    """`left operator right`, true or false or, where one is null, null."""

    template = "(%(expressions)s)"
    output_field = BooleanField()

    def __init__(self, left: Any, operator: str, *right: Any) -> None:
        super().__init__(left, *right, arg_joiner=f" {operator} ")


class Like(Binary):
    """LIKE as MLflow means it: % and _ are wildcards, and no character escapes them."""

    template = "(%(expressions)s ESCAPE '')"


class Tuple(Func):
    template = "(%(expressions)s)"


class Number(Func):
    """Read a text as a number, exactly; null if it is none."""

    template = (
        r"CASE WHEN %(expressions)s ~ '^\s*[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?\s*$' "
        r"THEN %(expressions)s::numeric END"
    )
    output_field: DecimalField[Any, Any] = DecimalField()


def condition(table: Table, node: Node, *, now_ms: int) -> Q:
    """Say in Django's terms which rows match; `now_ms` is the moment from which relative times count."""
    match node:
        case Term():
            return term(table, node, now_ms)
        case Not(part):
            return ~condition(table, part, now_ms=now_ms)
        case And(()):
            return ALWAYS
        case And(parts):
            return combined(Q.AND, [condition(table, part, now_ms=now_ms) for part in parts])
        case Or(parts):
            return any_of(table, parts, now_ms)


def combined(connector: str, parts: Sequence[Q]) -> Q:
    return Q(*parts, _connector=connector)


def any_of(table: Table, parts: Sequence[Node], now_ms: int) -> Q:
    """Ask once for all the rows of one kind of which any will do: 200 alternatives are one look at a run, not 200."""
    rows: dict[Kind, list[Term]] = {}
    others: list[Node] = []
    for part in parts:
        if isinstance(part, Term) and part.field.kind != "attribute" and part.operator != "IS NULL":
            rows.setdefault(part.field.kind, []).append(part)
        else:
            others.append(part)
    asked = [exists(table.related[kind], found, now_ms) for kind, found in rows.items()]
    return combined(Q.OR, [*asked, *(condition(table, part, now_ms=now_ms) for part in others)])


def term(table: Table, node: Term, now_ms: int) -> Q:
    if node.field.kind == "attribute":
        return attribute(table, node, resolved(node.value, now_ms))
    related = table.related[node.field.kind]
    if node.operator == "IS NULL":
        return ~exists(related, [Term(node.field, "IS NOT NULL", None)], now_ms)
    return exists(related, [node], now_ms)


def exists(related: Related, any_of_these: Sequence[Term], now_ms: int) -> Q:
    rows = related.model._default_manager.filter(related.only, **{related.link: OuterRef("pk")})
    keys = sorted({one.field.key for one in any_of_these})
    if related.key_column and len(keys) > 1:
        # Said apart from the comparisons, so that the index on (run, key) is used however many there are.
        rows = rows.filter(**{f"{related.key_column}__in": keys})
    return Q(Exists(rows.filter(combined(Q.OR, [row_holds(related, one, now_ms) for one in any_of_these]))))


def row_holds(related: Related, node: Term, now_ms: int) -> Q:
    value = related.value(node.field)
    if node.operator == "IS NOT NULL":
        holds = is_there(value)
    else:
        holds = compared(value, node.operator, resolved(node.value, now_ms))
    if related.indexed and node.operator in ("=", "IN"):
        holds &= indexed(related.indexed, node.operator, resolved(node.value, now_ms))
    if node.field.kind == "metric" and node.operator in (">", ">="):
        # PostgreSQL sorts NaN above all numbers; to a user it is larger than none.
        holds &= Q(Binary(value, "<", Value(NAN)))
    return Q(**{related.key_column: node.field.key}) & holds if related.key_column else holds


def attribute(table: Table, node: Term, values: Sequence[Any]) -> Q:
    column = table.attributes[node.field.key]
    if node.operator == "IS NULL":
        return ~is_there(column)
    if node.operator == "IS NOT NULL":
        return is_there(column)
    holds = compared(column, node.operator, values)
    # Null is false before a NOT turns it around, not after.
    return is_there(column) & holds if node.field.key in table.nullable else holds


def indexed(beginning: Combinable, operator: Operator, values: Sequence[Any]) -> Q:
    """Say of a text's beginning what follows from the whole, for an index that holds beginnings only."""
    if not isinstance(values[0], str):
        return Q()
    return compared(beginning, operator, [value[:BEGINNING] for value in values])


def is_there(column: Combinable) -> Q:
    return Q(Func(column, template="(%(expressions)s IS NOT NULL)", output_field=BooleanField()))


def compared(column: Combinable, operator: Operator, values: Sequence[Any]) -> Q:
    """Compare a column or, for exact numbers, the number that its text says."""
    if isinstance(values[0], Decimal):
        column = Number(column)
    bound = [Value(value) for value in values]
    match operator:
        case "IN" | "NOT IN":
            return Q(Binary(column, operator, Tuple(*bound)))
        case "BETWEEN":
            return Q(Binary(column, ">=", bound[0])) & Q(Binary(column, "<=", bound[1]))
        case "NOT BETWEEN":
            return Q(Binary(column, "<", bound[0])) | Q(Binary(column, ">", bound[1]))
        case "LIKE" | "ILIKE" | "NOT LIKE" | "NOT ILIKE":
            return Q(Like(column, operator, bound[0]))
        case "!=":
            return Q(Binary(column, "<>", bound[0]))
        case _:
            return Q(Binary(column, operator, bound[0]))


def resolved(value: Scalar | tuple[Scalar, ...] | None, now_ms: int) -> list[Any]:
    """Give the values of a term, with relative times counted from now."""
    values = value if isinstance(value, tuple) else (value,)
    return [now_ms - one.ms if isinstance(one, Ago) else one for one in values]
