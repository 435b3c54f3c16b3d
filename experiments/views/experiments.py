"""Pages: experiments and the runs of one."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.db.models import Count, Max, Q
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from experiments import forms, operations
from experiments.models import Experiment
from experiments.views.table import runs_page
from lib.errors import StudioError
from lib.html import done
from workspaces import access
from workspaces.request import Request

EXPERIMENTS_A_PAGE = 100


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
def experiment_detail(request: Request, experiment_id: int) -> HttpResponseBase:
    return runs_page(request, fetch(request, experiment_id))


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
