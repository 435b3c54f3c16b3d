"""What a filter means: a tree that knows neither its text nor any table.

A term is true or false, never unknown: a comparison with something that is not there is false, `!=` and the other
negative operators included (*has the key, with another value*); `Not` turns that around.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

Kind = Literal["attribute", "param", "tag", "metric", "dataset"]
Of = Literal["last", "min", "max"]
Operator = Literal[
    "=", "!=", "<", "<=", ">", ">=", "LIKE", "ILIKE", "NOT LIKE", "NOT ILIKE", "IN", "NOT IN", "BETWEEN", "NOT BETWEEN",
    "IS NULL", "IS NOT NULL",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Field:
    """What is compared. `of` says which value of a metric's series; the column is where it was written."""

    kind: Kind
    key: str
    of: Of = "last"
    column: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Ago:
    """A time before (or, if negative, after) the moment at which the search runs."""

    ms: int


# A Decimal stands against text that is to be read as a number (`params.rate < 0.01`); a float against real numbers.
Scalar = str | int | float | Decimal | Ago
Value = Scalar | tuple[Scalar, ...] | None


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison; `value` is a tuple for IN (any number) and BETWEEN (two), None for IS NULL."""

    field: Field
    operator: Operator
    value: Value


@dataclass(frozen=True, slots=True)
class And:
    """All of the parts; with none, everything."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Node


Node = Term | And | Or | Not

EVERYTHING = And(())


def changed(node: Node, change: Callable[[Term], Node]) -> Node:
    """Give the tree with each comparison changed."""
    match node:
        case Term():
            return change(node)
        case Not(part):
            return Not(changed(part, change))
        case And(parts):
            return And(tuple(changed(part, change) for part in parts))
        case Or(parts):
            return Or(tuple(changed(part, change) for part in parts))


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """One key of an order. What lacks it comes last, whichever way; NaN stands between the numbers and those."""

    field: Field
    is_descending: bool = False


def terms(node: Node) -> Iterator[Term]:
    """Walk over the comparisons of a tree, from left to right."""
    match node:
        case Term():
            yield node
        case Not(part):
            yield from terms(part)
        case And(parts) | Or(parts):
            for part in parts:
                yield from terms(part)
