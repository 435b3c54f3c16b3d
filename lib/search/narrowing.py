"""Comparisons that few rows pass are looked up first, whatever the planner guesses.

PostgreSQL knows how values lie over all keys together, not how those of one key do. Where it takes a comparison for a
common one it walks over all runs, newest first, and looks at the rows of each: of 100,000 runs the fifty with `n < 5`
are found in a second that way, and by the index on values in a millisecond. So the index is asked first, no further
than `FEW` rows, and the ids that it gives take the comparison's place.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import F, Q, QuerySet, TextField, Value

from lib.search.bounds import limited
from lib.search.sql import Binary, Number, Related, Table, condition, resolved, row_holds
from lib.search.tree import And, Node, Term

FEW = 3000
NEVER = Q(pk__in=[])
EQUAL = frozenset({"=", "IN"})
ORDERED = EQUAL | {"<", "<=", ">", ">=", "BETWEEN"}

# Nothing where there are more than a few; ids are words of letters and digits.
IDS = """
    (SELECT CASE WHEN count(*) <= %d THEN coalesce(string_agg(id, ','), '') END FROM (%s) AS found (id, value))
"""


class AnyOf(Binary):
    """`column = ANY (ids)`: of an array the planner knows how long it is."""

    template = "(%(expressions)s::text[]))"

    def __init__(self, column: str, ids: str) -> None:
        super().__init__(F(column), "= ANY (", Value("{" + ids + "}", output_field=TextField()))


def narrowed_condition(table: Table, node: Node, *, now_ms: int) -> Q:
    """Say which rows match, as `sql.condition` does, the rarest of the comparisons by the ids that pass it."""
    parts = node.parts if isinstance(node, And) else (node,)
    terms = [part for part in parts if isinstance(part, Term) and is_indexed(part, resolved(part.value, now_ms))]
    known = zip(terms, look(table, terms, now_ms), strict=True)
    found = [(ids.count(","), ids, term) for term, ids in known if ids is not None]
    if not found:
        return condition(table, node, now_ms=now_ms)
    _commas, ids, rarest = min(found, key=lambda one: one[0])
    if not ids:
        return NEVER
    rest = And(tuple(part for part in parts if part is not rarest))
    return Q(AnyOf("pk", ids)) & condition(table, rest, now_ms=now_ms)


def is_indexed(term: Term, values: Sequence[object]) -> bool:
    """Say whether an index of (key, value) finds what passes a comparison, in the order of the values."""
    if term.field.kind == "metric":
        return term.field.of == "last" and term.operator in ORDERED
    if isinstance(values[0], Decimal):
        return term.field.kind == "param" and term.operator in ORDERED
    return term.field.kind in ("param", "tag") and term.operator in EQUAL


def look(table: Table, terms: Sequence[Term], now_ms: int) -> Sequence[str | None]:
    """Give for each comparison the ids that pass it, joined by commas; None where they are more than a few."""
    if not terms:
        return []
    asked = [rows(table.related[term.field.kind], term, now_ms).query.sql_with_params() for term in terms]
    statement = "SELECT " + ", ".join(IDS % (FEW, sql) for sql, _values in asked)
    with limited(), connection.cursor() as cursor:
        cursor.execute(statement, [value for _sql, values in asked for value in values])
        [found] = cursor.fetchall()
    return list(found)


def rows(related: Related, term: Term, now_ms: int) -> QuerySet[Any]:
    """Ask for the rows that pass a comparison in the order of the index, so that no walk over the table looks cheap."""
    value = related.value(term.field)
    order = Number(value) if isinstance(resolved(term.value, now_ms)[0], Decimal) else value
    found = related.model._default_manager.filter(related.only, row_holds(related, term, now_ms))
    return found.order_by(order).values_list(f"{related.link}_id", order)[: FEW + 1]
