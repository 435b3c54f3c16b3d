"""Pages: one run, its tabs and its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from experiments import charts, forms, operations, queries, tables
from experiments.artifacts import of_run
from experiments.models import NOTE_TAG, LoggedModel, Run
from experiments.queries import nesting
from lib import markdown
from lib.errors import NotFound, StudioError
from lib.html import done
from workspaces import access
from workspaces.request import Request

CHARTS_ON_OVERVIEW = 4
FACTS = (
    ("mlflow.source.name", gettext_lazy("Source")),
    ("mlflow.source.git.repoURL", gettext_lazy("Repository")),
    ("mlflow.source.git.branch", gettext_lazy("Git branch")),
)
COMMIT = "mlflow.source.git.commit"
HASH = re.compile(r"[0-9a-f]{7,64}")


def fetch(request: Request, run_id: str) -> Run:
    rows = Run.objects.filter(workspace=request.workspace).select_related("experiment")
    found: Run = access.fetch(request.actor, rows, pk=run_id)
    return found


def detail_url(request: Request, run: Run) -> str:
    return reverse("experiments:run-detail", args=[request.workspace.name, run.pk])


def frame(run: Run, tab: str) -> dict[str, Any]:
    """Give what the frame around every tab shows."""
    return {
        "run": run,
        "tab": tab,
        "rename_form": forms.RunForm(initial={"name": run.name}),
        "child_count": nesting.children(run).count(),
        "model_count": LoggedModel.objects.filter(source_run=run, deleted_ms=None).count(),
    }


def values(run: Run) -> dict[str, Any]:
    """Give what the run has logged; `seen` changes when any of it does."""
    metrics = [
        {"key": one.key, "value": one.last_value, "min": one.min_value, "max": one.max_value, "step": one.last_step}
        for one in run.metrics.order_by("key")
    ]
    params = list(run.params.order_by("key"))
    said = repr([tuple(one.values()) for one in metrics] + [(one.key, one.value) for one in params])
    return {"metrics": metrics, "params": params, "seen": sha256(said.encode()).hexdigest()[:16]}


@access.needs("experiments.read")
@require_GET
def run_detail(request: Request, run_id: str) -> HttpResponseBase:
    """Show the overview; the link of an MLflow client knows no workspace, so a run elsewhere is gone to."""
    run = access.fetch(request.actor, Run.objects.select_related("experiment", "workspace"), pk=run_id)
    if run.workspace_id != request.workspace.pk:
        return redirect("experiments:run-detail", run.workspace.name, run.pk)
    return overview(request, run)


def overview(request: Request, run: Run, **bound: Any) -> HttpResponse:
    found = queries.run_overview(request.actor, run)
    facts = [{"label": label, "value": found.system_tags.get(key)} for key, label in FACTS]
    note = found.system_tags.get(NOTE_TAG, "")
    context = {
        **frame(run, "overview"),
        **values(run),
        **plots(request, run, [], CHARTS_ON_OVERVIEW),
        "overview": found,
        "duration_ms": tables.duration_ms(run),
        "facts": [fact for fact in facts if fact["value"]],
        "commit": found.system_tags.get(COMMIT, ""),
        "commit_url": commit_url(found.system_tags),
        "tags": sorted(found.tags.items()),
        "artifact_uri": of_run(run).uri,
        "note": note,
        "note_html": markdown.render(note) if note else "",
        **bound,
    }
    return render(request, "experiments/run_detail.html", context, status=422 if bound else 200)


def commit_url(tags: Mapping[str, str]) -> str:
    """Give the address of the commit where the repository's host shows commits as GitHub, GitLab and others do."""
    repository, commit = tags.get("mlflow.source.git.repoURL", ""), tags.get(COMMIT, "")
    is_plain = repository.startswith("https://") and HASH.fullmatch(commit)
    return f"{repository.removesuffix('/').removesuffix('.git')}/commit/{commit}" if is_plain else ""


@access.needs("experiments.read")
@require_GET
def run_state(request: Request, run_id: str) -> HttpResponse:
    return render(request, "experiments/_run_state.html", {"run": fetch(request, run_id)})


@access.needs("experiments.read")
@require_GET
def run_values(request: Request, run_id: str) -> HttpResponse:
    """Answer what changed on a live run's page; what did not is left alone, with what is selected in it."""
    run = fetch(request, run_id)
    found = values(run)
    is_new = request.GET.get("seen") != found["seen"]
    context = {"run": run, **found, "is_new": is_new, "duration_ms": tables.duration_ms(run), "is_refresh": True}
    return render(request, "experiments/_run_refresh.html", context)


def plots(request: Request, run: Run, known: list[str], most: int = charts.MOST_CHARTS) -> dict[str, Any]:
    """Give the charts that are not known yet, `most` in all, and how a live page asks for those still to come."""
    found = charts.charts(request.workspace.name, [run])[:most]
    ask = urlencode([("most", most), *(("known", chart.key) for chart in found)])
    new = [chart for chart in found if chart.key not in known]
    return {
        "charts": new,
        "known": bool(found),
        "ask": ask,
        "is_live": not run.has_ended,
        "has_room": len(found) < most,
    }


@access.needs("experiments.read")
@require_GET
def run_job(request: Request, run_id: str) -> HttpResponse:
    return render(request, "experiments/run_job.html", frame(fetch(request, run_id), "job"))


@access.needs("experiments.read")
@require_GET
def run_code(request: Request, run_id: str) -> HttpResponse:
    return render(request, "experiments/run_code.html", frame(fetch(request, run_id), "code"))


@access.needs("experiments.write")
@require_POST
def run_rename(request: Request, run_id: str) -> HttpResponseBase:
    run = fetch(request, run_id)
    form = forms.RunForm(request.POST)
    try:
        if form.is_valid():
            operations.update_run(request.actor, run, **form.cleaned_data)
            return done(request, detail_url(request, run))
    except StudioError as error:
        form.add_error("name", error.message)
    return overview(request, run, rename_form=form)


@access.needs("experiments.write")
@require_POST
def run_note(request: Request, run_id: str) -> HttpResponseBase:
    run = fetch(request, run_id)
    operations.set_tag(request.actor, run, key=NOTE_TAG, value=request.POST.get("text", "").strip())
    return done(request, detail_url(request, run))


@access.needs("experiments.write")
@require_POST
def run_delete(request: Request, run_id: str) -> HttpResponseBase:
    run = fetch(request, run_id)
    operations.delete_run(request.actor, run)
    messages.success(request, _("%s moved to the deleted runs") % run.name)
    return done(request, reverse("experiments:experiment-detail", args=[request.workspace.name, run.experiment_id]))


@access.needs("experiments.write")
@require_POST
def run_restore(request: Request, run_id: str) -> HttpResponseBase:
    run = fetch(request, run_id)
    operations.restore_run(request.actor, run)
    return done(request, detail_url(request, run))


@access.needs("experiments.read")
@require_GET
def logged_model(request: Request, model_id: str) -> HttpResponseBase:
    """Lead from a logged model to its files on the page of the run that made it."""
    rows = LoggedModel.objects.filter(workspace=request.workspace)
    model = access.fetch(request.actor, rows, pk=model_id)
    if model.source_run_id is None:
        raise NotFound(_("The model %s belongs to no run.") % model_id)
    address = reverse("experiments:run-artifacts", args=[request.workspace.name, model.source_run_id])
    return redirect(f"{address}?{urlencode({'path': model.name})}")
