"""Pages of sweeps: the list, one sweep, and the form on top of a job."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from experiments.columns import Column
from jobs import operations
from jobs.models import Job, Sweep
from jobs.sweeps import queries
from jobs.sweeps.forms import SweepForm
from jobs.sweeps.policies import make_policy
from jobs.sweeps.space import make_space, read_lines, shown_lines
from jobs.views import found as found_job
from lib.errors import StudioError
from lib.html import FORM_ERROR, asked_by, done
from workspaces import access
from workspaces.request import Request

PAGE = 50
# As many as the comparison takes, the best first.
COMPARED_MAX = 100


@access.needs("jobs.read")
@require_safe
def sweep_list(request: Request) -> HttpResponse:
    """List sweeps with how far they are."""
    page = Paginator(queries.sweeps(request.actor, request.workspace), PAGE).get_page(request.GET.get("page"))
    return render(request, "jobs/sweep_list.html", {"page": page, "sweeps": list(page)})


@access.needs("jobs.read")
@require_safe
def sweep_detail(request: Request, run_id: str) -> HttpResponse:
    """Show a sweep; its progress and children ask for themselves while it goes on."""
    context = sweep_context(request, found(request, run_id))
    template = "jobs/_sweep.html" if asked_by(request, "sweep") else "jobs/sweep_detail.html"
    return render(request, template, context)


@access.needs("jobs.write")
@require_http_methods(["GET", "HEAD", "POST"])
def sweep_create(request: Request, run_id: str) -> HttpResponse:
    """Ask what varies of a job, and start."""
    job = found_job(request, run_id)
    form = SweepForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            sweep = started(request, job, form)
            return done(request, reverse("jobs:job-sweep", args=[request.workspace.name, sweep.pk]))
        except StudioError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
    return render(
        request, "jobs/sweep_form.html", {"form": form, "job": job}, status=FORM_ERROR if form.errors else 200
    )


@access.needs("jobs.write")
@require_POST
def cancel(request: Request, run_id: str) -> HttpResponse:
    sweep = operations.cancel_sweep(request.actor, found(request, run_id))
    return done(request, reverse("jobs:job-sweep", args=[request.workspace.name, sweep.pk]))


def found(request: Request, run_id: str) -> Sweep:
    return access.fetch(request.actor, queries.sweeps(request.actor, request.workspace), pk=run_id)


def started(request: Request, job: Job, form: SweepForm) -> Sweep:
    said = form.cleaned_data
    wanted = ("name", "sampling", "seed", "metric", "goal", "max_total_runs", "max_concurrent_runs")
    return operations.start_sweep(
        request.actor,
        job.run.experiment,
        plan=operations.planned_as(job),
        space=make_space(read_lines(said["parameters"])),
        policy=make_policy(form.policy_values()),
        max_duration_minutes=said["max_duration_minutes"],
        **{name: said[name] for name in wanted},
    )


def sweep_context(request: Request, sweep: Sweep) -> dict[str, Any]:
    children = queries.children(sweep)
    space = shown_lines(sweep.space)
    runs = [child.row.run_id for child in children if child.row.run_id][:COMPARED_MAX]
    return {
        "sweep": sweep,
        "run": sweep.run,
        "space": space,
        "children": [(child, [child.parameters.get(name, "") for name, _said in space]) for child in children],
        "best": children[0] if children and children[0].is_best else None,
        "progress": queries.progress(sweep),
        "failures": queries.failures(sweep),
        "compare_url": compare_url(request, sweep, runs, [name.lstrip("-") for name, _said in space]),
    }


def compare_url(request: Request, sweep: Sweep, run_ids: list[str], names: list[str]) -> str:
    """Give the parallel coordinates of the children: their parameters, then the metric, which colours them."""
    if len(run_ids) < 2:
        return ""
    metric = Column("metric", sweep.metric).name
    columns = [*(Column("param", name).name for name in names), metric]
    pairs = [("tab", "parallel"), *(("run", pk) for pk in run_ids), *(("column", one) for one in columns)]
    return (
        f"{reverse('experiments:run-compare', args=[request.workspace.name])}?{urlencode([*pairs, ('color', metric)])}"
    )
