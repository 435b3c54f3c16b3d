"""Pages: runs beside each other."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from experiments import charts, tables
from experiments.views.selected import visible
from workspaces import access
from workspaces.request import Request

MOST_COMPARED = 100


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
