"""What the comparison's plots show: which columns are drawn, which can be, and the values behind them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from experiments import columns
from experiments.columns import Column
from experiments.models import Run
from experiments.queries import charts as chart_queries
from experiments.queries import table
from workspaces import access
from workspaces.request import Request

MOST_RUNS = 100
PARAM_AXES, METRIC_AXES, MOST_AXES = 4, 3, 12


def choices(runs: Sequence[Run]) -> tuple[list[Column], list[Column]]:
    """List the params and the metrics that the runs have; those that differ between them first."""
    ids = [run.pk for run in runs]
    params = [Column("param", key) for key in table.keys_of("param", ids)]
    metrics = [Column("metric", key) for key in table.keys_of("metric", ids)]
    found = table.values(runs, [*params, *metrics])
    kinds: dict[Column, set[float | str | None]] = {one: {found[pk].get(one) for pk in ids} for one in params}
    for one in metrics:
        kinds[one] = {value for pk in ids if (value := number(found[pk].get(one))) is not None}
    return sorted(params, key=lambda one: len(kinds[one]) < 2), sorted(metrics, key=lambda one: len(kinds[one]) < 2)


def telling(found: Sequence[Column], runs: Sequence[Run], most: int) -> list[Column]:
    """Choose the first columns in which the runs differ; the very first where they differ in none."""
    values = table.values(runs, found)
    differ = [one for one in found if len({values[run.pk].get(one) for run in runs}) > 1]
    return (differ or list(found))[:most]


def parallel(request: Request, runs: list[Run]) -> dict[str, Any]:
    params, metrics = choices(runs)
    chosen = columns.read_all(request.GET.getlist("column"))[:MOST_AXES]
    chosen = chosen or [*telling(params, runs, PARAM_AXES), *telling(metrics, runs, METRIC_AXES)]
    color = columns.read(request.GET.get("color", ""))
    wanted = [*chosen, *([color] if color and color not in chosen else [])]
    return {
        **plot(request, runs, "parallel", wanted),
        **offered(params, metrics),
        "axes": chosen,
        "color": color,
        "axis_groups": [(_("Parameters"), params), (_("Metrics"), metrics)],
    }


def scatter(request: Request, runs: list[Run]) -> dict[str, Any]:
    return plain_plot(request, runs, "scatter", ("x", "y", "color"))


def contour(request: Request, runs: list[Run]) -> dict[str, Any]:
    return plain_plot(request, runs, "contour", ("x", "y", "z"))


def box(request: Request, runs: list[Run]) -> dict[str, Any]:
    return plain_plot(request, runs, "box", ("x", "y"))


def plain_plot(request: Request, runs: list[Run], kind: str, names: Sequence[str]) -> dict[str, Any]:
    """Choose a plot's axes from the address, else those of most interest: params across, metrics up."""
    params, metrics = choices(runs)
    usual = {"x": [*params, *metrics], "y": metrics or params, "z": metrics, "color": []}
    if kind == "contour":
        usual["y"] = params[1:] or [*metrics[1:], *params]
    picks: list[tuple[str, Column | None]] = []
    for name in names:
        asked = columns.read(request.GET.get(name, ""))
        picks.append((name, asked or next(iter(usual[name]), None)))
    wanted = list(dict.fromkeys(column for _name, column in picks if column))
    return {
        **plot(request, runs, kind, wanted),
        **offered(params, metrics),
        "picks": picks,
        "is_drawable": all(column for name, column in picks if name != "color"),
    }


def offered(params: list[Column], metrics: list[Column]) -> dict[str, Any]:
    return {"param_choices": params, "metric_choices": metrics}


def plot(request: Request, runs: Sequence[Run], kind: str, wanted: Sequence[Column]) -> dict[str, Any]:
    query = urlencode([*(("run", run.pk) for run in runs), *(("column", one.name) for one in wanted)])
    address = reverse("experiments:compare-values", args=[request.workspace.name])
    found = [series(runs, one, values) for one, values in value_columns(runs, wanted)]
    rows = [(run, [one["values"][place] for one in found]) for place, run in enumerate(runs)]
    return {"kind": kind, "values_url": f"{address}?{query}", "value_heads": wanted, "value_rows": rows}


def value_columns(runs: Sequence[Run], wanted: Sequence[Column]) -> list[tuple[Column, list[Any]]]:
    found = table.values(runs, wanted)
    return [(one, [found[run.pk].get(one) for run in runs]) for one in wanted]


@access.needs("experiments.read")
@require_GET
def compare_values(request: Request) -> JsonResponse:
    """Answer what columns hold of runs: {"runs": [{id, name}], "columns": [{name, label, is_number, values}]}."""
    ids = request.GET.getlist("run")[:MOST_RUNS]
    runs = chart_queries.runs_by_id(request.actor, request.workspace, ids)
    wanted = columns.read_all(request.GET.getlist("column"))
    found = [series(runs, one, values) for one, values in value_columns(runs, wanted)]
    return JsonResponse({"runs": [{"id": run.pk, "name": run.name} for run in runs], "columns": found})


def series(runs: Sequence[Run], column: Column, values: list[Any]) -> dict[str, Any]:
    """Write a column's values: numbers where all are, which params can be too; else texts. None is absent."""
    numbers = [number(value) for value in values]
    known = [place for place, value in enumerate(values) if value is not None]
    is_number = column.is_number or (bool(known) and all(numbers[place] is not None for place in known))
    plain = numbers if is_number else [None if value is None else str(value) for value in values]
    return {"name": column.name, "label": column.label, "is_number": is_number, "values": plain}


def number(value: Any) -> float | None:
    """Read a finite number; None for all else: it has no place on an axis."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None
