"""Pages: what was deleted, the way back, and the rule after which it goes by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from experiments import forms, operations, purging
from experiments.models import Experiment, LoggedModel, PurgeKind, Run
from experiments.queries import trash
from experiments.views import purges
from lib.errors import InvalidValue
from lib.html import Undo, asked_by, done, is_partial, toast
from workspaces import access
from workspaces.request import Request

PAGE = 50
MOST_CHANGED = 500
MODELS: dict[str, type[Any]] = {
    PurgeKind.EXPERIMENT: Experiment,
    PurgeKind.RUN: Run,
    PurgeKind.LOGGED_MODEL: LoggedModel,
}
RESTORE: dict[str, Callable[..., Any]] = {
    PurgeKind.EXPERIMENT: operations.restore_experiment,
    PurgeKind.RUN: operations.restore_run,
    PurgeKind.LOGGED_MODEL: operations.restore_logged_model,
}
DELETE: dict[str, Callable[..., Any]] = {
    PurgeKind.EXPERIMENT: operations.delete_experiment,
    PurgeKind.RUN: operations.delete_run,
    PurgeKind.LOGGED_MODEL: operations.delete_logged_model,
}


@access.needs("experiments.read")
@require_GET
def trash_list(request: Request) -> HttpResponse:
    """Show the page; its list alone to the list itself, which asks when something has changed."""
    template = "experiments/_trash.html" if asked_by(request, "trash") else "experiments/trash_list.html"
    return render(request, template, page(request))


def page(request: Request, **bound: Any) -> dict[str, Any]:
    wanted, kind = request.GET.get("name", "").replace("\x00", "").strip(), request.GET.get("kind", "")
    kind = kind if kind in trash.KINDS else ""
    counts = trash.counts(request.actor, request.workspace, wanted)
    found = trash.trash(request.actor, request.workspace, kind=kind, name=wanted)
    one = Paginator(found, PAGE).get_page(request.GET.get("page"))
    rule = purging.rule(request.workspace)
    return {
        "wanted": wanted,
        "kind": kind,
        "kinds": [(name, label, counts[name]) for name, label in kinds()],
        "total": sum(counts.values()),
        "page": one,
        "items": trash.items(request.workspace, list(one)),
        "rule": rule,
        "rule_form": forms.TrashRuleForm(initial={"days": rule.days}),
        **purges.recent(request),
        **bound,
    }


def kinds() -> list[tuple[str, str]]:
    return [
        (str(PurgeKind.EXPERIMENT), _("Experiments")),
        (str(PurgeKind.RUN), _("Runs")),
        (str(PurgeKind.LOGGED_MODEL), _("Models")),
    ]


def chosen(request: Request) -> list[tuple[str, Any]]:
    """Give what the form names as `item=kind:id` and the reader may see. Raises InvalidValue for nothing."""
    found = []
    for kind, name in purges.items(request.POST.getlist("item")[:MOST_CHANGED]):
        rows = MODELS[kind].objects.filter(workspace=request.workspace)
        found.append((kind, access.fetch(request.actor, rows, pk=name)))
    if not found:
        raise InvalidValue(_("Tick something first."))
    return found


@access.needs("experiments.write")
@require_POST
def trash_restore(request: Request) -> HttpResponseBase:
    things = chosen(request)
    for kind, thing in things:
        RESTORE[kind](request.actor, thing)
    return said(request, ngettext("%(name)s restored", "%(n)s things restored", len(things)), things, "trash-delete")


@access.needs("experiments.write")
@require_POST
def trash_delete(request: Request) -> HttpResponseBase:
    """Put things back into the trash: it undoes a restoring."""
    things = chosen(request)
    for kind, thing in things:
        DELETE[kind](request.actor, thing)
    text = ngettext("%(name)s is in the trash again", "%(n)s things are in the trash again", len(things))
    return said(request, text, things, "trash-restore")


def said(request: Request, text: str, things: list[tuple[str, Any]], undo: str) -> HttpResponseBase:
    """Tell what was done, with the way back: htmx keeps the page, others see it again."""
    text = text % {"name": things[0][1].name, "n": len(things)}
    if is_partial(request):
        names = [("item", f"{kind}:{thing.pk}") for kind, thing in things]
        way_back = Undo(reverse(f"experiments:{undo}", args=[request.workspace.name]), names)
        return toast(HttpResponse(status=204), text, undo=way_back, event="trash:changed")
    messages.success(request, text)
    return done(request, purges.trash_url(request))


@access.needs("workspace.write")
@require_POST
def trash_rule(request: Request) -> HttpResponseBase:
    form = forms.TrashRuleForm(request.POST)
    if form.is_valid():
        operations.set_trash_rule(request.actor, request.workspace, **form.cleaned_data)
        messages.success(request, _("Rule saved. It takes effect in a day."))
        return done(request, purges.trash_url(request))
    return render(request, "experiments/trash_list.html", page(request, rule_form=form), status=422)
