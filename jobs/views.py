"""Pages: the list of jobs, the job of a run."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import FileResponse, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from jobs import logs, operations, queries
from jobs.models import Job, JobState
from lib.errors import NotFound
from lib.html import done
from lib.http import number_in
from workspaces import access
from workspaces.request import Request

PAGE = 50


@access.needs("jobs.read")
@require_safe
def job_list(request: Request) -> HttpResponse:
    rows = queries.jobs(request.actor, request.workspace)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    moves = any(not job.has_ended for job in page)
    template = "jobs/_jobs.html" if request.headers.get("HX-Target") == "jobs" else "jobs/job_list.html"
    return render(request, template, {"page": page, "moves": moves})


@access.needs("jobs.read")
@require_safe
def for_run(request: Request, run_id: str) -> HttpResponse:
    """Show a run's job: what the run page's tab holds."""
    return render(request, "jobs/_for_run.html", job_context(found(request, run_id)))


@access.needs("jobs.read")
@require_safe
def for_target(request: Request, target_id: int) -> HttpResponse:
    """Show what a cluster is at work on, as far as this workspace may see it: a part of the compute page."""
    rows = queries.jobs(request.actor, request.workspace).filter(target_id=target_id, ended_ms=None)
    return render(request, "jobs/_for_target.html", {"jobs": rows[:PAGE]})


@access.needs("jobs.read")
@require_safe
def state(request: Request, run_id: str) -> HttpResponse:
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
        raise NotFound(f"The log “{name}” has not begun.")
    return FileResponse(
        path.open("rb"), as_attachment=True, filename=f"{run_id}-{name}.log", content_type="text/plain; charset=utf-8"
    )


@access.needs("jobs.write")
@require_POST
def cancel(request: Request, run_id: str) -> HttpResponse:
    job = operations.cancel_job(request.actor, found(request, run_id))
    return done(request, run_url(request, job))


@access.needs("jobs.write")
@require_POST
def run_sample(request: Request) -> HttpResponse:
    """Submit the sample and go where its charts appear."""
    return done(request, run_url(request, operations.run_sample(request.actor, request.workspace)))


def found(request: Request, run_id: str) -> Job:
    return access.fetch(request.actor, queries.jobs(request.actor, request.workspace), pk=run_id)


def run_url(request: Request, job: Job) -> str:
    return reverse("experiments:run-detail", args=[request.workspace.name, job.pk])


def job_context(job: Job) -> dict[str, object]:
    return {
        "job": job,
        "stages": queries.stages(job),
        "newest": queries.newest_line(job),
        "before": queries.waits_for(job) if job.state == JobState.QUEUED else 0,
    }
