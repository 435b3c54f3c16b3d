"""Charts: of one run and its children, of several runs, beside the runs table; and every point of one as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

import numpy as np
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET

from experiments import charts
from experiments.models import Run
from experiments.queries import charts as queries
from experiments.queries import nesting
from experiments.views.runs import fetch, frame, plots
from experiments.views.table import Echo, harmless
from lib.http import number_in
from workspaces import access
from workspaces.request import Request

SHOWN_WHEN_NONE_IS_CHOSEN = 5
INLINE_AT_ONCE = 4


def named(request: Request) -> list[Run]:
    """Give the runs that the address names."""
    return queries.runs_by_id(request.actor, request.workspace, request.GET.getlist("run")[: charts.MOST_RUNS])


@access.needs("experiments.read")
@require_GET
def run_charts(request: Request) -> HttpResponse:
    """Answer the charts of the ticked runs; when none is ticked, of the first in the table."""
    ids = request.GET.getlist("run") or request.GET.getlist("shown")[:SHOWN_WHEN_NONE_IS_CHOSEN]
    runs = queries.runs_by_id(request.actor, request.workspace, ids[: charts.MOST_RUNS])
    found, begin = charts.charts(request.workspace.name, runs), number_in(request, "from")
    end = begin + INLINE_AT_ONCE
    more = urlencode([("from", end), *(("run", run.pk) for run in runs)]) if len(found) > end else ""
    context = {"charts": found[begin:end], "is_live": is_live(runs), "more": more}
    return render(request, "experiments/_run_charts.html", context)


@access.needs("experiments.read")
@require_GET
def run_charts_tab(request: Request, run_id: str) -> HttpResponse:
    run = fetch(request, run_id)
    children = list(nesting.children(run).select_related("experiment")[: charts.MOST_RUNS - 1])
    shows_children = bool(request.GET.get("children")) and bool(children)
    runs = [run, *children] if shows_children else [run]
    context = {
        **frame(run, "charts"),
        **sections(request, runs),
        "children": children,
        "shows_children": shows_children,
    }
    return render(request, "experiments/run_charts.html", context)


@access.needs("experiments.read")
@require_GET
def run_sections(request: Request) -> HttpResponse:
    """Answer the sections of charts: all that match, the next of one section, or those a live page lacks."""
    runs = named(request)
    context = sections(request, runs)
    if "known" in request.GET:
        return grown(request, context)
    if "section" in request.GET:
        name, begin = request.GET["section"], number_in(request, "from")
        context["section"] = next(iter(one for one in sections_of(request, runs, begin) if one.name == name), None)
        return render(request, "experiments/_section_charts.html", context)
    return render(request, "experiments/_chart_sections.html", context)


def sections(request: Request, runs: Sequence[Run]) -> dict[str, Any]:
    """Give what the sections' template shows, and how a live page asks for what is still to come."""
    found = sections_of(request, runs)
    find = request.GET.get("find", "")
    ask = [*(("run", run.pk) for run in runs), *([("find", find)] if find else [])]
    marks = [mark for one in found for mark in shown_marks(one)]
    return {
        "sections": found,
        "find": find,
        "ask": urlencode(ask),
        "is_live": is_live(runs),
        "known": ",".join(marks) if len(marks) <= charts.MOST_FOLLOWED else None,
    }


def shown_marks(section: charts.Section) -> list[str]:
    """Stand for a section's charts; one of which only the first are there grows by itself as it is scrolled."""
    return [section.mark] if section.after else [section.mark, *(chart.mark for chart in section.charts)]


def sections_of(request: Request, runs: Sequence[Run], begin: int = 0) -> list[charts.Section]:
    found = charts.charts(request.workspace.name, runs, request.GET.get("find", ""), with_system=True)
    folded = set(request.GET.getlist("fold")) if "fold" in request.GET else {charts.SYSTEM}
    return charts.sections(found, folded, begin)


def grown(request: Request, context: dict[str, Any]) -> HttpResponse:
    """Answer the charts that are not there yet: into their section, or with a new one. Nothing when there are none."""
    known = set(request.GET["known"].split(","))
    found: list[charts.Section] = context["sections"]
    new = [one for one in found if one.mark not in known]
    old = [one for one in found if one.mark in known and not one.after]
    more = [(one, [chart for chart in one.charts if chart.mark not in known]) for one in old]
    more = [(one, lacking) for one, lacking in more if lacking]
    if context["is_live"] and not new and not more:
        return HttpResponse(status=204)
    return render(request, "experiments/_more_sections.html", {**context, "new": new, "more": more})


@access.needs("experiments.read")
@require_GET
def run_plots(request: Request, run_id: str) -> HttpResponse:
    """Answer the charts of a live run that were not there when the page last looked."""
    run = fetch(request, run_id)
    known, most = request.GET.getlist("known"), request.GET.get("most", "")
    found = plots(request, run, known, int(most) if most.isdecimal() else charts.MOST_CHARTS)
    return render(request, "experiments/_more_plots.html", {"run": run, **found})


def is_live(runs: Sequence[Run]) -> bool:
    return any(not run.has_ended for run in runs)


@access.needs("experiments.read")
@require_GET
def run_points_csv(request: Request) -> StreamingHttpResponse:
    """Send every point of one metric, none left out."""
    key = request.GET.get("key", "")
    response = StreamingHttpResponse(lines(named(request), key), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, f"{key.replace('/', '-')}.csv") or ""
    return response


def lines(runs: Sequence[Run], key: str) -> Iterator[str]:
    writer = csv.writer(Echo())
    yield writer.writerow(["run_id", "run", "step", "time", "value"])
    for run, points in queries.whole_series(runs, key):
        times = np.datetime_as_string(points.times.astype("datetime64[ms]"), timezone="UTC")
        rows = zip(points.steps.tolist(), times.tolist(), points.values.tolist(), strict=True)
        name = harmless(run.name)
        yield from (writer.writerow([run.pk, name, *row]) for row in rows)
