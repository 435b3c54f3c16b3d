"""Pages: what belongs to a run besides its own values: the runs nested in it, its models, its tags."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_GET, require_POST

from experiments import operations, tables
from experiments.models import LoggedModel, Run, RunModel
from experiments.queries import nesting, table
from experiments.views.runs import detail_url, fetch, frame
from lib.errors import StudioError
from lib.html import done, is_partial
from workspaces import access
from workspaces.request import Request

MOST_CHILDREN = 300
SYSTEM = "mlflow."


@access.needs("experiments.read")
@require_GET
@gzip_page
def run_children(request: Request, run_id: str) -> HttpResponse:
    run = fetch(request, run_id)
    page = table.page(nesting.children(run).order_by(), table.Question(), size=MOST_CHILDREN)
    counts = nesting.child_counts(Run.objects.filter(workspace=run.workspace_id, deleted_ms=None), page.runs)
    places = [nesting.Placed(child, children=counts.get(child.pk, 0)) for child in page.runs]
    context = {**frame(run, "children"), "table": tables.run_table(page, places), "has_more": bool(page.after)}
    return render(request, "experiments/run_children.html", context)


@access.needs("experiments.read")
@require_GET
def run_models(request: Request, run_id: str) -> HttpResponse:
    """Show the models that the run logged, those that it read, and the versions registered from it."""
    run = fetch(request, run_id)
    made = LoggedModel.objects.filter(source_run=run, deleted_ms=None).prefetch_related("metrics", "params")
    read = LoggedModel.objects.filter(
        run_links__run=run, run_links__direction=RunModel.Direction.INPUT, deleted_ms=None
    ).select_related("source_run")
    context = {**frame(run, "models"), "made": [logged(one) for one in made.order_by("created_ms", "pk")], "read": read}
    return render(request, "experiments/run_models.html", context)


def logged(model: LoggedModel) -> dict[str, Any]:
    latest = {one.key: one.value for one in sorted(model.metrics.all(), key=lambda one: (one.step, one.at_ms))}
    return {"model": model, "metrics": sorted(latest.items()), "params": model.params.all()}


@access.needs("experiments.write")
@require_POST
def run_tag(request: Request, run_id: str) -> HttpResponseBase:
    """Set a tag of one run, or remove it; htmx gets the tags as they are now."""
    run, key, error = fetch(request, run_id), request.POST.get("key", "").strip(), ""
    try:
        if "remove" in request.POST:
            operations.delete_tag(request.actor, run, key=key)
        else:
            operations.set_tag(request.actor, run, key=key, value=request.POST.get("value", "").strip())
    except StudioError as refused:
        error = refused.message
    if not is_partial(request) and not error:
        return done(request, detail_url(request, run))
    tags = run.tags.exclude(key__startswith=SYSTEM).order_by("key").values_list("key", "value")
    context = {"run": run, "tags": tags, "error": error, "given": request.POST if error else {}}
    return render(request, "experiments/_run_tags.html", context, status=422 if error else 200)
