"""The points behind charts: one metric of several runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from experiments import metrics
from experiments.models import Run
from workspaces.access import Actor
from workspaces.models import Workspace

POINTS = 1000


@dataclass(frozen=True, eq=False)
class Series:
    """One run's points as a chart draws them; `total` counts all there are in the asked range."""

    run: Run
    points: metrics.Points
    total: int


def runs_by_id(actor: Actor, workspace: Workspace, ids: Sequence[str]) -> list[Run]:
    """Give the runs of these ids that the actor may see, in the order of the ids."""
    rows = Run.objects.visible_to(actor).filter(workspace=workspace, pk__in=ids).select_related("experiment")
    found = {run.pk: run for run in rows}
    return [found[pk] for pk in dict.fromkeys(ids) if pk in found]


def series(
    runs: Sequence[Run],
    key: str,
    *,
    points: int = POINTS,
    start_step: int | None = None,
    end_step: int | None = None,
) -> Iterator[Series]:
    """Read one metric of each run, thinned to about `points` with every minimum and maximum."""
    for run in runs:
        sample = metrics.sampled(run.pk, key, points=points, start_step=start_step, end_step=end_step)
        yield Series(run, sample.points, sample.total)


def whole_series(runs: Sequence[Run], key: str) -> Iterator[tuple[Run, metrics.Points]]:
    """Read every point of one metric, run after run, in the order in which they were logged."""
    for run in runs:
        yield run, metrics.history(run.pk, key)
