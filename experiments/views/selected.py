"""Pages and fragments about several runs at once: their charts, their differences, their deletion."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from experiments import charts, operations, tables
from experiments.models import Run
from lib.errors import InvalidValue
from lib.html import done, here
from workspaces import access
from workspaces.request import Request

MOST_COMPARED = 20
SHOWN_WHEN_NONE_IS_CHOSEN = 5


def visible(request: Request) -> QuerySet[Run]:
    return Run.objects.visible_to(request.actor).filter(workspace=request.workspace)


def chosen(request: Request, names: list[str], most: int = charts.MOST_RUNS) -> list[Run]:
    """Give the runs of these ids that the reader may see, in the order of the ids."""
    rows = visible(request).filter(pk__in=names[:most]).select_related("experiment")
    return sorted(rows, key=lambda run: names.index(run.pk))


@access.needs("experiments.read")
@require_GET
def run_charts(request: Request) -> HttpResponse:
    """Answer the charts of the ticked runs; when none is ticked, of the newest."""
    runs = chosen(request, request.GET.getlist("run")) or newest(request)
    context = {"charts": charts.charts(request.workspace.name, runs), "is_live": any(not run.has_ended for run in runs)}
    return render(request, "experiments/_run_charts.html", context)


def newest(request: Request) -> list[Run]:
    rows = visible(request).filter(deleted_ms=None).order_by("-start_ms")
    experiment = request.GET.get("experiment", "")
    rows = rows.filter(experiment_id=int(experiment)) if experiment.isdecimal() else rows
    return list(rows[:SHOWN_WHEN_NONE_IS_CHOSEN])


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


@access.needs("experiments.write")
@require_POST
def runs_delete(request: Request) -> HttpResponseBase:
    runs = chosen(request, request.POST.getlist("run"), most=1000)
    for run in runs:
        operations.delete_run(request.actor, run)
    said = ngettext("%(n)s run moved to the deleted ones", "%(n)s runs moved to the deleted ones", len(runs))
    messages.success(request, said % {"n": len(runs)})
    return done(request, here(request, "/"))


@access.needs("experiments.write")
@require_POST
def runs_restore(request: Request) -> HttpResponseBase:
    runs = chosen(request, request.POST.getlist("run"), most=1000)
    for run in runs:
        operations.restore_run(request.actor, run)
    said = ngettext("%(n)s run restored", "%(n)s runs restored", len(runs))
    messages.success(request, said % {"n": len(runs)})
    return done(request, here(request, "/"))
