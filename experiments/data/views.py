"""Pages: datasets and their versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, BinaryIO

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from experiments import viewers
from experiments.browser.tab import Chosen
from experiments.data import consuming, operations, queries, stores
from experiments.data.forms import DatasetForm, VersionForm
from experiments.data.models import DatasetKind, DatasetVersion, Datastore
from experiments.data.profiles import shown as shown_profile
from experiments.data.sending import send_file
from experiments.viewers import Source
from lib.errors import StudioError
from lib.html import FORM_ERROR, done, is_partial
from lib.ids import new_id
from workspaces import access
from workspaces.request import Request

READ, WRITE = "experiments.read", "experiments.write"
A_PAGE = 100
FILES_SHOWN = 500
COPIED_BYTES = 256 * 1024**2


def version_url(request: Request, version: DatasetVersion, page: str = "data-detail") -> str:
    return reverse(f"experiments:{page}", args=[request.workspace.name, version.dataset.name, version.number])


@access.needs(READ)
@require_GET
def data_list(request: Request) -> HttpResponse:
    wanted = request.GET.get("name", "").strip()
    rows = queries.datasets(request.actor, request.workspace)
    page = Paginator(rows.filter(name__icontains=wanted) if wanted else rows, A_PAGE).get_page(request.GET.get("page"))
    return render(request, "experiments/data_list.html", {"page": page, "wanted": wanted})


# ---- One version ----------------------------------------------------------------------------------------------------


def frame(request: Request, name: str, number: int | str, tab: str) -> tuple[DatasetVersion, dict[str, Any]]:
    """Give a version, and what every tab of it shows."""
    version = queries.version(request.actor, request.workspace, name, number)
    return version, {"version": version, "dataset": version.dataset, "tab": tab}


@access.needs(READ)
@require_GET
def data_newest(request: Request, name: str) -> HttpResponseBase:
    """Send the reader to the newest version."""
    return done(request, version_url(request, queries.version(request.actor, request.workspace, name)))


@access.needs(READ)
@require_GET
def data_detail(request: Request, name: str, number: int) -> HttpResponse:
    version, context = frame(request, name, number, "details")
    uses = queries.uses(request.actor, version.dataset)
    files = version.files[:FILES_SHOWN]
    shown = {"uses": uses, "files": files, "is_table": version.dataset.kind == DatasetKind.TABULAR}
    return render(request, "experiments/data_detail.html", {**context, **shown})


@access.needs(READ)
@require_GET
def data_explore(request: Request, name: str, number: int) -> HttpResponse:
    """Show a table's profile, and a file by the viewer that fits it."""
    version, context = frame(request, name, number, "explore")
    if is_partial(request) and request.headers.get("HX-Target") == "data-profile":
        return render(request, "experiments/_data_profile.html", {**context, "profile": shown_profile(version)})
    path = request.GET.get("path", "") or version.files[0]["name"]
    context |= {
        "profile": shown_profile(version),
        "files": version.files[:FILES_SHOWN],
        **looked_at(request, version, path),
    }
    return render(request, "experiments/data_explore.html", context)


def looked_at(request: Request, version: DatasetVersion, name: str) -> dict[str, Any]:
    """Give what the viewers' templates need of one file of the version."""
    path = version.path_of(name)
    size = stores.stat_of(version.datastore, path).size_bytes or 0
    source = Source(name, size, opener(version, path), wanted=request.GET.dict())
    shown = viewers.show(source)
    return {
        "shown": Chosen(path=name, name=name, folder="", is_dir=False, size_bytes=size, is_own=False),
        "viewer": shown.template,
        "viewer_name": shown.name,
        "view": shown.view,
        "offers": shown.offers,
        "base": version_url(request, version, "data-explore"),
        "raw": version_url(request, version, "data-file"),
    }


def opener(version: DatasetVersion, path: str) -> Callable[[], BinaryIO]:
    """Say how a viewer opens a file. A parquet file is read by another process, which needs one of this machine."""
    if version.datastore.is_remote and path.lower().endswith((".parquet", ".pq")):
        return lambda: stores.open_here(version.datastore, path, COPIED_BYTES)[0]
    return lambda: stores.open_file(version.datastore, path)


@access.needs(READ)
@require_GET
def data_file(request: Request, name: str, number: int) -> HttpResponseBase:
    version = queries.version(request.actor, request.workspace, name, number)
    return send_file(version.datastore, version.path_of(request.GET.get("path", "")))


@access.needs(READ)
@require_GET
def data_consume(request: Request, name: str, number: int) -> HttpResponse:
    version, context = frame(request, name, number, "consume")
    snippets = consuming.snippets(version, settings.STUDIO_URL)
    return render(request, "experiments/data_consume.html", {**context, "snippets": snippets})


