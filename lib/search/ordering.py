"""The keys of an order into ORDER BY, and into keyset pages: what comes after a row, without counting what came before.

No key is ever null: what may be missing is split into a rank (there, NaN, missing), which always ascends, and a value.
So a row's place is a plain tuple, and the next page is a plain comparison.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import (
    Case,
    F,
    FilteredRelation,
    IntegerField,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.expressions import Combinable, OrderBy
from django.db.models.functions import Coalesce, NullIf

from lib.search.sql import NAN, REAL, TEXT, Binary, Related, Table, is_there
from lib.search.tree import OrderTerm

LEADING = "led_by_index"


@dataclass(frozen=True)
class SortKey:
    """One column of the order, by the name under which a row has it."""

    name: str
    expression: Combinable
    is_descending: bool


class Ordering:
    """An order over a table: given keys, then the table's own, so that no two rows are equal."""

    def __init__(self, table: Table, terms: Sequence[OrderTerm]) -> None:
        self.joins: dict[str, FilteredRelation] = {}
        self.keys: list[SortKey] = []
        self.leading: F | None = None  # the metric by which is ordered first
        given = {term.field for term in terms}
        for term in [*terms, *(term for term in table.default_order if term.field not in given)]:
            self.add(table, term)

    def add(self, table: Table, term: OrderTerm) -> None:
        name = f"sort_{len(self.keys)}"
        if term.field.kind == "attribute":
            column = table.attributes[term.field.key]
            if term.field.key not in table.nullable:
                self.keys.append(SortKey(plain_name(column) or name, column, term.is_descending))
                return
            self.split(name, column, table.nullable[term.field.key], term)
            return
        related = table.related[term.field.kind]
        self.joins[f"{name}_row"] = FilteredRelation(
            related.relation, condition=Q(**{f"{related.relation}__{related.key_column}": term.field.key})
        )
        column = F(f"{name}_row__{column_name(related, term)}")
        if not self.keys and term.field.kind == "metric":
            self.leading = column
        self.split(name, column, REAL if term.field.kind == "metric" else TEXT, term)

    def split(self, name: str, column: Combinable, filler: Value, term: OrderTerm) -> None:
        """Sort by whether there is a value, then by the value."""
        is_metric = term.field.kind == "metric"
        is_nan = [When(Binary(column, "=", Value(NAN)), then=Value(1))] if is_metric else []
        rank = Case(When(~is_there(column), then=Value(2)), *is_nan, default=Value(0), output_field=IntegerField())
        shown = NullIf(column, Value(NAN)) if is_metric else column
        value = Coalesce(shown, filler, output_field=filler.output_field)
        self.keys.append(SortKey(f"{name}_rank", rank, is_descending=False))
        self.keys.append(SortKey(name, value, term.is_descending))

    def apply(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Order the rows, and give each row the columns of its place."""
        rows = rows.alias(**self.joins) if self.joins else rows
        ordered = self.placed(rows).order_by(*map(way, self.keys))
        if self.leading is not None:
            setattr(ordered, LEADING, self.led(rows, self.leading))
        return ordered

    def led(self, rows: QuerySet[Any], leading: F) -> QuerySet[Any]:
        """Give the rows that have a number to be ordered by, which come before all others, as an index orders them."""
        _rank, value, *others = self.keys
        first = leading.desc() if value.is_descending else leading.asc()
        # Filtered first: a join that is there already, Django would make once more.
        numbers = rows.filter(**{f"{path_of(leading)}__lt": NAN})
        return self.placed(numbers).order_by(first, *map(way, others))

    def placed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        columns = {key.name: key.expression for key in self.keys if plain_name(key.expression) != key.name}
        return rows.annotate(**columns) if columns else rows

    def place(self, row: Any) -> tuple[Any, ...]:
        """Give the place of a row that `apply` gave: what `after` goes on from."""
        return tuple(getattr(row, key.name) for key in self.keys)

    def after(self, rows: QuerySet[Any], place: Sequence[Any]) -> QuerySet[Any]:
        """Keep what comes after a place. The rows are those of `apply`."""
        if len(place) != len(self.keys):
            raise ValueError("the place belongs to another order")
        return rows.filter(self.beyond(place, 0))

    def beyond(self, place: Sequence[Any], start: int) -> Q:
        """Compare as tuples do. The first bound alone (`<=`) is what an index can use."""
        key, value = self.keys[start], place[start]
        way = "lt" if key.is_descending else "gt"
        strictly = Q(**{f"{key.name}__{way}": value})
        if start == len(self.keys) - 1:
            return strictly
        return Q(**{f"{key.name}__{way}e": value}) & (strictly | self.beyond(place, start + 1))


def way(key: SortKey) -> OrderBy:
    return F(key.name).desc() if key.is_descending else F(key.name).asc()


def read(rows: QuerySet[Any], start: int, stop: int) -> list[Any]:
    """Read a part of what `apply` ordered. Where rows with a number fill it, the others are not even looked for.

    To rank those with a number, with NaN and with none, all rows are sorted; the first of them an index gives.
    """
    leading: QuerySet[Any] | None = getattr(rows, LEADING, None)  # gone as soon as the rows are filtered further
    found = list(leading[start:stop]) if leading is not None else []
    return found if found and len(found) == stop - start else list(rows[start:stop])


def plain_name(expression: Combinable) -> str:
    """Give the name of a column of the row itself, or nothing."""
    path = path_of(expression)
    return "" if "__" in path else path


def column_name(related: Related, term: OrderTerm) -> str:
    path = path_of(related.value(term.field))
    if not path:
        raise TypeError(f"{term.field} is no plain column")
    return path


def path_of(expression: Combinable) -> str:
    return str(vars(expression)["name"]) if isinstance(expression, F) else ""
