"""The request as views get it: the middlewares have put the actor and the workspace there."""

from __future__ import annotations

from django.http import HttpRequest

from workspaces.access import Actor
from workspaces.models import Workspace


class Request(HttpRequest):
    """For type signatures only. `workspace` is set on routes that need a permission in one."""

    actor: Actor
    workspace: Workspace
    request_id: str
