"""Pages: the list of jobs, the job of a run."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import FileResponse, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from experiments.data.runs import inputs_of
from jobs import logs, operations, queries
from jobs.models import JOB_WAITING, Job, Sweep
from jobs.sweeps.queries import sweeps
from lib.errors import NotFound, StudioError
from lib.html import done, is_partial
from lib.http import number_in
from workspaces import access
from workspaces.request import Request

PAGE, SHOWN = 50, 20


@access.needs("jobs.read")
@require_safe
def job_list(request: Request) -> HttpResponse:
    """List jobs; `?state=waiting|live|ended` and `?target=` narrow."""
    rows = queries.narrowed(queries.jobs(request.actor, request.workspace), request.GET)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    waits = {job.pk: queries.why_it_waits(job) for job in page if job.state in JOB_WAITING}
    context = {
        "page": page,
        "jobs": [(job, waits.get(job.pk, "")) for job in page],
        "moves": any(not job.has_ended for job in page),
        "chosen": request.GET.get("state", ""),
        "target": request.GET.get("target", ""),
        "total_cpu_s": queries.cpu_seconds(request.actor, request.workspace),
    }
    template = "jobs/_jobs.html" if request.headers.get("HX-Target") == "jobs" else "jobs/job_list.html"
    return render(request, template, context)


@access.needs("jobs.read")
@require_safe
def for_run(request: Request, run_id: str) -> HttpResponse:
    """Show a run's job: what the run page's tab holds. `?log=` names the file of ./logs that is shown.

    By its own, it leads to the run's page.
    """
    if not is_partial(request):
        page = reverse("experiments:run-job", args=[request.workspace.name, run_id])
        return redirect(f"{page}?{request.GET.urlencode()}")
    if sweep := sweep_of(request, run_id):
        return render(request, "jobs/_sweep_for_run.html", {"sweep": sweep})
    job = found(request, run_id)
    context = job_context(job)
    wanted = request.GET.get("log", "")
    context["shown_log"] = wanted if wanted in job.log_names else (job.log_names or [""])[0]
    return render(request, "jobs/_for_run.html", context)


@access.needs("jobs.read")
@require_safe
def for_target(request: Request, target_id: int) -> HttpResponse:
    """Show what a cluster is at work on, as far as this workspace may see it: a part of the compute page."""
    rows = queries.jobs(request.actor, request.workspace).filter(target_id=target_id, ended_ms=None)
    return on_compute(request, _("Jobs under way"), rows)


@access.needs("jobs.read")
@require_safe
def for_node(request: Request, node_id: int) -> HttpResponse:
    """Show what a node works on and did last, as far as this workspace may see it: a part of the node's page."""
    rows = queries.jobs(request.actor, request.workspace).filter(node_id=node_id)
    return on_compute(request, _("Jobs at work and of late"), rows, node_id=node_id)


def on_compute(request: Request, title: str, rows: QuerySet[Job], node_id: int | None = None) -> HttpResponse:
    jobs = list(rows[:SHOWN])
    more = "" if node_id or not jobs else f"{reverse('jobs:job-list', args=[request.workspace.name])}?"
    context = {
        "title": title,
        "here": request.path,
        "jobs": jobs,
        "node_id": node_id,
        "all_url": more and more + urlencode({"target": jobs[0].target.name}),
    }
    return render(request, "jobs/_on_compute.html", context)


@access.needs("jobs.read")
@require_safe
def state(request: Request, run_id: str) -> HttpResponse:
    if sweep := sweep_of(request, run_id):
        return render(request, "jobs/_sweep_for_run.html", {"sweep": sweep})
    return render(request, "jobs/_state.html", job_context(found(request, run_id)))


@access.needs("jobs.read")
@require_safe
def log(request: Request, run_id: str, name: str) -> JsonResponse:
    """Give a log from `?offset=` on."""
    piece = queries.log(found(request, run_id), name, number_in(request, "offset"))
    return JsonResponse({"text": piece.text, "offset": piece.offset, "final": piece.final})


@access.needs("jobs.read")
@require_safe
def log_download(request: Request, run_id: str, name: str) -> FileResponse:
    path = logs.path(found(request, run_id), name)
    if not path.exists():
        raise NotFound(_("The log “%s” has not begun.") % name[:100])
    return FileResponse(
        path.open("rb"),
        as_attachment=True,
        filename=f"{run_id}-{name.replace('/', '-')}.log",
        content_type="text/plain; charset=utf-8",
    )


@access.needs("jobs.write")
@require_POST
def cancel(request: Request, run_id: str) -> HttpResponse:
    job = operations.cancel_job(request.actor, found(request, run_id))
    return done(request, run_url(request, job))


@access.needs("jobs.write")
@require_POST
def rerun(request: Request, run_id: str) -> HttpResponse:
    job = found(request, run_id)
    try:
        job = operations.rerun_job(request.actor, job)
    except StudioError as error:  # the page stays, with the reason: a dataset of the job is gone, say
        messages.error(request, error.message)
    return done(request, run_url(request, job))


@access.needs("jobs.write")
@require_POST
def run_sample(request: Request) -> HttpResponse:
    """Submit the sample and go where its charts appear."""
    return done(request, run_url(request, operations.run_sample(request.actor, request.workspace)))


def found(request: Request, run_id: str) -> Job:
    return access.fetch(request.actor, queries.jobs(request.actor, request.workspace), pk=run_id)


def sweep_of(request: Request, run_id: str) -> Sweep | None:
    """Give the sweep whose run it is: it has no job of its own."""
    return sweeps(request.actor, request.workspace).filter(pk=run_id).first()


def run_url(request: Request, job: Job) -> str:
    return reverse("experiments:run-detail", args=[request.workspace.name, job.pk])


def job_context(job: Job) -> dict[str, object]:
    return {
        "job": job,
        "stages": queries.stages(job),
        "newest": queries.newest_line(job),
        "waits": queries.why_it_waits(job),
        "log_names": [name for name in queries.log_names(job) if name not in logs.NAMES],
        "notes": job.environment.notes if job.environment else [],
        "inputs": inputs_of(job.run),
    }