@access.needs(READ)
@require_GET
def data_versions(request: Request, name: str, number: int) -> HttpResponse:
    version, context = frame(request, name, number, "versions")
    rows = queries.versions(request.actor, version.dataset)
    page = Paginator(rows, A_PAGE).get_page(request.GET.get("page"))
    return render(request, "experiments/data_versions.html", {**context, "page": page})


# ---- Changes --------------------------------------------------------------------------------------------------------


@access.needs(WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def data_create(request: Request) -> HttpResponseBase:
    names = store_names(request)
    form = DatasetForm(request.POST or None, request.FILES or None, datastores=names)
    if request.method == "POST" and form.is_valid():
        try:
            said = form.cleaned_data
            store, paths = files_of(request, form, said["name"])
            version = operations.create_dataset(
                request.actor, request.workspace, name=said["name"], kind=said["kind"], datastore=store, paths=paths,
                description=said["description"], options=form.options,
            )  # fmt: skip
            return done(request, version_url(request, version))
        except StudioError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
    return render(request, "experiments/data_form.html", {"form": form}, status=FORM_ERROR if form.errors else 200)


@access.needs(WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def data_version_create(request: Request, name: str) -> HttpResponseBase:
    dataset = queries.dataset(request.actor, request.workspace, name)
    form = VersionForm(request.POST or None, request.FILES or None, datastores=store_names(request))
    if request.method == "POST" and form.is_valid():
        try:
            store, paths = files_of(request, form, name)
            description = form.cleaned_data["description"]
            version = operations.create_dataset_version(
                request.actor, dataset, datastore=store, paths=paths, options=form.options, description=description
            )
            return done(request, version_url(request, version))
        except StudioError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
    context = {"form": form, "dataset": dataset}
    return render(request, "experiments/data_form.html", context, status=FORM_ERROR if form.errors else 200)


def store_names(request: Request) -> list[str]:
    return [one.name for one in queries.datastores(request.actor, request.workspace)]


def files_of(request: Request, form: VersionForm, name: str) -> tuple[Datastore, list[str]]:
    """Give where the form's files lie: those that came with it are stored in a folder of their own first."""
    said = form.cleaned_data
    if not said["uploads"]:
        store = queries.datastore(request.actor, request.workspace, said["datastore"] or stores.DEFAULT)
        return store, [line.strip() for line in said["paths"].splitlines() if line.strip()]
    store = queries.datastore(request.actor, request.workspace, stores.DEFAULT)
    folder = f"uploads/{name.replace('/', '-')}/{new_id()[:12]}"
    for file in said["uploads"]:
        operations.put_file(request.actor, store, path=f"{folder}/{file.name}", source=file, size_bytes=file.size)
    return store, [folder]


@access.needs(WRITE)
@require_POST
def data_describe(request: Request, name: str, number: int) -> HttpResponseBase:
    version = queries.version(request.actor, request.workspace, name, number)
    operations.update_dataset(request.actor, version.dataset, description=request.POST.get("text", "").strip())
    return done(request, version_url(request, version))


@access.needs(WRITE)
@require_POST
def data_tag(request: Request, name: str, number: int) -> HttpResponseBase:
    """Set a tag, or take it away where its value is empty."""
    version = queries.version(request.actor, request.workspace, name, number)
    key, value = request.POST.get("key", "").strip(), request.POST.get("value", "").strip()
    tags = (
        {**version.dataset.tags, key: value} if value else {k: v for k, v in version.dataset.tags.items() if k != key}
    )
    try:
        operations.update_dataset(request.actor, version.dataset, tags=tags)
    except StudioError as error:
        messages.error(request, error.message)
    return done(request, version_url(request, version))


@access.needs(WRITE)
@require_POST
def data_profile(request: Request, name: str, number: int) -> HttpResponseBase:
    version = queries.version(request.actor, request.workspace, name, number)
    operations.profile_version(request.actor, version)
    return done(request, version_url(request, version, "data-explore"))


@access.needs(WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def data_delete(request: Request, name: str, number: int) -> HttpResponseBase:
    """Ask, and then delete one version, or the dataset with all of them."""
    version, context = frame(request, name, number, "")
    if request.method != "POST":
        return render(request, "experiments/data_confirm_delete.html", context)
    listing = reverse("experiments:data-list", args=[request.workspace.name])
    try:
        if "all" in request.POST:
            operations.delete_dataset(request.actor, version.dataset)
        else:
            operations.delete_dataset_version(request.actor, version)
            newest = queries.versions(request.actor, version.dataset).first()
            listing = version_url(request, newest, "data-versions") if newest else listing
    except StudioError as error:
        messages.error(request, error.message)
        return done(request, version_url(request, version))
    messages.success(request, _("%s is deleted; the files stay in the datastore") % version.dataset.name)
    return done(request, listing)
