"""Pages: experiments and the runs of one."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_GET, require_POST

from experiments import forms, operations
from experiments.models import NOTE_TAG, Experiment
from experiments.queries import View, folders
from experiments.views.table import runs_page
from lib.errors import StudioError
from lib.html import done
from workspaces import access
from workspaces.request import Request

EXPERIMENTS_A_PAGE = 100


def fetch(request: Request, experiment_id: int) -> Experiment:
    found: Experiment = access.fetch(
        request.actor, Experiment.objects.filter(workspace=request.workspace), pk=experiment_id
    )
    return found


def detail_url(request: Request, experiment: Experiment) -> str:
    return reverse("experiments:experiment-detail", args=[request.workspace.name, experiment.pk])


@access.needs("experiments.read")
@require_GET
def experiment_list(request: Request) -> HttpResponse:
    return list_page(request)


@dataclass(frozen=True)
class Head:
    """A column's head: `order` is what a click asks for, `sort` how it is ordered now (in the words of aria-sort)."""

    label: str
    css: str
    order: str
    sort: str = ""


HEADS: tuple[tuple[folders.Sort, object, str], ...] = (
    ("name", gettext_lazy("Name"), ""),
    ("runs", gettext_lazy("Runs"), "num"),
    ("active", gettext_lazy("Last activity"), ""),
    ("owner", gettext_lazy("Owner"), "rank-2"),
    ("created", gettext_lazy("Created"), "rank-2"),
)


def list_page(request: Request, form: forms.ExperimentForm | None = None, status: int = 200) -> HttpResponse:
    given = request.GET
    wanted, view, folder = given.get("name", "").strip(), View.of_page(given.get("view", "")), given.get("folder", "")
    sort, descends = order_of(given.get("order", ""))
    found = folders.lines(request.actor, request.workspace, view, wanted)
    if wanted:
        shown = folders.ordered(found, sort, descends=descends)
    else:
        shown = folders.tree(found, folder, given.getlist("open"), sort, descends=descends)
    path = "/".join(folders.parts_of(folder))
    page = Paginator(shown, EXPERIMENTS_A_PAGE).get_page(given.get("page"))
    context = {
        "page": page,
        "rows": [(line, toggled(given.getlist("open"), line.path)) for line in page],
        "wanted": wanted,
        "view": view,
        "folder": path,
        "crumbs": [(part, "/".join(path.split("/")[: at + 1])) for at, part in enumerate(folders.parts_of(path))],
        "heads": heads(sort, descends),
        "form": form or forms.NewExperimentForm(initial={"name": f"{path}/" if path else ""}),
    }
    return render(request, "experiments/experiment_list.html", context, status=status)


def toggled(opened: list[str], path: str) -> list[str]:
    return [one for one in opened if one != path] if path in opened else [*opened, path]


def order_of(text: str) -> tuple[folders.Sort, bool]:
    """Read an order (`name`, `-active`): what moved last comes first unless asked otherwise."""
    name = next((one for one in folders.SORTS if one == text.lstrip("-")), None)
    return (name, text.startswith("-")) if name else ("active", True)


def heads(sort: folders.Sort, descends: bool) -> list[Head]:
    found = []
    for name, label, css in HEADS:
        now = ("descending" if descends else "ascending") if name == sort else ""
        first = "-" if name in folders.DESCENDING_FIRST else ""
        turned = "" if descends else "-"
        found.append(Head(str(label), css, f"{turned if now else first}{name}", now))
    return found


@access.needs("experiments.write")
@require_POST
def experiment_create(request: Request) -> HttpResponseBase:
    form = forms.NewExperimentForm(request.POST)
    try:
        if form.is_valid():
            note = form.cleaned_data["note"].strip()
            tags = {NOTE_TAG: note} if note else {}
            name = form.cleaned_data["name"]
            experiment = operations.create_experiment(request.actor, request.workspace, name=name, tags=tags)
            return done(request, detail_url(request, experiment))
    except StudioError as error:
        form.add_error("name", error.message)
    return list_page(request, form, status=422)


@access.needs("experiments.read")
@require_GET
@gzip_page
def experiment_detail(request: Request, experiment_id: int) -> HttpResponseBase:
    return runs_page(request, fetch(request, experiment_id))


@access.needs("experiments.write")
@require_POST
def experiment_rename(request: Request, experiment_id: int) -> HttpResponseBase:
    experiment = fetch(request, experiment_id)
    form = forms.ExperimentForm(request.POST)
    try:
        if form.is_valid():
            operations.update_experiment(request.actor, experiment, **form.cleaned_data)
            return done(request, detail_url(request, experiment))
    except StudioError as error:
        form.add_error("name", error.message)
    return runs_page(request, experiment, form, status=422)


@access.needs("experiments.write")
@require_POST
def experiment_delete(request: Request, experiment_id: int) -> HttpResponseBase:
    operations.delete_experiment(request.actor, fetch(request, experiment_id))
    return done(request, reverse("experiments:experiment-list", args=[request.workspace.name]))


@access.needs("experiments.write")
@require_POST
def experiment_restore(request: Request, experiment_id: int) -> HttpResponseBase:
    experiment = fetch(request, experiment_id)
    operations.restore_experiment(request.actor, experiment)
    return done(request, detail_url(request, experiment))


@access.needs("experiments.write")
@require_POST
def experiment_describe(request: Request, experiment_id: int) -> HttpResponseBase:
    """Keep the description where MLflow's clients look for it, too: in a tag."""
    experiment, text = fetch(request, experiment_id), request.POST.get("text", "").strip()
    operations.set_experiment_tag(request.actor, experiment, key=NOTE_TAG, value=text)
    return done(request, detail_url(request, experiment))


@access.needs("experiments.write")
@require_POST
def experiment_archive(request: Request, experiment_id: int) -> HttpResponseBase:
    experiment = fetch(request, experiment_id)
    operations.archive_experiment(request.actor, experiment)
    messages.success(request, _("%s is archived: out of sight in the list, as it was for clients") % experiment.name)
    return done(request, detail_url(request, experiment))


@access.needs("experiments.write")
@require_POST
def experiment_unarchive(request: Request, experiment_id: int) -> HttpResponseBase:
    experiment = fetch(request, experiment_id)
    operations.unarchive_experiment(request.actor, experiment)
    return done(request, detail_url(request, experiment))
