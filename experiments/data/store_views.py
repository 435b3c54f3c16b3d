"""Pages: datastores and what lies in them."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from experiments.artifacts import checked
from experiments.data import operations, queries, stores
from experiments.data.forms import DatastoreForm
from experiments.data.models import Datastore
from experiments.data.sending import send_file
from lib.errors import StudioError
from lib.html import FORM_ERROR, done
from workspaces import access
from workspaces.request import Request

READ, WRITE, OWN = "experiments.read", "experiments.write", "workspace.write"
SHOWN = 500


def fetch(request: Request, name: str) -> Datastore:
    return queries.datastore(request.actor, request.workspace, name)


def folder_url(request: Request, store: Datastore, path: str = "") -> str:
    url = reverse("experiments:data-store", args=[request.workspace.name, store.name])
    return f"{url}?path={path}" if path else url


@access.needs(READ)
@require_GET
def store_list(request: Request) -> HttpResponse:
    return list_page(request)


def list_page(request: Request, form: DatastoreForm | None = None) -> HttpResponse:
    folders = sorted(stores.folders())
    context = {
        "datastores": queries.datastores(request.actor, request.workspace),
        "folders": folders,
        "form": form or DatastoreForm(folders=folders),
    }
    return render(request, "experiments/data_stores.html", context, status=FORM_ERROR if form else 200)


@access.needs(OWN)
@require_POST
def store_create(request: Request) -> HttpResponseBase:
    form = DatastoreForm(request.POST, folders=sorted(stores.folders()))
    try:
        if form.is_valid():
            made = operations.create_datastore(request.actor, request.workspace, **form.cleaned_data)
            return done(request, folder_url(request, made))
    except StudioError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
    return list_page(request, form)


@access.needs(OWN)
@require_POST
def store_delete(request: Request, name: str) -> HttpResponseBase:
    try:
        operations.delete_datastore(request.actor, fetch(request, name))
    except StudioError as error:
        messages.error(request, error.message)
    return done(request, reverse("experiments:data-store-list", args=[request.workspace.name]))


@access.needs(READ)
@require_GET
def store_detail(request: Request, name: str) -> HttpResponse:
    store, path = fetch(request, name), checked(request.GET.get("path", ""))
    listing = queries.listing(store, path, request.GET.get("after", ""), SHOWN)
    steps = path.split("/") if path else []
    context = {
        "store": store,
        "path": path,
        "prefix": f"{path}/" if path else "",
        "listing": listing,
        "after": listing.entries[-1].rank if listing.rest else "",
        "steps": [(step, "/".join(steps[: at + 1])) for at, step in enumerate(steps)],
    }
    return render(request, "experiments/data_store.html", context)


@access.needs(READ)
@require_GET
def store_file(request: Request, name: str) -> HttpResponseBase:
    return send_file(fetch(request, name), request.GET.get("path", ""))


@access.needs(WRITE)
@require_POST
def store_upload(request: Request, name: str) -> HttpResponseBase:
    """Store the files of a form; larger ones go by the API."""
    store, folder = fetch(request, name), checked(request.POST.get("folder", "").strip("/ "))
    stored = 0
    for file in request.FILES.getlist("files"):
        path = f"{folder}/{file.name}" if folder else str(file.name)
        try:
            operations.put_file(request.actor, store, path=path, source=file, size_bytes=file.size)
            stored += 1
        except StudioError as error:
            messages.error(request, error.message)
    if stored:
        messages.success(request, ngettext("%s file stored", "%s files stored", stored) % stored)
    return done(request, folder_url(request, store, folder))


@access.needs(WRITE)
@require_POST
def store_file_delete(request: Request, name: str) -> HttpResponseBase:
    store, path = fetch(request, name), request.POST.get("path", "")
    try:
        operations.delete_file(request.actor, store, path=path)
        messages.success(request, _("%s is deleted") % path)
    except StudioError as error:
        messages.error(request, error.message)
    return done(request, folder_url(request, store, path.rpartition("/")[0]))
