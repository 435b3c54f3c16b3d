"""Page: what was deleted and can come back."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from experiments.queries import trash
from workspaces import access
from workspaces.request import Request

PAGE = 50


@access.needs("experiments.read")
@require_GET
def trash_list(request: Request) -> HttpResponse:
    wanted = request.GET.get("name", "").strip()
    page = Paginator(trash.runs(request.actor, request.workspace, wanted), PAGE).get_page(request.GET.get("page"))
    experiments = trash.experiments(request.actor, request.workspace).filter(name__icontains=wanted)[:PAGE]
    context = {
        "wanted": wanted,
        "page": page,
        "runs": [trash.weighed(run) for run in page],
        "experiments": [trash.weighed(one) for one in experiments],
    }
    return render(request, "experiments/trash_list.html", context)
