"""Pages and fragments about several runs at once: their charts, their differences, their deletion."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from experiments import charts, operations, tables
from experiments.models import Run
from lib.errors import InvalidValue
from lib.html import Undo, done, here, is_partial, toast
from lib.http import number_in
from workspaces import access
from workspaces.request import Request

MOST_COMPARED = 20
MOST_CHANGED = 1000
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


def said(request: Request, text: str, undo: Undo | None = None) -> HttpResponseBase:
    """Tell what was done: htmx keeps the page and refreshes the table, others see the page again."""
    if is_partial(request):
        return toast(HttpResponse(status=204), text, undo=undo, event="runs:changed")
    messages.success(request, text)
    return done(request, here(request, "/"))


def ticked(request: Request) -> list[Run]:
    return chosen(request, request.POST.getlist("run"), most=MOST_CHANGED)


def undo(request: Request, view: str, runs: list[Run]) -> Undo:
    return Undo(reverse(f"experiments:{view}", args=[request.workspace.name]), [("run", run.pk) for run in runs])


@access.needs("experiments.write")
@require_POST
def runs_delete(request: Request) -> HttpResponseBase:
    runs = ticked(request)
    for run in runs:
        operations.delete_run(request.actor, run)
    text = ngettext("%(n)s run moved to the deleted ones", "%(n)s runs moved to the deleted ones", len(runs))
    return said(request, text % {"n": len(runs)}, undo(request, "runs-restore", runs))


@access.needs("experiments.write")
@require_POST
def runs_restore(request: Request) -> HttpResponseBase:
    runs = ticked(request)
    for run in runs:
        operations.restore_run(request.actor, run)
    text = ngettext("%(n)s run restored", "%(n)s runs restored", len(runs))
    return said(request, text % {"n": len(runs)}, undo(request, "runs-delete", runs))


@access.needs("experiments.write")
@require_POST
def runs_tag(request: Request) -> HttpResponseBase:
    """Set a tag of the ticked runs; an empty value removes it."""
    runs, key, value = ticked(request), request.POST.get("key", "").strip(), request.POST.get("value", "").strip()
    for run in runs:
        if value:
            operations.set_tag(request.actor, run, key=key, value=value)
        elif run.tags.filter(key=key).exists():
            operations.delete_tag(request.actor, run, key=key)
    text = ngettext("%(n)s run tagged", "%(n)s runs tagged", len(runs)) if value else _("Tag removed")
    return said(request, text % {"n": len(runs)} if value else text)
