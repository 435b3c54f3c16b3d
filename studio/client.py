"""The client for other machines: its wheel, and the config.json that tells it which workspace is meant."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.http import FileResponse, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from compute.environments import client
from compute.environments.build import uv_program
from lib.errors import NotFound
from workspaces import access
from workspaces.request import Request


def file() -> Path:
    return client.wheel(Path(settings.RUNTIME_HOME) / "environments/.client", uv_program())


@access.open_route
@require_GET
def listing(request: Request) -> HttpResponse:
    """Say how the client is installed; pip reads the page too (`--find-links`)."""
    return render(request, "studio/client.html", {"name": file().name, "studio_url": settings.STUDIO_URL})


@access.open_route
@require_GET
def wheel(request: Request, name: str) -> FileResponse:
    """Send the wheel: no secret is in it, and pip has no token when it asks."""
    found = file()
    if name != found.name:
        raise NotFound(f"There is no “{name[:100]}”; the client is {found.name}.")
    return FileResponse(found.open("rb"), content_type="application/octet-stream", filename=found.name)


@access.needs("workspace.read")
@require_GET
def config(request: Request) -> HttpResponse:
    """Give what `Workspace.from_config()` reads; it holds no secret."""
    workspace = request.workspace
    assert workspace is not None
    content = {
        "subscription_id": workspace.group.subscription_id,
        "resource_group": workspace.group.name,
        "workspace_name": workspace.name,
        "studio_url": settings.STUDIO_URL,
    }
    options = {"Content-Disposition": 'attachment; filename="config.json"'}
    return JsonResponse(content, headers=options, json_dumps_params={"indent": 2})
