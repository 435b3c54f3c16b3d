"""Pages and fragments about several runs at once: their charts, their differences."""

from __future__ import annotations

from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from experiments import charts, tables
from experiments.models import Run
from lib.errors import InvalidValue
from lib.http import number_in
from workspaces import access
from workspaces.request import Request

MOST_COMPARED = 20
SHOWN_WHEN_NONE_IS_CHOSEN = 5
CHARTS_AT_ONCE = 4


def visible(request: Request) -> QuerySet[Run]:
    return Run.objects.visible_to(request.actor).filter(workspace=request.workspace)


def chosen(request: Request, names: list[str], most: int = charts.MOST_RUNS) -> list[Run]:
    """Give the runs of these ids that the reader may see, in the order of the ids."""
    rows = visible(request).filter(pk__in=names[:most]).select_related("experiment")
    return sorted(rows, key=lambda run: names.index(run.pk))


@access.needs("experiments.read")
@require_GET
def run_charts(request: Request) -> HttpResponse:
    """Answer the charts of the ticked runs; when none is ticked, of the first in the table."""
    ids = request.GET.getlist("run") or request.GET.getlist("shown")[:SHOWN_WHEN_NONE_IS_CHOSEN]
    runs = chosen(request, ids)
    found, begin = charts.charts(request.workspace.name, runs), number_in(request, "from")
    end = begin + CHARTS_AT_ONCE
    more = urlencode([("from", end), *(("run", run.pk) for run in runs)]) if len(found) > end else ""
    context = {"charts": found[begin:end], "is_live": any(not run.has_ended for run in runs), "more": more}
    return render(request, "experiments/_run_charts.html", context)


@access.needs("experiments.read")
@require_GET
def run_points(request: Request) -> JsonResponse:
    """Answer the points of one metric of several runs (docs/contributing/pages.md says in what form)."""
    runs, key = chosen(request, request.GET.getlist("run")), request.GET.get("key", "")
    found = charts.series(runs, key, start_step=step(request, "start_step"), end_step=step(request, "end_step"))
    return JsonResponse({"key": key, "series": found})


def step(request: Request, name: str) -> int | None:
    text = request.GET.get(name, "")
    try:
        return int(text) if text else None
    except ValueError:
        raise InvalidValue(_("%s must be a whole number.") % name) from None


@access.needs("experiments.read")
@require_GET
def run_compare(request: Request) -> HttpResponse:
    rows = visible(request).prefetch_related("metrics", "params", "tags").select_related("experiment")
    names = request.GET.getlist("run")[:MOST_COMPARED]
    runs = sorted(rows.filter(pk__in=names), key=lambda run: names.index(run.pk))
    shows_all = bool(request.GET.get("all"))
    context = {
        "runs": runs,
        "groups": tables.differences(runs, shows_all=shows_all) if runs else [],
        "shows_all": shows_all,
        "charts": charts.charts(request.workspace.name, runs),
        "is_live": any(not run.has_ended for run in runs),
        "address": request.build_absolute_uri(),
    }
    return render(request, "experiments/run_compare.html", context)
