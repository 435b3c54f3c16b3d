"""What is done to the ticked runs, or to all that match; each act can be taken back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.core.cache import cache
from django.http import HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from experiments import operations
from experiments.models import Experiment
from experiments.queries import View, table
from experiments.views.table import question
from lib.errors import InvalidValue, NotFound
from lib.html import Undo, done, here, is_partial, toast
from lib.ids import new_id
from lib.search.bounds import limited
from workspaces import access
from workspaces.request import Request

MOST_CHANGED = 100_000
UNDONE_WITHIN_S = 3600
MOST_OFFERED = 50


def chosen(request: Request) -> list[str]:
    """Give the ids of the ticked runs, or of all that match the question in `all` (the query of the table's page)."""
    given = request.POST
    if "all" not in given:
        return given.getlist("run")[:MOST_CHANGED]
    of = [int(given["experiment"])] if given.get("experiment", "").isdecimal() else None
    with limited():
        rows = table.matching(request.actor, request.workspace, of, question(QueryDict(given["all"])))
        found = list(rows.values_list("pk", flat=True)[: MOST_CHANGED + 1])
    if len(found) > MOST_CHANGED:
        raise InvalidValue(_("More than %s runs match: narrow the filter.") % MOST_CHANGED, field="all")
    return found


def said(request: Request, text: str, undo: Undo | None = None) -> HttpResponseBase:
    """Tell what was done: htmx keeps the page and refreshes the table, others see the page again."""
    if is_partial(request):
        return toast(HttpResponse(status=204), text, undo=undo, event="runs:changed")
    messages.success(request, text)
    return done(request, here(request, "/"))


def taken_back_by(request: Request, verb: str, runs: object) -> Undo | None:
    """Keep for an hour how an act is taken back: the runs that it changed may be very many."""
    if not runs:
        return None
    token = new_id()
    cache.set(f"undo:{request.workspace.pk}:{token}", (verb, runs), UNDONE_WITHIN_S)
    return Undo(reverse("experiments:runs-undo", args=[request.workspace.name]), [("token", token)])


def act(request: Request, operation: Callable[..., list[str]], words: Callable[[int], str], back: str) -> Any:
    runs = operation(request.actor, request.workspace, runs=chosen(request))
    return said(request, words(len(runs)) % {"n": len(runs)}, taken_back_by(request, back, runs))


def deleted(n: int) -> str:
    return ngettext("%(n)s run moved to the trash", "%(n)s runs moved to the trash", n)


def restored(n: int) -> str:
    return ngettext("%(n)s run restored", "%(n)s runs restored", n)


def archived(n: int) -> str:
    return ngettext("%(n)s run archived", "%(n)s runs archived", n)


def unarchived(n: int) -> str:
    return ngettext("%(n)s run is no longer archived", "%(n)s runs are no longer archived", n)


@access.needs("experiments.write")
@require_POST
def runs_delete(request: Request) -> HttpResponseBase:
    return act(request, operations.delete_runs, deleted, back="restore")  # type: ignore[no-any-return]


@access.needs("experiments.write")
@require_POST
def runs_restore(request: Request) -> HttpResponseBase:
    return act(request, operations.restore_runs, restored, back="delete")  # type: ignore[no-any-return]


@access.needs("experiments.write")
@require_POST
def runs_archive(request: Request) -> HttpResponseBase:
    return act(request, operations.archive_runs, archived, back="unarchive")  # type: ignore[no-any-return]


@access.needs("experiments.write")
@require_POST
def runs_unarchive(request: Request) -> HttpResponseBase:
    return act(request, operations.unarchive_runs, unarchived, back="archive")  # type: ignore[no-any-return]


@access.needs("experiments.write")
@require_POST
def runs_tag(request: Request) -> HttpResponseBase:
    """Set a tag of the runs; an empty value removes it."""
    key, value = request.POST.get("key", "").strip(), request.POST.get("value", "").strip()
    count = operations.tag_runs(request.actor, request.workspace, runs=chosen(request), name=key, value=value)
    if value:
        return said(request, ngettext("%(n)s run tagged", "%(n)s runs tagged", count) % {"n": count})
    return said(request, ngettext("Tag removed from %(n)s run", "Tag removed from %(n)s runs", count) % {"n": count})


@access.needs("experiments.read")
@require_GET
def runs_targets(request: Request) -> HttpResponse:
    """Answer the experiments to which runs can be moved."""
    words = request.GET.get("to", "").strip()
    rows = Experiment.objects.visible_to(request.actor).filter(View.SHOWN.condition, workspace=request.workspace)
    rows = rows.filter(name__icontains=words) if words else rows
    return render(
        request, "experiments/_move_targets.html", {"targets": rows.order_by("-updated_ms", "pk")[:MOST_OFFERED]}
    )


@access.needs("experiments.write")
@require_POST
def runs_move(request: Request) -> HttpResponseBase:
    """Move the runs to another experiment, by its id or its name."""
    rows = Experiment.objects.filter(workspace=request.workspace).select_related("workspace")
    to = access.fetch(request.actor, rows, name=request.POST.get("to", "").strip())
    before = operations.move_runs(request.actor, request.workspace, runs=chosen(request), to=to)
    text = ngettext("%(n)s run moved to %(name)s", "%(n)s runs moved to %(name)s", len(before))
    return said(request, text % {"n": len(before), "name": to.name}, taken_back_by(request, "move", before))


@access.needs("experiments.write")
@require_POST
def runs_undo(request: Request) -> HttpResponseBase:
    """Take an act back, once. Raises NotFound when that was done, or is no longer known."""
    name = f"undo:{request.workspace.pk}:{request.POST.get('token', '')[:32]}"
    kept = cache.get(name)
    if kept is None:
        raise NotFound(_("This can no longer be taken back here."))
    cache.delete(name)
    verb, runs = kept
    if verb == "move":
        return said(request, restored_words(move_back(request, runs)))
    operation, words = UNDO[verb]
    found = operation(request.actor, request.workspace, runs=runs)
    return said(request, words(len(found)) % {"n": len(found)})


def restored_words(n: int) -> str:
    return ngettext("%(n)s run moved back", "%(n)s runs moved back", n) % {"n": n}


def move_back(request: Request, before: dict[str, int]) -> int:
    by_experiment: dict[int, list[str]] = defaultdict(list)
    for run_id, experiment_id in before.items():
        by_experiment[experiment_id].append(run_id)
    rows = Experiment.objects.filter(workspace=request.workspace).select_related("workspace")
    count = 0
    for experiment_id, ids in by_experiment.items():
        to = access.fetch(request.actor, rows, pk=experiment_id)
        count += len(operations.move_runs(request.actor, request.workspace, runs=ids, to=to, alone=True))
    return count


UNDO: dict[str, tuple[Callable[..., Sequence[str]], Callable[[int], str]]] = {
    "restore": (operations.restore_runs, restored),
    "delete": (operations.delete_runs, deleted),
    "unarchive": (operations.unarchive_runs, unarchived),
    "archive": (operations.archive_runs, archived),
}
