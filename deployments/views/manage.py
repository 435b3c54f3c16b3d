"""Pages: how requests are divided among revisions, how many replicas there are, and who did what."""

from __future__ import annotations

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from deployments import forms, operations, queries
from deployments.models import SERVING, Endpoint, Wanted
from deployments.views.common import fetch, frame, url
from lib.errors import InvalidValue, StudioError
from lib.html import done
from workspaces import access
from workspaces.request import Request


@access.needs("deployments.read")
@require_GET
def endpoint_deployments(request: Request, name: str) -> HttpResponse:
    return page(request, fetch(request, name))


@access.needs("deployments.write")
@require_POST
def endpoint_traffic(request: Request, name: str) -> HttpResponseBase:
    """Take `share-<revision>` and `mirror-<revision>` of the sliders."""
    endpoint = fetch(request, name)
    try:
        shares, mirror = numbers(request, "share-"), numbers(request, "mirror-")
        operations.share_traffic(request.actor, endpoint, shares=shares, mirror=mirror)
    except StudioError as error:
        return page(request, endpoint, problem=error.message)
    return done(request, url(request, endpoint, "endpoint-deployments"))


@access.needs("deployments.write")
@require_POST
def endpoint_scale(request: Request, name: str) -> HttpResponseBase:
    endpoint = fetch(request, name)
    form = forms.ScaleForm(request.POST)
    try:
        if not form.is_valid():
            return page(request, endpoint, scale=form)
        operations.change_endpoint(request.actor, endpoint, policy=form.policy())
    except StudioError as error:
        form.add_error(None, error.message)
        return page(request, endpoint, scale=form)
    return done(request, url(request, endpoint, "endpoint-deployments"))


def numbers(request: Request, prefix: str) -> dict[int, int]:
    """Read whole numbers by revision from fields of one prefix."""
    try:
        return {
            int(name.removeprefix(prefix)): int(str(text) or 0)
            for name, text in request.POST.items()
            if name.startswith(prefix)
        }
    except ValueError:
        raise InvalidValue(_("Shares are whole numbers."), field="traffic") from None


def page(request: Request, endpoint: Endpoint, problem: str = "", scale: forms.ScaleForm | None = None) -> HttpResponse:
    revisions = list(queries.deployments(endpoint))
    able = [one for one in revisions if one.state in SERVING and one.wanted == Wanted.RUNNING]
    context = {
        **frame(request, endpoint, "deployments"),
        "revisions": revisions,
        "able": able,
        "history": queries.history(endpoint),
        "problem": problem,
        "scale": scale or forms.ScaleForm.of(endpoint, able),
    }
    failed = bool(problem or (scale and scale.errors))
    return render(request, "deployments/endpoint_deployments.html", context, status=422 if failed else 200)
