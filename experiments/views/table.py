"""Pages: runs as a table beside their charts. All that it shows stands in the address."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_GET

from experiments import columns, forms, tables
from experiments.models import NOTE_TAG, Experiment, Run
from experiments.queries import View, folders, nesting, table
from experiments.views.saved import saved_context
from lib import markdown
from lib.errors import InvalidValue
from lib.format import exact
from lib.html import asked_by, is_partial, shows_up
from lib.http import number_in
from lib.search import chips, dialects
from lib.search.bounds import limited
from workspaces import access
from workspaces.request import Request

MOST_EXPORTED = 10_000
MOST_OPEN = 30


@dataclass(frozen=True)
class Chip:
    """One condition of the filter; `without` is the filter when it is taken away."""

    text: str
    without: str


@access.needs("experiments.read")
@require_GET
@gzip_page
def run_list(request: Request) -> HttpResponseBase:
    """Show the runs of the whole workspace."""
    return runs_page(request, None)


def question(given: QueryDict) -> table.Question:
    """Read what an address asks of the table."""
    return table.Question(
        text=given.get("filter", "").strip(),
        order=given.get("order", "").strip(),
        view=View.of_page(given.get("view", "")),
        columns=tuple(columns.read_all(given.getlist("column"))),
        group=columns.read_group(given.get("group", "")),
        is_flat="flat" in given,
    )


def runs_page(
    request: Request, experiment: Experiment | None, form: forms.ExperimentForm | None = None, status: int = 200
) -> HttpResponseBase:
    """Show the page; htmx gets the table alone when it refreshes, and rows alone when the reader comes to its end."""
    if "add" in request.GET:
        return redirect(with_condition(request))
    asked = question(request.GET)
    rows, error = found(request, experiment, asked)
    try:
        with limited():
            laid = table_context(request, experiment, asked, rows, error)
    except InvalidValue as refused:
        if refused.field == "after":
            raise
        error = refused.message
        laid = table_context(request, experiment, asked, Run.objects.none(), error)
    if asked_by(request, "no-runs"):
        return shows_up(request, bool(laid["total"]))
    context: dict[str, Any] = {
        **laid,
        "experiment": experiment,
        "question": asked,
        "error": error,
        "is_put_away": not laid["matches"] and has_runs(request, experiment),
        "form": form or forms.ExperimentForm(initial={"name": experiment.name if experiment else ""}),
        **filter_context(request, asked, error),
        **saved_context(request, experiment),
        **(experiment_context(experiment) if experiment and not is_partial(request) else {}),
    }
    template = "experiments/experiment_detail.html"
    if is_partial(request):
        is_part = "after" in request.GET or "under" in request.GET
        template = "experiments/_run_rows.html" if is_part else "experiments/_run_table.html"
    return render(request, template, context, status=422 if error else status)


def experiment_context(experiment: Experiment) -> dict[str, Any]:
    """Give what the page says of the experiment itself: its folders, its description."""
    parts = folders.parts_of(experiment.name)
    note = experiment.tags.filter(key=NOTE_TAG).values_list("value", flat=True).first() or ""
    return {
        "short_name": parts[-1] if parts else experiment.name,
        "crumbs": [(part, "/".join(parts[: at + 1])) for at, part in enumerate(parts[:-1])],
        "note": note,
        "note_summary": folders.summary(note),
        "note_html": markdown.render(note) if note else "",
    }


def has_runs(request: Request, experiment: Experiment | None) -> bool:
    """Tell whether there are runs at all, in sight or not."""
    rows = Run.objects.visible_to(request.actor).filter(workspace=request.workspace)
    return bool((rows.filter(experiment=experiment) if experiment else rows).exists())


def found(request: Request, experiment: Experiment | None, asked: table.Question) -> tuple[QuerySet[Run], str]:
    """Find the matching runs, or none and what is wrong with the question."""
    ids = [experiment.pk] if experiment else None
    try:
        rows = table.matching(request.actor, request.workspace, ids, asked)
        table.terms(asked)
    except InvalidValue as refused:
        return Run.objects.none(), refused.message
    return rows, ""


def table_context(
    request: Request, experiment: Experiment | None, asked: table.Question, rows: QuerySet[Run], error: str
) -> dict[str, Any]:
    """Lay out the rows that are asked for; `total` is of those that stand on their own, `matches` of all."""
    matches = rows.count()
    outer = nesting.outermost(rows) if asked.is_tree else rows
    if under := request.GET.get("under", "") if asked.is_tree else "":
        outer = nesting.below(rows, under)
    page = page_of(request, asked, outer, is_wide=experiment is None) if not error else table.Page([], [])
    places, page = laid_out(request, asked, rows, page, depth=number_in(request, "depth") if under else 0)
    pins = columns.read_all(request.GET.getlist("pin"))
    laid = tables.run_table(
        page,
        places,
        order=asked.order,
        group=asked.group,
        sizes=table.group_sizes(rows, asked.group) if asked.group and page.runs else {},
        extremes=table.extremes(rows, tables.judged(page.columns)) if page.runs else {},
        pins=pins,
        last_group=request.GET.get("in"),
        widths=columns.read_widths(request.GET.getlist("width")),
    )
    return {
        "table": laid,
        "columns": page.columns,
        "pins": pins,
        "total": outer.count() if asked.is_tree else matches,
        "matches": matches,
        "more_url": "" if under else more_url(request, asked, page),
        "ticked": set(request.GET.getlist("tick")),
    }


def page_of(request: Request, asked: table.Question, rows: QuerySet[Run], *, is_wide: bool) -> table.Page:
    if "under" in request.GET:
        return table.page(rows, asked, size=nesting.MOST_CHILDREN, wide=is_wide)
    size = number_in(request, "rows") or table.PAGE
    return table.page(rows, asked, after=request.GET.get("after", ""), size=size, wide=is_wide)


def laid_out(
    request: Request, asked: table.Question, rows: QuerySet[Run], page: table.Page, depth: int
) -> tuple[list[nesting.Placed], table.Page]:
    """Put what is opened below the page's runs, and read the values of these too."""
    if not asked.is_tree or not page.runs:
        return [nesting.Placed(run) for run in page.runs], page
    opened = request.GET.getlist("open")[:MOST_OPEN]
    places = nesting.placed(rows, asked, page.runs, opened, min(depth, nesting.DEEPEST))
    nested = [place.run for place in places if place.depth > depth]
    if nested:
        page = replace(page, values={**page.values, **table.values(nested, table.shown(asked, page.columns))})
    return places, page


