"""A profile as its page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from experiments.data.models import DatasetVersion
from lib import format as fmt

COLUMNS_SHOWN = 100
HEIGHT = 20


@dataclass(frozen=True)
class Bar:
    """A bar of a small histogram, in the drawing's own units."""

    x: int
    y: int
    height: int


@dataclass(frozen=True)
class ColumnShown:
    """One line of the table: numbers are written out, `bars` are none for a text."""

    name: str
    type: str
    missing: int
    missing_share: str
    distinct: str
    low: str
    mean: str
    median: str
    high: str
    deviation: str
    bars: tuple[Bar, ...]
    top: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class ProfileShown:
    state: str
    error: str
    rows: int
    is_whole: bool
    odd_rows: int
    all_columns: int
    columns: tuple[ColumnShown, ...]


def shown(version: DatasetVersion) -> ProfileShown:
    found: dict[str, Any] = version.profile
    return ProfileShown(
        state=version.profile_state,
        error=version.profile_error,
        rows=found.get("rows", 0),
        is_whole=found.get("is_whole", True),
        odd_rows=found.get("odd_rows", 0),
        all_columns=found.get("all_columns", 0),
        columns=tuple(column(one) for one in found.get("columns", [])[:COLUMNS_SHOWN]),
    )


def column(one: dict[str, Any]) -> ColumnShown:
    total = one["count"] + one["missing"]
    quantiles = one.get("quantiles", {})
    return ColumnShown(
        name=one["name"],
        type=one["type"],
        missing=one["missing"],
        missing_share=f"{100 * one['missing'] / total:.1f} %" if total else "",
        distinct=fmt.count(one["distinct"]) + ("" if one["knows_all_values"] else "+"),
        low=written(one.get("min")),
        mean=written(one.get("mean")),
        median=written(quantiles.get("0.5")),
        high=written(one.get("max")),
        deviation=written(one.get("std")),
        bars=bars(one.get("histogram", [])),
        top=tuple((str(value)[:60], times) for value, times in one["top"][:3]),
    )


def written(number: float | None) -> str:
    return "" if number is None else fmt.number(number)


def bars(counts: list[int]) -> tuple[Bar, ...]:
    most = max(counts, default=0)
    if not most:
        return ()
    heights = [max(1, round(HEIGHT * count / most)) if count else 0 for count in counts]
    return tuple(Bar(at * 4, HEIGHT - height, height) for at, height in enumerate(heights) if height)
