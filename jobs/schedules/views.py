"""Pages of schedules: the list, one schedule, and the form on top of a job."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from jobs import operations
from jobs.models import Schedule
from jobs.schedules import queries
from jobs.schedules.forms import ScheduleForm, TimesForm
from jobs.views import found as found_job
from jobs.views import run_url
from lib.errors import StudioError
from lib.html import FORM_ERROR, done
from workspaces import access
from workspaces.request import Request

PAGE = 50
TIMES = ("cron", "time_zone", "catches_up", "overlaps")


@access.needs("jobs.read")
@require_safe
def schedule_list(request: Request) -> HttpResponse:
    rows = queries.schedules(request.actor, request.workspace)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return render(request, "jobs/schedule_list.html", {"page": page, "schedules": list(page)})


@access.needs(GET="jobs.read", POST="jobs.write")
@require_http_methods(["GET", "HEAD", "POST"])
def schedule_detail(request: Request, schedule_id: int) -> HttpResponse:
    """Show when a schedule's job is submitted and what became of its ticks; a change of its times is posted here."""
    schedule = found(request, schedule_id)
    form = TimesForm(
        request.POST if request.method == "POST" else None, initial={name: getattr(schedule, name) for name in TIMES}
    )
    if request.method == "POST" and form.is_valid():
        try:
            operations.update_schedule(request.actor, schedule, **form.cleaned_data)
            return done(request, url_of(request, schedule))
        except StudioError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
    context = {
        "schedule": schedule,
        "form": form,
        "next_ticks": queries.next_ticks(schedule),
        "page": Paginator(queries.ticks(schedule), PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "jobs/schedule_detail.html", context, status=FORM_ERROR if form.errors else 200)


@access.needs("jobs.write")
@require_http_methods(["GET", "HEAD", "POST"])
def schedule_create(request: Request, run_id: str) -> HttpResponse:
    """Ask when a job shall be submitted again."""
    job = found_job(request, run_id)
    form = ScheduleForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            plan = operations.planned_as(job)
            made = operations.create_schedule(request.actor, job.run.experiment, plan=plan, **form.cleaned_data)
            return done(request, url_of(request, made))
        except StudioError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
    context = {"form": form, "job": job}
    return render(request, "jobs/schedule_form.html", context, status=FORM_ERROR if form.errors else 200)


@access.needs("jobs.write")
@require_POST
def pause(request: Request, schedule_id: int) -> HttpResponse:
    return done(request, url_of(request, operations.pause_schedule(request.actor, found(request, schedule_id))))


@access.needs("jobs.write")
@require_POST
def resume(request: Request, schedule_id: int) -> HttpResponse:
    return done(request, url_of(request, operations.resume_schedule(request.actor, found(request, schedule_id))))


@access.needs("jobs.write")
@require_POST
def run_now(request: Request, schedule_id: int) -> HttpResponse:
    schedule = found(request, schedule_id)
    try:
        job = operations.run_schedule_now(request.actor, schedule)
    except StudioError as error:  # the page stays, with the reason: its experiment was deleted, say
        messages.error(request, error.message)
        return done(request, url_of(request, schedule))
    return done(request, run_url(request, job))


@access.needs("jobs.write")
@require_POST
def delete(request: Request, schedule_id: int) -> HttpResponse:
    operations.delete_schedule(request.actor, found(request, schedule_id))
    return done(request, reverse("jobs:job-schedules", args=[request.workspace.name]))


def found(request: Request, schedule_id: int) -> Schedule:
    return access.fetch(request.actor, queries.schedules(request.actor, request.workspace), pk=schedule_id)


def url_of(request: Request, schedule: Schedule) -> str:
    return reverse("jobs:job-schedule", args=[request.workspace.name, schedule.pk])
