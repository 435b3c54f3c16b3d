"""Pages: files of runs and of logged models."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from experiments import artifacts, browser, operations
from experiments.models import LoggedModel, Run
from experiments.views.runs import fetch, frame
from lib import format as fmt
from lib.errors import InvalidValue, StudioError
from lib.html import asked_by, done, is_partial, shows_up
from workspaces import access
from workspaces.request import Request

PROTOCOL = "ajax-api/2.0/mlflow-artifacts/artifacts"


@access.needs("experiments.read")
@require_GET
def run_artifacts(request: Request, run_id: str) -> HttpResponseBase:
    """Show the tree and what is chosen in it; htmx gets a part of it alone."""
    run = fetch(request, run_id)
    files = browser.of_run(run)
    if asked_by(request, "no-files"):
        return shows_up(request, bool(files.tally().files))
    template, shown = browser.answer(request, files, "experiments/run_artifacts.html")
    return render(request, template, {**frame(run, "artifacts"), **addresses(request, run), **shown, **use(run, shown)})


def addresses(request: Request, run: Run) -> dict[str, Any]:
    """Say where the files are read and written; the bytes of uploads go the way of MLflow's clients, at any size."""
    names = [request.workspace.name, run.pk]
    return {
        "base": reverse("experiments:run-artifacts", args=names),
        "raw": reverse("experiments:run-artifact", args=names),
        "upload_url": reverse("experiments:run-artifact-upload", args=names),
        "delete_url": reverse("experiments:run-artifact-delete", args=names),
        "put_url": f"/w/{quote(request.workspace.name)}/{PROTOCOL}/{artifacts.of_run(run).key}/",
        "can_write": run.deleted_ms is None and request.actor.may("experiments.write", request.workspace),
    }


def use(run: Run, shown: dict[str, Any]) -> dict[str, Any]:
    return {"use_uri": f"runs:/{run.pk}/{shown['shown'].path}"} if "shown" in shown else {}


@access.needs("experiments.read")
@require_GET
def run_artifact(request: Request, run_id: str) -> HttpResponseBase:
    return browser.send_asked(browser.of_run(fetch(request, run_id)), request.GET.dict())


@access.needs("experiments.write")
@require_POST
def run_upload(request: Request, run_id: str) -> HttpResponseBase:
    """Store the files of a form: what a browser without script sends, and so no larger than a form may be."""
    run = fetch(request, run_id)
    folder, replaces = request.POST.get("folder", "").strip("/ "), "replace" in request.POST
    stored = 0
    for file in request.FILES.getlist("files"):
        try:
            put(request, run, f"{folder}/{file.name}" if folder else f"{file.name}", file, replaces)
            stored += 1
        except StudioError as error:
            messages.error(request, error.message)
    if stored:
        messages.success(request, ngettext("%s file stored", "%s files stored", stored) % stored)
    return done(request, page_of(request, run, folder))


def put(request: Request, run: Run, path: str, file: UploadedFile[bytes], replaces: bool) -> None:
    operations.put_artifact(request.actor, run, path=path, source=file, size_bytes=file.size, replaces=replaces)


def page_of(request: Request, run: Run, path: str) -> str:
    address = reverse("experiments:run-artifacts", args=[request.workspace.name, run.pk])
    return f"{address}?path={quote(path)}" if path else address


@access.needs("experiments.write")
@require_http_methods(["GET", "POST"])
def run_artifact_delete(request: Request, run_id: str) -> HttpResponseBase:
    """Ask, with what would go, and then delete a file or a folder of a run."""
    run = fetch(request, run_id)
    files = browser.of_run(run)
    path = artifacts.checked(request.POST.get("path", "") or request.GET.get("path", ""))
    if not path or not files.is_own(path):
        raise InvalidValue(_("These files belong to a logged model and go with it."), field="path")
    if request.method == "GET":
        return ask(request, run, path, files)
    gone = operations.delete_artifact(request.actor, run, path=path)
    words = {"name": browser.readable(path), "size": fmt.size(gone.size_bytes)}
    messages.success(request, _("%(name)s is gone, %(size)s freed") % words)
    return done(request, page_of(request, run, above(files, path)))


def ask(request: Request, run: Run, path: str, files: browser.Files) -> HttpResponse:
    template = (
        "experiments/_artifact_delete.html" if is_partial(request) else "experiments/artifact_confirm_delete.html"
    )
    context = {"path": path, "name": browser.readable(path), "tally": files.tally(path)}
    return render(request, template, {**frame(run, "artifacts"), **addresses(request, run), **context})


def above(files: browser.Files, path: str) -> str:
    """Name the nearest folder above that is still there."""
    folder = path.rpartition("/")[0]
    return folder if folder and files.tally(folder).files else ""


# ---- Logged models --------------------------------------------------------------------------------------------------


def fetch_model(request: Request, model_id: str) -> LoggedModel:
    rows = LoggedModel.objects.filter(workspace=request.workspace).select_related("experiment")
    found: LoggedModel = access.fetch(request.actor, rows, pk=model_id)
    return found


def files_of(model: LoggedModel) -> browser.Files:
    return browser.of_place(artifacts.of_model(model), model.name)


@access.needs("experiments.read")
@require_GET
def model_artifacts(request: Request, model_id: str) -> HttpResponseBase:
    """Show the files of a logged model by itself, whether a run made it or not."""
    model = fetch_model(request, model_id)
    template, shown = browser.answer(request, files_of(model), "experiments/model_artifacts.html")
    names = [request.workspace.name, model.pk]
    context = {
        "logged": model,
        "base": reverse("experiments:logged-model-artifacts", args=names),
        "raw": reverse("experiments:logged-model-artifact", args=names),
        "use_uri": f"models:/{model.pk}",
    }
    return render(request, template, {**context, **shown})


@access.needs("experiments.read")
@require_GET
def model_artifact(request: Request, model_id: str) -> HttpResponseBase:
    return browser.send_asked(files_of(fetch_model(request, model_id)), request.GET.dict())
