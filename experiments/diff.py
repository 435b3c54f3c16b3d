"""How differences of runs are laid out: groups of rows, one column a run, the base first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from experiments.queries.compare import Block, Kind, Values
from experiments.tables import is_lower_better

FEWEST_ROWS, MOST_ROWS = 25, 200
CELLS = 3000
SYSTEM = "system/"

Value = float | str | None


@dataclass(frozen=True)
class Cell:
    """One run's value; `delta` is how far a number is from the base's, `is_better` says if that is the right way."""

    value: Value
    differs: bool = False
    delta: float | None = None
    is_better: bool | None = None


@dataclass(frozen=True)
class Row:
    key: str
    cells: tuple[Cell, ...]

    @property
    def differs(self) -> bool:
        return any(cell.differs for cell in self.cells)


@dataclass(frozen=True)
class Group:
    """The rows of one kind that are on this page, and how many there are in all."""

    kind: Kind
    label: str
    rows: tuple[Row, ...]
    differing: int
    equal: int


@dataclass(frozen=True)
class Diff:
    """One page of differences. Pages count from 1; `differing` and `equal` are of all pages."""

    groups: tuple[Group, ...]
    page: int
    pages: int
    differing: int
    equal: int


@dataclass(frozen=True)
class Line:
    """A key of a block, before its cells are made."""

    block: Block
    key: str
    differs: bool

    @property
    def values(self) -> list[Value]:
        return [column.get(self.key) for column in self.block.columns]


def lines(blocks: Sequence[Block], base: int = 0, find: str = "") -> list[Line]:
    """Give one line a key that holds all words of `find`, each with whether any run differs from the base."""
    words = find.lower().split()
    found = []
    for block in blocks:
        keys = sorted(
            {key for column in block.columns for key in column}, key=lambda key: (key.startswith(SYSTEM), key)
        )
        for key in (key for key in keys if all(word in key.lower() for word in words)):
            found.append(Line(block, key, differs(block.columns, key, base)))
    return found


def differs(columns: Sequence[Values], key: str, base: int) -> bool:
    first = columns[base].get(key)
    return any(not same(column.get(key), first) for column in columns)


def same(one: Value, other: Value) -> bool:
    both_nan = isinstance(one, float) and isinstance(other, float) and math.isnan(one) and math.isnan(other)
    return one == other or both_nan


def diff(found: Sequence[Line], base: int = 0, *, shows_all: bool = False, page: int = 1) -> Diff:
    """Lay out one page of lines; equal ones are counted, and left out unless `shows_all`."""
    shown = [line for line in found if shows_all or line.differs]
    runs = len(found[0].block.columns) if found else 1
    size = min(MOST_ROWS, max(FEWEST_ROWS, CELLS // max(1, runs)))
    pages = max(1, -(-len(shown) // size))
    page = min(max(1, page), pages)
    part = shown[(page - 1) * size : page * size]
    differing = sum(line.differs for line in found)
    return Diff(tuple(groups(found, part, base, page == 1)), page, pages, differing, len(found) - differing)


def groups(found: Sequence[Line], part: Sequence[Line], base: int, is_first: bool) -> Iterator[Group]:
    """Group the lines of a page; the first page also names the kinds of which all is equal."""
    for block in dict.fromkeys(line.block.kind for line in found):
        of_kind = [line for line in found if line.block.kind == block]
        here = [line for line in part if line.block.kind == block]
        count = sum(line.differs for line in of_kind)
        if here or (is_first and not count):
            rows = tuple(row(line, base) for line in here)
            yield Group(block, of_kind[0].block.label, rows, count, len(of_kind) - count)


def row(line: Line, base: int) -> Row:
    values = line.values
    lower = is_lower_better(line.key) if line.block.kind == "metrics" else None
    return Row(line.key, tuple(cell(value, values[base], lower) for value in values))


def cell(value: Value, base: Value, lower_is_better: bool | None = None) -> Cell:
    if same(value, base):
        return Cell(value)
    if not isinstance(value, float) or not isinstance(base, float):
        return Cell(value, differs=True)
    delta = value - base
    if not math.isfinite(delta):
        return Cell(value, differs=True)
    return Cell(value, True, delta, None if lower_is_better is None else (delta < 0) == lower_is_better)
