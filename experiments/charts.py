"""What the chart pages lay out: sections of charts, each chart with the addresses of its points."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from experiments import metrics
from experiments.models import Run
from lib.format import mark

MOST_RUNS = 100
MOST_CHARTS = 60
MOST_FOLLOWED = 200
CHARTS_AT_ONCE = 24
SYSTEM = "system"
POINTS, FEWEST_POINTS = 10_000, 100  # of all lines of a chart, of one line


@dataclass(frozen=True)
class Chart:
    """One metric of some runs. `mark` stands for its key where that would be too long or not a plain word."""

    key: str
    url: str
    csv_url: str

    @property
    def mark(self) -> str:
        return mark(self.key)

    @property
    def section(self) -> str:
        return section_of(self.key)


@dataclass(frozen=True)
class Section:
    """The charts whose keys begin alike, those from `begin` on; `after` is where the next ones begin, 0 for none."""

    name: str
    charts: tuple[Chart, ...]
    total: int
    is_folded: bool = False
    after: int = 0

    @property
    def mark(self) -> str:
        return mark(self.name)


def section_of(key: str) -> str:
    """Give what stands before the first "/"; empty for a key without one."""
    return key.partition("/")[0] if "/" in key else ""


def charts(workspace: str, runs: Sequence[Run], find: str = "", *, with_system: bool = False) -> list[Chart]:
    """Give one chart a metric of the runs that holds all words of `find`."""
    ids = [run.pk for run in runs[:MOST_RUNS]]
    words = find.lower().split()
    keys = [key for key in metrics.keys(ids) if all(word in key.lower() for word in words)] if ids else []
    if not with_system:
        keys = [key for key in keys if section_of(key) != SYSTEM]
    points = reverse("experiments-api:metrics", args=[workspace])
    table = reverse("experiments:run-points-csv", args=[workspace])
    runs_query, most = urlencode([("run", one) for one in ids]), max(FEWEST_POINTS, POINTS // max(10, len(ids)))
    found = []
    for key in keys:
        query = f"{runs_query}&{urlencode({'key': key})}"
        found.append(Chart(key, f"{points}?{query}&points={most}", f"{table}?{query}"))
    return found


def sections(found: Iterable[Chart], folded: Collection[str], begin: int = 0) -> list[Section]:
    """Group charts by the beginning of their keys; those without one come first, the system's own last."""
    groups: dict[str, list[Chart]] = {}
    for chart in found:
        groups.setdefault(chart.section, []).append(chart)
    end = begin + CHARTS_AT_ONCE
    return [
        Section(name, tuple(group[begin:end]), len(group), name in folded, end if len(group) > end else 0)
        for name, group in sorted(groups.items(), key=lambda item: (item[0] == SYSTEM, item[0]))
    ]
