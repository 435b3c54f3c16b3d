"""Tables: rows of a text (csv, tsv, json lines, MLflow's tables) in pages, sorted by any column."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.viewers.outline import parsed_json
from experiments.viewers.source import NotShown, Source

PART_BYTES = 4 * 1024 * 1024
LONGEST_TABLE = 8 * 1024 * 1024
MOST_ROWS = 50_000
MOST_COLUMNS = 60
PAGE_ROWS = 100
LONGEST_CELL = 300
SNIFFED_ROWS = 500
DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class Head:
    """A column's head: `sort` is what the address says to sort by it next, `order` how it is sorted now."""

    name: str
    type: str
    is_number: bool
    sort: str
    order: str = "none"


@dataclass(frozen=True)
class Grid:
    """A page of rows. `total` is of all rows, or of the rows read where the table is cut (`is_cut`)."""

    heads: tuple[Head, ...]
    rows: tuple[tuple[str, ...], ...]
    total: int
    page: int
    all_columns: int
    is_cut: bool = False
    read_bytes: int = 0
    can_sort: bool = True
    sort: str = ""

    @property
    def first(self) -> int:
        return self.page * PAGE_ROWS + 1 if self.total else 0

    @property
    def last(self) -> int:
        return self.page * PAGE_ROWS + len(self.rows)

    @property
    def previous(self) -> str:
        """Name the page before, or nothing."""
        return str(self.page - 1) if self.page else ""

    @property
    def following(self) -> str:
        return str(self.page + 1) if self.last < self.total else ""

    @property
    def lines(self) -> list[tuple[int, list[tuple[str, bool]]]]:
        """Give each row's number, and its cells with whether they are numbers."""
        numbers = [head.is_number for head in self.heads]
        return [(self.first + at, list(zip(row, numbers, strict=True))) for at, row in enumerate(self.rows)]


@dataclass(frozen=True)
class Order:
    """Which column the reader sorts by (from 0), and whether downward."""

    column: int
    is_down: bool

    @classmethod
    def read(cls, written: str, columns: int) -> Order | None:
        number = written.removeprefix("-")
        if not (number.isascii() and number.isdigit() and len(number) < 6 and int(number) < columns):
            return None
        return cls(int(number), written.startswith("-"))

    def __str__(self) -> str:
        return f"{'-' if self.is_down else ''}{self.column}"


def heads(columns: Sequence[tuple[str, str, bool]], order: Order | None) -> tuple[Head, ...]:
    """Make the heads of columns (name, type, is a number): a click sorts upward, the next one downward."""
    made = []
    for at, (name, kind, is_number) in enumerate(columns):
        if order is None or order.column != at:
            made.append(Head(name, kind, is_number, str(at)))
        else:
            made.append(Head(name, kind, is_number, str(at) if order.is_down else f"-{at}", word(order)))
    return tuple(made)


def word(order: Order) -> str:
    return "descending" if order.is_down else "ascending"


def separated(source: Source) -> Grid:
    """Show a csv or tsv file: its first four megabytes. A formula is text like all else."""
    body = source.read(PART_BYTES)
    is_cut = len(body) < source.size_bytes
    text = body.decode(source.encoding, "replace").removeprefix("\ufeff")
    if is_cut:
        text = text.rpartition("\n")[0]
    first = text.partition("\n")[0]
    delimiter = "\t" if source.suffix == ".tsv" else max(DELIMITERS, key=first.count)
    try:
        rows = [
            row
            for row, _n in zip(
                filter(None, csv.reader(io.StringIO(text), delimiter=delimiter)), range(MOST_ROWS + 1), strict=False
            )
        ]
    except csv.Error:
        raise NotShown from None
    if not rows:
        raise NotShown
    return grid(source, rows[0], rows[1:], is_cut=is_cut or len(rows) > MOST_ROWS, read_bytes=len(body))


def lines(source: Source) -> Grid:
    """Show json lines: each an object; a column for every name that one of them has."""
    body = source.read(PART_BYTES)
    is_cut = len(body) < source.size_bytes
    written = body.decode(source.encoding, "replace").split("\n")
    wanted = [line for line in (written[:-1] if is_cut else written) if line.strip()]
    objects = [parsed_json(line) for line in wanted[:MOST_ROWS]]
    if not objects or not all(isinstance(one, dict) for one in objects):
        raise NotShown
    return records(source, objects, is_cut=is_cut or len(wanted) > MOST_ROWS, read_bytes=len(body))


