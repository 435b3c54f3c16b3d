"""What is done to several runs at once: deletion, restoring, tags."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from experiments import charts, operations
from experiments.models import Run
from lib.html import Undo, done, here, is_partial, toast
from workspaces import access
from workspaces.request import Request

MOST_CHANGED = 1000


def visible(request: Request) -> QuerySet[Run]:
    return Run.objects.visible_to(request.actor).filter(workspace=request.workspace)


def chosen(request: Request, names: list[str], most: int = charts.MOST_RUNS) -> list[Run]:
    """Give the runs of these ids that the reader may see, in the order of the ids."""
    rows = visible(request).filter(pk__in=names[:most]).select_related("experiment")
    return sorted(rows, key=lambda run: names.index(run.pk))


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