def more_url(request: Request, asked: table.Question, page: table.Page) -> str:
    """Give the address of the rows that come next, with the columns of these."""
    if not page.after:
        return ""
    given = request.GET.copy()
    given["after"] = page.after
    given.setlist("column", [column.name for column in page.columns])
    for name in ("rows", "tick", "width", "hide", "draw"):
        given.pop(name, None)
    if asked.group:
        given["in"] = tables.group_key(page.values.get(page.runs[-1].pk, {}).get(asked.group))
    return f"{request.path}?{given.urlencode()}"


def filter_context(request: Request, asked: table.Question, error: str) -> dict[str, Any]:
    """Give the filter as chips; one that cannot be read stays a text."""
    parts = [] if error else chips.split(asked.text, dialects.RUNS)
    shown = [Chip(one, chips.join([*parts[:at], *parts[at + 1 :]], dialects.RUNS)) for at, one in enumerate(parts)]
    return {"chips": shown, "edited": request.GET.get("edit", "")}


def with_condition(request: Request) -> str:
    """Give the address with the condition that was typed, as one more that must hold."""
    given = request.GET.copy()
    added = given.pop("add")[-1]
    for name in ("edit", "after", "rows", "in"):
        given.pop(name, None)
    given["filter"] = chips.join([given.get("filter", ""), added], dialects.RUNS)
    if not given["filter"]:
        given.pop("filter")
    return f"{request.path}?{given.urlencode()}" if given else request.path


@access.needs("experiments.read")
@require_GET
def run_columns(request: Request) -> HttpResponse:
    """Answer what the column picker offers."""
    rows = Run.objects.visible_to(request.actor).filter(workspace=request.workspace, deleted_ms=None)
    rows = rows.filter(experiment__in=ids) if (ids := asked_experiments(request)) else rows
    attributes = [columns.Column("attribute", key) for key in columns.ATTRIBUTES]
    return render(request, "experiments/_columns.html", {"offered": [*attributes, *table.known_columns(rows)]})


def asked_experiments(request: Request) -> list[int] | None:
    """Read of which experiment the runs are asked for (the first one's id is 0); None for all."""
    return [number_in(request, "experiment")] if "experiment" in request.GET else None


@access.needs("experiments.read")
@require_GET
def run_csv(request: Request) -> StreamingHttpResponse:
    """Send the ticked runs, or all that match, with the columns that are shown."""
    asked = question(request.GET)
    rows = table.matching(request.actor, request.workspace, asked_experiments(request), asked)
    if ids := request.GET.getlist("run"):
        rows = rows.filter(pk__in=ids[:MOST_EXPORTED])
    response = StreamingHttpResponse(lines(rows, asked), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="runs.csv"'
    return response


class Echo:
    """A file that hands each line back instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def lines(rows: QuerySet[Run], asked: table.Question) -> Iterator[str]:
    """Write a table of runs page by page, so that a long one takes no more memory than a short one."""
    writer = csv.writer(Echo())
    after, shown, written = "", list(asked.columns), 0
    while True:
        with limited():
            page = table.page(rows, asked, after=after, size=table.MOST)
        if not after:
            shown = page.columns
            yield writer.writerow(["run_id", _("Name"), *(column.name for column in shown)])
        values = page.values if page.columns == shown else table.values(page.runs, shown)
        for run in page.runs:
            own = values.get(run.pk, {})
            yield writer.writerow([run.pk, harmless(run.name), *(plain(run, one, own.get(one)) for one in shown)])
        after, written = page.after, written + len(page.runs)
        if not after or written >= MOST_EXPORTED:
            return


def plain(run: Run, column: columns.Column, value: float | str | None) -> object:
    if column.kind != "attribute":
        return harmless(value) if isinstance(value, str) else value
    if column.key == "duration":
        return tables.duration_ms(run)
    if column.key in ("start_time", "end_time"):
        return exact(value) if isinstance(value, int) else ""
    return harmless(str(value)) if value is not None else ""


def harmless(text: str) -> str:
    """Keep a spreadsheet from running what a name or param says: it would take these beginnings for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") and not is_number(text) else text


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