def table(source: Source) -> Grid:
    """Show what MLflow's `log_table` writes (columns and data), or a list of flat objects.

    Raises NotShown for other json.
    """
    content = parsed_json(source.text(LONGEST_TABLE))
    if isinstance(content, list) and content and all(is_flat(one) for one in content):
        return records(source, content[:MOST_ROWS], is_cut=len(content) > MOST_ROWS, read_bytes=source.size_bytes)
    if not (isinstance(content, dict) and {"columns", "data"} <= content.keys() <= {"columns", "data", "index"}):
        raise NotShown
    names, rows = content["columns"], content["data"]
    if not (isinstance(names, list) and isinstance(rows, list) and all(isinstance(row, list) for row in rows)):
        raise NotShown
    body = [[cell(one) for one in row[: len(names)]] for row in rows[:MOST_ROWS]]
    return grid(
        source, [cell(name) for name in names], body, is_cut=len(rows) > MOST_ROWS, read_bytes=source.size_bytes
    )


def is_flat(one: Any) -> bool:
    return isinstance(one, dict) and not any(isinstance(value, dict | list) for value in one.values())


def records(source: Source, objects: Sequence[dict[str, Any]], *, is_cut: bool, read_bytes: int) -> Grid:
    names = list(dict.fromkeys(name for one in objects for name in one))
    rows = [[cell(one.get(name)) for name in names[:MOST_COLUMNS]] for one in objects]
    return grid(source, names, rows, is_cut=is_cut, read_bytes=read_bytes)


def cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def grid(source: Source, names: Sequence[str], rows: list[list[str]], *, is_cut: bool, read_bytes: int) -> Grid:
    """Sort all rows, and give the page that is wanted."""
    shown = [name[:LONGEST_CELL] for name in names[:MOST_COLUMNS]]
    columns = [
        (name, *kind_of([row[at] for row in rows[:SNIFFED_ROWS] if len(row) > at])) for at, name in enumerate(shown)
    ]
    order = Order.read(source.wanted.get("sort", ""), len(columns))
    if order is not None:
        rows = ordered(rows, order, columns[order.column][2])
    page = min(source.number("page"), max(0, len(rows) - 1) // PAGE_ROWS)
    part = rows[page * PAGE_ROWS : (page + 1) * PAGE_ROWS]
    return Grid(
        heads=heads(columns, order),
        rows=tuple(filled(row, len(shown)) for row in part),
        total=len(rows),
        page=page,
        all_columns=len(names),
        is_cut=is_cut,
        read_bytes=read_bytes,
        sort=str(order or ""),
    )


def filled(row: Sequence[str], width: int) -> tuple[str, ...]:
    cells = [one if len(one) <= LONGEST_CELL else f"{one[:LONGEST_CELL]}…" for one in row[:width]]
    return (*cells, *[""] * (width - len(cells)))


def kind_of(cells: Sequence[str]) -> tuple[str, bool]:
    """Name the type of a column by its first cells, and say whether it is a number."""
    known = [one.strip() for one in cells if one.strip()]
    if not known:
        return "", False
    if all(is_whole(one) for one in known):
        return "integer", True
    if all(figure(one) is not None for one in known):
        return "number", True
    if {one.lower() for one in known} <= {"true", "false"}:
        return "boolean", False
    return "text", False


def is_whole(written: str) -> bool:
    return written.removeprefix("-").isdecimal()


def figure(written: str) -> float | None:
    try:
        return float(written)
    except ValueError:
        return None


def ordered(rows: list[list[str]], order: Order, is_number: bool) -> list[list[str]]:
    """Sort rows by a column; what has no value comes last, either way."""
    key: Callable[[str], Any] = as_number if is_number else as_word
    known, unknown = [], []
    for row in rows:
        value = key(row[order.column]) if len(row) > order.column else None
        if value is None:
            unknown.append(row)
        else:
            known.append((value, row))
    known.sort(key=lambda one: one[0], reverse=order.is_down)
    return [row for _value, row in known] + unknown


def as_number(written: str) -> float | None:
    value = figure(written)
    return None if value is None or math.isnan(value) else value


def as_word(written: str) -> str | None:
    return written.casefold() or None
