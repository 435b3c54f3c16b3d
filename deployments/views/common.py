"""What the pages of an endpoint share."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from deployments import queries, snippets
from deployments.models import COMING, Endpoint
from workspaces import access
from workspaces.request import Request


def fetch(request: Request, name: str) -> Endpoint:
    return access.fetch(request.actor, queries.endpoints(request.actor, request.workspace), name=name)


def url(request: Request, endpoint: Endpoint, page: str = "endpoint-detail") -> str:
    return reverse(f"deployments:{page}", args=[request.workspace.name, endpoint.name])


def frame(request: Request, endpoint: Endpoint, tab: str) -> dict[str, Any]:
    """Give what the frame around all tabs shows."""
    deployment = queries.shown(endpoint)
    return {
        "endpoint": endpoint,
        "tab": tab,
        "deployment": deployment,
        "serving": queries.serving(endpoint),
        "stages": queries.stages(deployment) if deployment else [],
        "is_coming": deployment is not None and deployment.state in COMING,
        "ready_after_ms": queries.ready_after_ms(deployment) if deployment else None,
        "scoring_url": snippets.scoring_url(endpoint),
        "swagger_url": snippets.swagger_url(endpoint),
        "may_write": request.actor.may("deployments.write", request.workspace),
        "may_read_keys": request.actor.may("keys.read", request.workspace),
    }
