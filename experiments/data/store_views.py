"""Pages: datastores and what lies in them."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from experiments.artifacts import Listing, checked
from experiments.data import operations, queries, stores
from experiments.data.drivers import DRIVERS, Secret
from experiments.data.forms import DatastoreForm, FolderForm, ObjectStoreForm
from experiments.data.models import Datastore, DatastoreKind
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
    return f"{url}?{urlencode({'path': path})}" if path else url


@access.needs(READ)
@require_GET
def store_list(request: Request) -> HttpResponse:
    return render(
        request, "experiments/data_stores.html", {"datastores": queries.datastores(request.actor, request.workspace)}
    )


@never_cache
@access.needs(OWN)
@require_http_methods(["GET", "HEAD", "POST"])
def store_create(request: Request) -> HttpResponseBase:
    """Open a datastore, or try what was typed; `?kind=` says which."""
    kinds = {DatastoreKind.FOLDER: _("Folder"), **{kind: DatastoreKind(kind).label for kind in DRIVERS}}
    kind = request.GET.get("kind", "")
    form = form_of(request, kind if kind in kinds else "s3")
    found = None
    if request.method == "POST" and form.is_valid():
        try:
            if request.POST.get("act") == "test":
                found = operations.check_datastore(
                    request.actor, request.workspace, connection=form.connection, **form.place
                )
            else:
                return done(request, folder_url(request, made_of(request, form)))
        except StudioError as error:
            known = form.fields if error.field != "secret" else {}
            form.add_error(error.field if error.field in known else None, error.message)
    context = {"form": form, "kinds": kinds.items(), "kind": form.kind, "found": found}
    status = FORM_ERROR if form.errors else 200
    return render(request, "experiments/data_store_form.html", context, status=status)


def form_of(request: Request, kind: str) -> DatastoreForm:
    said = request.POST if request.method == "POST" else None
    if kind == DatastoreKind.FOLDER:
        return FolderForm(said, folders=sorted(stores.folders()))
    return ObjectStoreForm(said, kind=kind)


def made_of(request: Request, form: DatastoreForm) -> Datastore:
    one = form.connection
    return operations.create_datastore(
        request.actor, request.workspace, name=form.cleaned_data["name"], kind=one.kind, container=one.container,
        account=one.account, endpoint=one.endpoint, region=one.region, secret=Secret(one.secret), **form.place,
    )  # fmt: skip


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
    listing, problem = Listing(), ""
    try:
        listing = queries.listing(store, path, request.GET.get("after", ""), SHOWN)
    except StudioError as error:  # a store that is away still has its page, with what is to be mended
        if not store.is_remote:
            raise
        problem = error.message
    steps = path.split("/") if path else []
    context = {
        "store": store,
        "path": path,
        "prefix": f"{path}/" if path else "",
        "listing": listing,
        "problem": problem,
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
