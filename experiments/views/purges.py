"""Pages: deleting for good, how far it is, and what it freed."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from experiments import metrics, operations
from experiments.models import PurgeKind, Run
from experiments.purging import Tally, weigh
from experiments.purging.telling import lines, needed, shown
from experiments.queries import trash
from lib import format as fmt
from lib.errors import InvalidValue
from lib.html import asked_by, done, toast
from workspaces import access
from workspaces.request import Request

SECONDS = 3.0
SHOWN = 5


def trash_url(request: Request) -> str:
    return reverse("experiments:trash", args=[request.workspace.name])


def recent(request: Request) -> dict[str, Any]:
    """Give the purges that go on, and the last that ended."""
    rows = list(trash.purges(request.actor, request.workspace)[:SHOWN])
    live = [shown(one) for one in rows if not one.is_done]
    return {"live": live, "ended": [shown(one) for one in rows if one.is_done]}


@access.needs("experiments.read")
@require_GET
def purge_progress(request: Request) -> HttpResponse:
    """Answer how far things are; once nothing goes on any more, the list of the trash hears of it."""
    found = recent(request)
    response = render(request, "experiments/_purges.html", found)
    if asked_by(request, "purges") and not found["live"] and found["ended"]:
        return toast(response, _("Freed %s") % found["ended"][0].sentence, event="trash:changed")
    return response


@access.needs("experiments.read")
@require_GET
def purge_detail(request: Request, purge_id: int) -> HttpResponse:
    rows = trash.purges(request.actor, request.workspace)
    found = shown(access.fetch(request.actor, rows, pk=purge_id))
    template = "experiments/_purge.html" if asked_by(request, "purge") else "experiments/purge_detail.html"
    return render(request, template, {"shown": found, "purge": found.purge})


def items(values: list[str]) -> list[tuple[str, str]]:
    """Take `kind:id` apart, as forms name what lies in the trash. Raises InvalidValue for anything else."""
    found = [(kind, name) for kind, _colon, name in (value.partition(":") for value in values)]
    for kind, name in found:
        is_number = name.isascii() and name.isdigit() and len(name) <= 18
        if kind not in trash.KINDS or not name.isprintable() or (kind == PurgeKind.EXPERIMENT and not is_number):
            raise InvalidValue(_("There is no such thing in the trash."))
    return found


def named(request: Request) -> dict[str, list[str]]:
    """Give what is to go by kind; the whole trash when nothing is named. Raises InvalidValue for no ticks."""
    found: dict[str, list[str]] = {}
    for kind, name in items(request.POST.getlist("item")[: operations.MOST_PURGED]):
        found.setdefault(kind, []).append(name)
    if not found and "ask" in request.POST:
        raise InvalidValue(_("Tick something first."))
    return found or {str(PurgeKind.TRASH): []}


@access.needs("experiments.purge")
def purge_begin(request: Request) -> HttpResponseBase:
    """Ask once more, showing what goes and what stays; then begin."""
    wanted = named(request)
    is_whole = str(PurgeKind.TRASH) in wanted
    if request.method == "POST" and "ask" not in request.POST:
        if is_whole and request.POST.get("confirm") != request.workspace.name:
            raise InvalidValue(_("Type the name of the workspace exactly: %s") % request.workspace.name)
        for kind, names in wanted.items():
            operations.purge(request.actor, request.workspace, kind=kind, names=names)
        return done(request, trash_url(request))
    planned = [operations.planned(request.workspace, kind=kind, names=names) for kind, names in wanted.items()]
    weights = [weigh(one, SECONDS) for one in planned]
    tally = sum((one.tally for one in weights), Tally())
    context = {
        "label": ", ".join(one.label for one in planned),
        "is_whole": is_whole,
        "items": [f"{kind}:{name}" for kind, names in wanted.items() for name in names],
        "tally": tally,
        "lines": lines(tally),
        "kept": needed(kept for one in weights for kept in one.kept),
        "kept_count": sum(one.kept_count for one in weights),
        "is_complete": all(one.is_complete for one in weights),
    }
    return render(request, "experiments/purge_confirm.html", context)


# ---- One metric of a run --------------------------------------------------------------------------------------------


def fetch_run(request: Request, run_id: str) -> Run:
    rows = Run.objects.filter(workspace=request.workspace).select_related("experiment", "workspace")
    found: Run = access.fetch(request.actor, rows, pk=run_id)
    return found


@access.needs("experiments.write")
@require_GET
def run_metrics(request: Request, run_id: str) -> HttpResponse:
    """List a run's metrics with their points, each to be deleted; the chosen one asks once more."""
    run, key = fetch_run(request, run_id), request.GET.get("key", "")
    rows = list(run.metrics.order_by("key"))
    points = metrics.count_points([run.pk], [key])[1] if key else None
    context = {"run": run, "rows": rows, "key": key if any(one.key == key for one in rows) else "", "points": points}
    return render(request, "experiments/run_metrics.html", context)


@access.needs("experiments.write")
@require_POST
def run_metric_delete(request: Request, run_id: str) -> HttpResponseBase:
    run, key = fetch_run(request, run_id), request.POST.get("key", "")
    freed = Tally.of(operations.delete_metric(request.actor, run, metric=key).freed)
    words = {"metric": key, "n": fmt.count(freed.points)}
    messages.success(request, _("%(metric)s deleted with %(n)s points") % words)
    return done(request, reverse("experiments:run-metrics", args=[request.workspace.name, run.pk]))
