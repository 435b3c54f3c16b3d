"""What the pages of runs show as tables: rows with their metrics and params, sortable heads, differences of runs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from experiments.models import Run
from lib.clock import now_ms

METRIC_COLUMNS = 4
PARAM_COLUMNS = 4
MOST_COLUMNS = 40
LOWER_IS_BETTER = ("loss", "error", "rmse", "mse", "mae", "mape", "deviance", "perplexity", "gap")
HIGHER_IS_BETTER = ("acc", "r2", "auc", "f1", "score", "precision", "recall", "map", "bleu")
BY_NEWEST = "attributes.start_time DESC"


@dataclass(frozen=True)
class Cell:
    """A metric's latest value; `is_best` among the rows where its name says which way is better."""

    value: float | None
    is_best: bool = False


@dataclass(frozen=True)
class Row:
    run: Run
    duration_ms: int | None
    metrics: tuple[Cell, ...]
    params: tuple[str | None, ...]


@dataclass(frozen=True)
class Head:
    """A column's head; `order` is what a click asks for, `sort` how it is ordered now (in the words of aria-sort)."""

    label: str
    css: str = ""
    order: str = ""
    sort: str = ""


@dataclass(frozen=True)
class Choice:
    """A column that can be shown: `column` stands in the address."""

    column: str
    label: str
    is_shown: bool


@dataclass(frozen=True)
class RunTable:
    heads: tuple[Head, ...]
    rows: tuple[Row, ...]
    choices: tuple[Choice, ...]
    is_live: bool
    shows_experiment: bool


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
    runs: Sequence[Run], *, order: str = "", columns: Sequence[str] = (), shows_experiment: bool = False
) -> RunTable:
    """Lay out runs whose `metrics` and `params` are prefetched.

    `columns` are chosen as `metrics.<key>` and `params.<key>`; without any, the names that most of the runs have.
    """
    metrics = {run.pk: {one.key: one.last_value for one in run.metrics.all()} for run in runs}
    params = {run.pk: {one.key: one.value for one in run.params.all()} for run in runs}
    all_metrics, all_params = by_count(metrics.values()), by_count(params.values())
    metric_keys = chosen("metrics.", columns) if columns else all_metrics[:METRIC_COLUMNS]
    param_keys = chosen("params.", columns) if columns else all_params[:PARAM_COLUMNS]
    best = {key: best_value(key, [values.get(key) for values in metrics.values()]) for key in metric_keys}
    return RunTable(
        heads=heads(metric_keys, param_keys, order or BY_NEWEST, shows_experiment),
        rows=tuple(
            Row(
                run,
                duration_ms(run),
                tuple(cell(metrics[run.pk].get(key), best[key]) for key in metric_keys),
                tuple(params[run.pk].get(key) for key in param_keys),
            )
            for run in runs
        ),
        choices=tuple(
            [Choice(f"metrics.{key}", key, key in metric_keys) for key in sorted({*all_metrics, *metric_keys})]
            + [Choice(f"params.{key}", key, key in param_keys) for key in sorted({*all_params, *param_keys})]
        ),
        is_live=any(not run.has_ended for run in runs),
        shows_experiment=shows_experiment,
    )


def chosen(prefix: str, columns: Sequence[str]) -> list[str]:
    return [column.removeprefix(prefix) for column in columns[:MOST_COLUMNS] if column.startswith(prefix)]


def by_count(rows: Iterable[Mapping[str, object]]) -> list[str]:
    """List the keys of several rows, those that most rows have first."""
    counts = Counter(key for row in rows for key in row)
    return [key for key, _count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]


def cell(value: float | None, best: float | None) -> Cell:
    return Cell(value, value is not None and value == best)


