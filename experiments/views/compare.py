"""Pages: runs beside each other. All that is chosen stands in the address, so a link shows the same."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_GET

from experiments import diff, sidebyside
from experiments.models import Run
from experiments.queries import charts as chart_queries
from experiments.queries import compare as queries
from experiments.views import charts as chart_views
from experiments.views import plots
from experiments.views.table import Echo, harmless
from lib.http import number_in
from lib.search.tree import Of
from workspaces import access
from workspaces.request import Request

MOST_COMPARED = 100
MOST_OFFERED = 20
OF: dict[str, Of] = {"last": "last", "min": "min", "max": "max"}
TABS: dict[str, str | Promise] = {
    "diff": _("Differences"),
    "charts": _("Charts"),
    "parallel": _("Parallel"),
    "scatter": _("Scatter"),
    "contour": _("Contour"),
    "box": _("Box"),
    "files": _("Files"),
    "images": _("Images"),
}


@dataclass(frozen=True)
class Compared:
    """A run as its column is headed."""

    run: Run
    is_base: bool


def settled(query: QueryDict) -> str:
    """Write the address that the buttons of the heads ask for: another base, or a run less. Pages begin anew."""
    found = query.copy()
    gone = found.pop("without", [])
    found.setlist("run", [one for one in found.getlist("run") if one not in gone])
    base = found.get("base")
    for name in ("page", "base", *(name for name in ("find",) if not found.get(name))):
        found.pop(name, None)
    if base and base not in gone:
        found["base"] = base
    return found.urlencode()


def compared(request: Request) -> list[Compared]:
    """Give the runs that the address names, the base first; it is the first of them unless another is named."""
    ids = request.GET.getlist("run")[:MOST_COMPARED]
    runs = chart_queries.runs_by_id(request.actor, request.workspace, ids)
    base = request.GET.get("base")
    runs.sort(key=lambda run: run.pk != base)
    return [Compared(run, place == 0) for place, run in enumerate(runs)]


def visible(request: Request) -> QuerySet[Run]:
    return Run.objects.visible_to(request.actor).filter(workspace=request.workspace)


@access.needs("experiments.read")
@require_GET
@gzip_page
def run_compare(request: Request) -> HttpResponseBase:
    if "without" in request.GET or len(request.GET.getlist("base")) > 1:
        return redirect(f"{request.path}?{settled(request.GET)}")
    columns = compared(request)
    runs = [column.run for column in columns]
    tab = request.GET.get("tab", "diff")
    tab = tab if tab in TABS else "diff"
    context = {
        "columns": columns,
        "runs": runs,
        "tab": tab,
        "tabs": [(name, label, tab_query(request, name)) for name, label in TABS.items()],
        "address": request.build_absolute_uri(),
        "run_query": urlencode([("run", run.pk) for run in runs]),
        **(CONTENT[tab](request, runs) if len(runs) > 1 else {}),
    }
    template = f"experiments/compare_{tab}.html" if len(runs) > 1 else "experiments/compare_base.html"
    return render(request, template, context)


def tab_query(request: Request, tab: str) -> str:
    """Keep the runs and the base from tab to tab; the rest is each tab's own."""
    kept = [("run", one) for one in request.GET.getlist("run")]
    kept += [("base", request.GET["base"])] if "base" in request.GET else []
    return urlencode([*kept, *([] if tab == "diff" else [("tab", tab)])])


def differences(request: Request, runs: list[Run]) -> dict[str, Any]:
    shows_all, find = bool(request.GET.get("all")), request.GET.get("find", "")
    found = diff.diff(lines_of(request, runs), shows_all=shows_all, page=number_in(request, "page", 1))
    return {"diff": found, "shows_all": shows_all, "find": find, "of": of(request)}


def of(request: Request) -> Of:
    return OF.get(request.GET.get("of", ""), "last")


def lines_of(request: Request, runs: list[Run]) -> list[diff.Line]:
    return diff.lines(queries.blocks(runs, of(request)), find=request.GET.get("find", ""))


def charts(request: Request, runs: list[Run]) -> dict[str, Any]:
    return chart_views.sections(request, runs)


def files(request: Request, runs: list[Run]) -> dict[str, Any]:
    found = runs[: sidebyside.MOST_RUNS]
    return {"files": sidebyside.files(found), "path": request.GET.get("path", ""), "with_files": found}


def images(request: Request, runs: list[Run]) -> dict[str, Any]:
    found = runs[: sidebyside.MOST_RUNS]
    step = number_in(request, "step", -1)
    return {"images": sidebyside.images(found, step if step >= 0 else None), "with_files": found}


CONTENT: dict[str, Callable[[Request, list[Run]], dict[str, Any]]] = {
    "diff": differences,
    "charts": charts,
    "parallel": plots.parallel,
    "scatter": plots.scatter,
    "contour": plots.contour,
    "box": plots.box,
    "files": files,
    "images": images,
}


@access.needs("experiments.read")
@require_GET
def compare_csv(request: Request) -> StreamingHttpResponse:
    """Send the differences, all pages of them, or all rows if these are shown."""
    runs = [column.run for column in compared(request)]
    response = StreamingHttpResponse(written(request, runs), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="differences.csv"'
    return response


def written(request: Request, runs: list[Run]) -> Iterator[str]:
    writer = csv.writer(Echo())
    yield writer.writerow(["", "run_id", *(run.pk for run in runs)])
    yield writer.writerow(["", "run", *(harmless(run.name) for run in runs)])
    for line in lines_of(request, runs) if runs else ():
        if line.differs or request.GET.get("all"):
            values = [harmless(value) if isinstance(value, str) else value for value in line.values]
            yield writer.writerow([line.block.kind, harmless(line.key), *values])


@access.needs("experiments.read")
@require_GET
@gzip_page
def compare_offer(request: Request) -> HttpResponse:
    """Answer runs that can be added: of the experiment of the first one, whose name or id begins as typed."""
    chosen, words = request.GET.getlist("run"), request.GET.get("add", "").strip()
    rows = visible(request).filter(deleted_ms=None).exclude(pk__in=chosen).select_related("experiment")
    if words:
        rows = rows.filter(name__icontains=words) | rows.filter(pk__startswith=words)
    elif chosen:
        rows = rows.filter(experiment__runs=chosen[0])
    query = request.GET.copy()
    query.pop("add", None)
    offers = [(run, f"?{added(query, run)}") for run in rows.order_by("-start_ms", "pk")[:MOST_OFFERED]]
    return render(request, "experiments/_compare_offer.html", {"offers": offers, "add": words})


def added(query: QueryDict, run: Run) -> str:
    found = query.copy()
    found.appendlist("run", run.pk)
    return found.urlencode()


@access.needs("experiments.read")
@require_GET
def compare_file(request: Request) -> HttpResponseBase:
    """Answer one file of one run, with what differs in it from the base's."""
    ids = [request.GET.get("run", ""), request.GET.get("base", "")]
    found = {run.pk: run for run in chart_queries.runs_by_id(request.actor, request.workspace, ids)}
    run = access.fetch(request.actor, visible(request).select_related("experiment"), pk=ids[0])
    base = found.get(ids[1])
    shown = sidebyside.show(run, request.GET.get("path", ""), base if base != run else None)
    return render(request, "experiments/_compare_file.html", {"run": run, "shown": shown})
