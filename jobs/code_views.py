"""Pages: the code of a run, and what differs from another's."""

from __future__ import annotations

from typing import Any

from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from experiments import browser
from experiments.browser.tab import show
from jobs import differences, queries, snapshots
from jobs.code_files import snapshot_files
from jobs.models import Job
from jobs.views import found, sweep_of
from lib.errors import NotFound
from lib.html import is_partial
from workspaces.access import needs
from workspaces.request import Request

SIBLINGS = 50
# What a page that is there asks for: a file in the viewer, what a search finds, a folder's rows.
PARTS, PART_ASKED = ("viewer", "artifact-tree"), {"find", "nodes", "sha256"}


@needs("jobs.read")
@require_safe
def code(request: Request, run_id: str) -> HttpResponse:
    """Show the tree and the chosen file; what is chosen in it comes alone. By its own, it leads to the run's page."""
    if sweep := sweep_of(request, run_id):
        return render(request, "jobs/_sweep_for_run.html", {"sweep": sweep})
    job = found(request, run_id)
    if not is_partial(request):
        page = reverse("experiments:run-code", args=[request.workspace.name, job.pk])
        return redirect(f"{page}?{request.GET.urlencode()}")
    snapshot = job.snapshot
    names = [request.workspace.name, job.pk]
    files = snapshot_files(snapshot, _("Code"))
    is_part = request.headers.get("HX-Target") in PARTS or PART_ASKED & set(request.GET)
    template, shown = browser.answer(request, files, "") if is_part else ("jobs/_code.html", show(files, request.GET))
    context: dict[str, Any] = {
        **shown,
        "job": job,
        "base": reverse("jobs:code", args=names),
        "raw": reverse("jobs:code-file", args=names),
        "others": siblings(request, job),
    }
    return render(request, template, context)


def siblings(request: Request, job: Job) -> list[Job]:
    """List jobs of the same experiment whose code could be compared with this one's."""
    rows = queries.jobs(request.actor, request.workspace).filter(run__experiment_id=job.run.experiment_id)
    return list(rows.exclude(pk=job.pk)[:SIBLINGS])


@needs("jobs.read")
@require_safe
def code_file(request: Request, run_id: str) -> HttpResponseBase:
    """Give a file of the code, to be saved: no file may act in the reader's name."""
    path = request.GET.get("path", "")
    if request.GET.get("as") == "zip":
        return redirect("jobs:code-zip", request.workspace.name, run_id)
    opened = snapshots.open_file(found(request, run_id).snapshot, path)
    name = path.rpartition("/")[2]
    response = FileResponse(opened, as_attachment=True, filename=name, content_type="application/octet-stream")
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@needs("jobs.read")
@require_safe
def code_zip(request: Request, run_id: str) -> FileResponse:
    job = found(request, run_id)
    return FileResponse(snapshots.zipped(job.snapshot), as_attachment=True, filename=f"{job.run.name}.zip")


@needs("jobs.read")
@require_safe
def code_diff(request: Request, run_id: str) -> HttpResponse:
    """Show what differs from the code of `?with=`, line by line."""
    job = found(request, run_id)
    other = request.GET.get("with", "")
    if not other:
        raise NotFound(_("Choose a run to compare the code with."))
    base = found(request, other)
    context = {"job": job, "base": base, "differences": differences.between(base.snapshot, job.snapshot)}
    return render(request, "jobs/code_diff.html", context)
