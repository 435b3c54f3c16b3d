"""What the pages of runs show as tables: rows with their metrics and params, sortable heads."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from django.utils.translation import gettext as _

from experiments.columns import Column
from experiments.models import Run
from experiments.queries import table
from experiments.queries.nesting import Placed
from lib.clock import now_ms

LOWER_IS_BETTER = ("loss", "error", "rmse", "mse", "mae", "mape", "deviance", "perplexity", "gap")
HIGHER_IS_BETTER = ("acc", "r2", "auc", "f1", "score", "precision", "recall", "map", "bleu")
NAME = "name"
BY_NEWEST = "attributes.start_time DESC"
RANKS = {"experiment_name": "rank-2", "start_time": "num rank-2", "duration": "num rank-2", "user_id": "rank-3"}
Shown = Literal["status", "silence", "time", "duration", "number", "text", "missing"]


@dataclass(frozen=True)
class Cell:
    """A value and how to show it; `is_best` where its metric's name says which way is better."""

    shown: Shown
    value: float | str | None
    css: str
    is_best: bool = False


@dataclass(frozen=True)
class Group:
    """Where a group begins; `name` is None for the runs that lack what they are grouped by."""

    label: str
    name: float | str | None
    size: int | None


@dataclass(frozen=True)
class Row:
    place: Placed
    cells: tuple[Cell, ...]
    group: Group | None = None

    @property
    def run(self) -> Run:
        return self.place.run


@dataclass(frozen=True)
class Head:
    """A column's head; `order` is what a click asks for, `sort` how it is ordered now (in the words of aria-sort).

    `name` stands for the column in an address; `width_px` is what the reader made of it, 0 for its own.
    """

    label: str
    css: str = ""
    order: str = ""
    sort: str = ""
    hint: str = ""
    name: str = ""
    width_px: int = 0


@dataclass(frozen=True)
class RunTable:
    heads: tuple[Head, ...]
    rows: tuple[Row, ...]
    is_live: bool


def duration_ms(run: Run) -> int | None:
    """Give how long a run took, or has taken so far; None for one that has not begun."""
    if run.end_ms is not None:
        return max(0, run.end_ms - run.start_ms)
    return None if run.has_ended or run.status == "SCHEDULED" else max(0, now_ms() - run.start_ms)


@dataclass(frozen=True)
class Timed:
    """A run and how long it took, or has taken so far."""

    run: Run
    duration_ms: int | None


def timed(run: Run) -> Timed:
    return Timed(run, duration_ms(run))


def run_table(
    page: table.Page,
    places: Sequence[Placed],
    *,
    order: str = "",
    group: Column | None = None,
    sizes: Mapping[str | None, int] = MappingProxyType({}),
    extremes: Mapping[Column, tuple[float, float]] = MappingProxyType({}),
    pins: Collection[Column] = (),
    last_group: str | None = None,
    widths: Mapping[str, int] = MappingProxyType({}),
) -> RunTable:
    """Lay out one page of runs. `last_group` is the one in which the page before ended, as `group_key` writes it."""
    columns = [*(one for one in page.columns if one in pins), *(one for one in page.columns if one not in pins)]
    css = classes(columns, pins)
    best = {column: best_of(column, extremes.get(column)) for column in columns}
    rows = []
    for place in places:
        run, values = place.run, page.values.get(place.run.pk, {})
        begun = None
        if group is not None and last_group != (key := group_key(values.get(group))):
            last_group, name = key, values.get(group)
            begun = Group(group.label, name, sizes.get(None if name is None else str(name)))
        cells = tuple(cell(run, one, values.get(one), best[one], css[one]) for one in columns)
        rows.append(Row(place, cells, begun))
    heads = [head(_("Name"), "attributes.run_name", order or BY_NEWEST, "c-name")]
    heads += [head(one.label, one.order, order or BY_NEWEST, css[one], one.hint) for one in columns]
    names = [NAME, *(column.name for column in columns)]
    heads = [replace(one, name=name, width_px=widths.get(name, 0)) for one, name in zip(heads, names, strict=True)]
    return RunTable(tuple(heads), tuple(rows), any(not place.run.has_ended for place in places))


def group_key(value: float | str | None) -> str:
    """Name a group in an address: what lacks a value is a group of its own."""
    return "-" if value is None else f"={value}"


def classes(columns: Sequence[Column], pins: Collection[Column]) -> dict[Column, str]:
    """Give each column's classes: which leave first where there is little room, which stay in sight."""
    first_metric = next((one for one in columns if one.kind == "metric"), None)
    found = {}
    for column in columns:
        css = RANKS.get(column.key, "") if column.kind == "attribute" else "num" if column.is_number else ""
        if column.kind != "attribute" and column != first_metric:
            css = f"{css} rank-2".strip()
        found[column] = f"{css} is-pinned".strip() if column in pins else css
    return found


def cell(run: Run, column: Column, value: float | str | None, best: float | None, css: str) -> Cell:
    if column.key == "duration" and column.kind == "attribute":
        return Cell("duration", duration_ms(run), css)
    if value is None or value == "":
        return Cell("missing", None, css)
    if column.kind == "metric":
        return Cell("number", value, css, value == best)
    if column.key == "status" and column.kind == "attribute" and run.silent_ms:
        return Cell("silence", run.silent_ms, css)
    attributes: dict[str, Shown] = {"status": "status", "start_time": "time", "end_time": "time"}
    return Cell(attributes.get(column.key, "text") if column.kind == "attribute" else "text", value, css)


def judged(columns: Sequence[Column]) -> list[Column]:
    """Choose the metrics whose names tell which way is better: of the others no best one is sought."""
    return [one for one in columns if one.kind == "metric" and is_lower_better(one.key) is not None]


def is_lower_better(key: str) -> bool | None:
    """Read from a metric's name which way is better; None where it does not tell."""
    name = key.lower()
    if any(word in name for word in LOWER_IS_BETTER):
        return True
    return False if any(word in name for word in HIGHER_IS_BETTER) else None


def best_of(column: Column, extremes: tuple[float, float] | None) -> float | None:
    """Give the better end of a metric, where its name tells which one that is."""
    lower = is_lower_better(column.key)
    if extremes is None or lower is None:
        return None
    return extremes[0] if lower else extremes[1]


def head(label: str, column: str, order: str, css: str = "", hint: str = "") -> Head:
    """Make a head whose click turns the order around, or begins with what people look for: the newest, the lowest."""
    if not column:
        return Head(label, css, hint=hint)
    if order in (column, f"{column} ASC"):
        return Head(label, css, f"{column} DESC", "ascending", hint)
    if order == f"{column} DESC":
        return Head(label, css, f"{column} ASC", "descending", hint)
    way = "DESC" if column.endswith(("start_time", "end_time")) or column.startswith("max(") else "ASC"
    return Head(label, css, f"{column} {way}", hint=hint)
