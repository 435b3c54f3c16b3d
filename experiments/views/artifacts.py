"""Pages: a run's files."""

from __future__ import annotations

import mimetypes
from urllib.parse import quote

from django.conf import settings
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from experiments import artifacts, browser
from experiments.artifacts import Place
from experiments.models import Run
from experiments.viewer import is_image
from experiments.views.runs import fetch, frame
from lib.errors import NotFound
from lib.html import asked_by, is_partial, shows_up
from workspaces import access
from workspaces.request import Request

FILE_POLICY = "sandbox; default-src 'none'; img-src 'self'; style-src 'unsafe-inline'"


def files_of(run: Run) -> browser.Files:
    return browser.Files(lambda folder: artifacts.entries(run, folder), lambda path: artifacts.resolve(run, path)[0])


@access.needs("experiments.read")
@require_GET
def run_artifacts(request: Request, run_id: str) -> HttpResponseBase:
    """Show the tree and what is chosen in it; htmx gets what is chosen alone."""
    run = fetch(request, run_id)
    names = [request.workspace.name, run.pk]
    found = browser.browse(files_of(run), request.GET.get("path", ""), run.name)
    context = {
        **frame(run, "artifacts"),
        **found,
        "base": reverse("experiments:run-artifacts", args=names),
        "raw": reverse("experiments:run-artifact", args=names),
        "use_uri": f"runs:/{run.pk}/{found['shown'].path}",
    }
    if asked_by(request, "no-files"):
        return shows_up(request, bool(found["nodes"]))
    template = "experiments/_shown.html" if is_partial(request) else "experiments/run_artifacts.html"
    return render(request, template, context)


@access.needs("experiments.read")
@require_GET
def run_artifact(request: Request, run_id: str) -> HttpResponseBase:
    place, _model = artifacts.resolve(fetch(request, run_id), request.GET.get("path", ""))
    return send(place)


def send(place: Place) -> HttpResponseBase:
    """Send a file as it is: pictures to be seen, all else to be saved: no file may act in the reader's name."""
    if artifacts.store().stat(place.key).is_dir:
        raise NotFound(_("“%s” is a folder.") % place.name)
    kind = mimetypes.guess_type(place.name)[0] if is_image(place.name) else None
    response: HttpResponseBase
    if settings.STUDIO_SENDS_FILES_BY_GATEWAY:
        response = HttpResponse(headers={"X-Accel-Redirect": f"/_files/{quote(place.key)}"})
    else:
        response = FileResponse(artifacts.open_file(place))
    response.headers["Content-Type"] = kind or "application/octet-stream"
    response.headers["Content-Disposition"] = content_disposition_header(kind is None, place.name) or "inline"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = FILE_POLICY
    return response