def best_value(key: str, values: Sequence[float | None]) -> float | None:
    """Give the best of several values, where the name tells whether that is the lowest or the highest."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    if len(known) < 2:
        return None
    name = key.lower()
    if any(word in name for word in LOWER_IS_BETTER):
        return min(known)
    return max(known) if any(word in name for word in HIGHER_IS_BETTER) else None


def heads(
    metric_keys: Sequence[str], param_keys: Sequence[str], order: str, shows_experiment: bool
) -> tuple[Head, ...]:
    found = [head(_("Name"), "attributes.run_name", order, "c-name")]
    if shows_experiment:
        found.append(Head(_("Experiment"), "rank-2"))
    found += [
        head(_("Status"), "attributes.status", order),
        head(_("Started"), "attributes.start_time", order, "num rank-2"),
        Head(_("Duration"), "num rank-2"),
        head(_("User"), "attributes.user_id", order, "rank-3"),
    ]
    found += [
        head(key, f"metrics.`{key}`", order, "num" if place == 0 else "num rank-2")
        for place, key in enumerate(metric_keys)
    ]
    found += [head(key, f"params.`{key}`", order, "rank-2") for key in param_keys]
    return tuple(found)


def head(label: str, column: str, order: str, css: str = "") -> Head:
    """Make a head whose click turns the order around, or begins with what people look for: the newest, the lowest."""
    if order in (column, f"{column} ASC"):
        return Head(label, css, f"{column} DESC", "ascending")
    if order == f"{column} DESC":
        return Head(label, css, f"{column} ASC", "descending")
    return Head(label, css, f"{column} {'DESC' if column.endswith('start_time') else 'ASC'}")


# ---- Differences ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    value: float | str | None
    differs: bool = False
    delta: float | None = None


@dataclass(frozen=True)
class DiffRow:
    key: str
    cells: tuple[Difference, ...]

    @property
    def differs(self) -> bool:
        return any(cell.differs for cell in self.cells)


@dataclass(frozen=True)
class DiffGroup:
    label: str
    is_numeric: bool
    rows: tuple[DiffRow, ...]
    differing: int
    equal: int


def differences(runs: Sequence[Run], *, shows_all: bool = False) -> list[DiffGroup]:
    """Compare runs with the first of them; equal rows are counted, and left out unless `shows_all`."""
    facts = [
        {"status": run.get_status_display(), "user": run.user_name or None, "experiment": run.experiment.name}
        for run in runs
    ]
    tags = [{one.key: one.value for one in run.tags.all() if not one.key.startswith("mlflow.")} for run in runs]
    metrics = [{one.key: one.last_value for one in run.metrics.all()} for run in runs]
    params = [{one.key: one.value for one in run.params.all()} for run in runs]
    groups = [
        diff_group(_("Metrics"), metrics, shows_all, is_numeric=True),
        diff_group(_("Parameters"), params, shows_all),
        diff_group(_("Tags"), tags, shows_all),
        diff_group(_("Run"), facts, shows_all),
    ]
    return [group for group in groups if group.differing or group.equal]


def diff_group(
    label: str, columns: Sequence[dict[str, float] | dict[str, str] | dict[str, str | None]], shows_all: bool,
    *, is_numeric: bool = False,
) -> DiffGroup:  # fmt: skip
    rows = [
        diff_row(key, [column.get(key) for column in columns])
        for key in sorted({key for one in columns for key in one})
    ]
    differing = [row for row in rows if row.differs]
    shown = rows if shows_all else differing
    return DiffGroup(label, is_numeric, tuple(shown), len(differing), len(rows) - len(differing))


def diff_row(key: str, values: Sequence[float | str | None]) -> DiffRow:
    base = values[0]
    return DiffRow(key, tuple(difference(value, base) for value in values))


def difference(value: float | str | None, base: float | str | None) -> Difference:
    both_nan = isinstance(value, float) and isinstance(base, float) and math.isnan(value) and math.isnan(base)
    differs = value != base and not both_nan
    is_number = isinstance(value, float) and isinstance(base, float) and math.isfinite(value) and math.isfinite(base)
    return Difference(value, differs, value - base if differs and is_number else None)  # type: ignore[operator]
