"""Pages: experiments and the runs of one."""

from __future__ import annotations

from django.core.paginator import Page, Paginator
from django.db.models import Count, Max, Q, QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from experiments import forms, operations, queries, tables
from experiments.models import Experiment, Run
from experiments.queries import View
from lib.errors import InvalidValue, StudioError
from lib.html import asked_by, done, is_partial, shows_up
from lib.search.bounds import limited
from workspaces import access
from workspaces.request import Request

EXPERIMENTS_A_PAGE = 100
RUNS_A_PAGE = 50


def fetch(request: Request, experiment_id: int) -> Experiment:
    found: Experiment = access.fetch(
        request.actor, Experiment.objects.filter(workspace=request.workspace), pk=experiment_id
    )
    return found


def detail_url(request: Request, experiment: Experiment) -> str:
    return reverse("experiments:experiment-detail", args=[request.workspace.name, experiment.pk])


@access.needs("experiments.read")
@require_GET
def experiment_list(request: Request) -> HttpResponse:
    return list_page(request, forms.ExperimentForm())


def list_page(request: Request, form: forms.ExperimentForm, status: int = 200) -> HttpResponse:
    wanted, is_deleted = request.GET.get("name", "").strip(), request.GET.get("view") == "deleted"
    rows = Experiment.objects.visible_to(request.actor).filter(workspace=request.workspace)
    rows = rows.filter(name__icontains=wanted, deleted_ms__isnull=not is_deleted).annotate(
        run_count=Count("runs", filter=Q(runs__deleted_ms=None)), last_run_ms=Max("runs__start_ms")
    )
    page = Paginator(rows.order_by("-updated_ms", "-pk"), EXPERIMENTS_A_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "wanted": wanted, "is_deleted": is_deleted, "form": form}
    return render(request, "experiments/experiment_list.html", context, status=status)


@access.needs("experiments.write")
@require_POST
def experiment_create(request: Request) -> HttpResponseBase:
    form = forms.ExperimentForm(request.POST)
    try:
        if form.is_valid():
            experiment = operations.create_experiment(request.actor, request.workspace, **form.cleaned_data)
            return done(request, detail_url(request, experiment))
    except StudioError as error:
        form.add_error("name", error.message)
    return list_page(request, form, status=422)


@access.needs("experiments.read")
@require_GET
def experiment_detail(request: Request, experiment_id: int) -> HttpResponse:
    return runs_page(request, fetch(request, experiment_id))


@access.needs("experiments.read")
@require_GET
def run_list(request: Request) -> HttpResponse:
    """Show the runs of the whole workspace."""
    return runs_page(request, None)


def runs_page(
    request: Request, experiment: Experiment | None, form: forms.ExperimentForm | None = None, status: int = 200
) -> HttpResponse:
    """Show runs as a table beside their charts; htmx gets the table alone while a run goes on."""
    query = {name: request.GET.get(name, "").strip() for name in ("filter", "order", "view")}
    page, error = found_runs(request, experiment, query)
    if asked_by(request, "no-runs"):
        return shows_up(request, bool(page.paginator.count))
    columns = request.GET.getlist("column")
    table = tables.run_table(list(page), order=query["order"], columns=columns, shows_experiment=experiment is None)
    form = form or forms.ExperimentForm(initial={"name": experiment.name if experiment else ""})
    context = {"experiment": experiment, "query": query, "page": page, "table": table, "error": error, "form": form}
    template = "experiments/_run_table.html" if is_partial(request) else "experiments/experiment_detail.html"
    return render(request, template, context, status=422 if error else status)


def found_runs(request: Request, experiment: Experiment | None, query: dict[str, str]) -> tuple[Page[Run], str]:
    """Give the page of runs that match, and what is wrong with the filter; a wrong one finds nothing."""
    view = View.DELETED if query["view"] == "deleted" else View.ACTIVE
    ids = [experiment.pk] if experiment else None
    order = [query["order"] or tables.BY_NEWEST]
    try:
        rows = queries.search_runs(
            request.actor, request.workspace, ids, text=query["filter"], order_by=order, view=view
        )
        return page_of(request, rows), ""
    except InvalidValue as refused:
        return page_of(request, Run.objects.none()), refused.message


def page_of(request: Request, rows: QuerySet[Run]) -> Page[Run]:
    """Read one page, within the time that a search may take."""
    rows = rows.select_related("experiment").prefetch_related("metrics", "params")
    with limited():
        page = Paginator(rows, RUNS_A_PAGE).get_page(request.GET.get("page"))
        len(page)  # reads it, here and not while the page is rendered
    return page


@access.needs("experiments.write")
@require_POST
def experiment_rename(request: Request, experiment_id: int) -> HttpResponseBase:
    experiment = fetch(request, experiment_id)
    form = forms.ExperimentForm(request.POST)
    try:
        if form.is_valid():
            operations.update_experiment(request.actor, experiment, **form.cleaned_data)
            return done(request, detail_url(request, experiment))
    except StudioError as error:
        form.add_error("name", error.message)
    return runs_page(request, experiment, form, status=422)


@access.needs("experiments.write")
@require_POST
def experiment_delete(request: Request, experiment_id: int) -> HttpResponseBase:
    operations.delete_experiment(request.actor, fetch(request, experiment_id))
    return done(request, reverse("experiments:experiment-list", args=[request.workspace.name]))


@access.needs("experiments.write")
@require_POST
def experiment_restore(request: Request, experiment_id: int) -> HttpResponseBase:
    experiment = fetch(request, experiment_id)
    operations.restore_experiment(request.actor, experiment)
    return done(request, detail_url(request, experiment))
