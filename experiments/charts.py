"""What the chart module draws: addresses of charts, and the points behind one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from experiments import metrics
from experiments.models import Run

MOST_CHARTS = 60
MOST_RUNS = 30
POINTS = 1000


@dataclass(frozen=True)
class Chart:
    key: str
    url: str


def charts(workspace: str, runs: Sequence[Run]) -> list[Chart]:
    """Give one chart a metric of the runs, each with the address of its points."""
    ids = [run.pk for run in runs[:MOST_RUNS]]
    keys = [key for key in metrics.keys(ids) if not key.startswith("system/")][:MOST_CHARTS] if ids else []
    address = reverse("experiments:run-points", args=[workspace])
    return [Chart(key, f"{address}?{urlencode([*(('run', one) for one in ids), ('key', key)])}") for key in keys]


def series(runs: Iterable[Run], key: str, *, start_step: int | None, end_step: int | None) -> list[dict[str, Any]]:
    """Read one metric of several runs, thinned to what a chart can show. Runs without it are left out."""
    found = []
    for run in runs:
        sample = metrics.sampled(run.pk, key, points=POINTS, start_step=start_step, end_step=end_step)
        if sample.total:
            found.append(
                {
                    "run_id": run.pk,
                    "name": run.name,
                    "running": not run.has_ended,
                    "steps": sample.points.steps.tolist(),
                    "times": sample.points.times.tolist(),
                    "values": [plain(value) for value in sample.points.values.tolist()],
                    "total": sample.total,
                }
            )
    return found


def plain(value: float) -> float | str | None:
    """JSON knows neither NaN nor the infinities: NaN is a gap, an infinity its name."""
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")
