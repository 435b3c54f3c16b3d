"""Rows on the screen: a table for people, JSON and TSV for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

FORMATS = ("table", "json", "tsv")
Row = Mapping[str, Any]


def show(rows: Sequence[Row] | Row, columns: Sequence[str], form: str) -> None:
    """Print rows by their `columns`; JSON prints all that they hold."""
    many = [rows] if isinstance(rows, Mapping) else list(rows)
    if form == "json":
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    cells = [[text(row.get(column)) for column in columns] for row in many]
    if form == "tsv":
        for line in cells:
            print("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in line))
        return
    if isinstance(rows, Mapping):
        one(columns, cells[0])
    else:
        table([titled(column) for column in columns], cells)


def one(columns: Sequence[str], cells: Sequence[str]) -> None:
    width = max(len(titled(column)) for column in columns)
    for column, cell in zip(columns, cells, strict=True):
        print(f"{titled(column):<{width}}  {cell}")


def table(heads: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    if not cells:
        print("Nothing.", file=sys.stderr)
        return
    widths = [max(len(head), *(len(line[at]) for line in cells)) for at, head in enumerate(heads)]
    for line in (heads, *cells):
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())


def titled(column: str) -> str:
    return column.removesuffix("_ms").replace("_", " ").upper()


def text(value: Any) -> str:
    """Write a value in a cell; a time of the studio (13 digits) as one of this computer's zone."""
    if value is None or value in ("", [], {}):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and 10**12 < value < 10**13:
        return datetime.fromtimestamp(value / 1000, tz=timezone.utc).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(text(one) for one in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={text(one)}" for key, one in value.items())
    return str(value)
