"""`/health`: 200 only when every part does its work, else 503 and which do not."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from studio import heartbeats
from workspaces import access
from workspaces.request import Request

BEATING = ("control", "beat", "node")


@access.open_route
@require_safe
def health(request: Request) -> HttpResponse:
    """Answer `OK`, as MLflow's own server does; with `Accept: application/json`, and when it is not, the parts."""
    told = supervised()
    states = {name: part["state"] for name, part in told.items()} | working(told)
    healthy = all(state == "ready" for state in states.values())
    if healthy and "application/json" not in request.headers.get("Accept", ""):
        return HttpResponse("OK", content_type="text/plain")
    body: dict[str, Any] = {"status": "ready" if healthy else "not ready", "parts": states}
    if request.actor.is_admin:
        body["reasons"] = {name: part["reason"] for name, part in told.items() if part.get("reason")}
    response = JsonResponse(body, status=200 if healthy else 503)
    if not healthy:
        response.headers["Retry-After"] = "2"
    return response


def supervised() -> dict[str, dict[str, Any]]:
    """Return how the supervisor says the parts fare; nothing where parts are run by something else."""
    try:
        parts = json.loads((settings.HOME / "run/parts.json").read_text())["parts"]
    except (OSError, ValueError, KeyError):
        return {}
    return dict(parts)


def working(told: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return how the parts fare by asking them, which sees more than that their processes live.

    The gateway and the web are asked by the request itself.
    """
    found = {"database": database_answers(), "broker": broker_answers()}
    beating = [name for name in BEATING if name in told or name != "node"]
    found |= heartbeats.fresh(*beating) if found["broker"] else dict.fromkeys(beating, False)
    return {name: word(told, name, works) for name, works in found.items()}


def word(told: dict[str, dict[str, Any]], name: str, works: bool) -> str:
    """Return what to call how a part fares: the supervisor's word, unless it is too good."""
    state = str(told.get(name, {}).get("state", "ready"))
    return "not answering" if state == "ready" and not works else state


def database_answers() -> bool:
    """Ask the database for nothing."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError):
        return False
    return True


def broker_answers() -> bool:
    """Ask the broker for nothing."""
    try:
        cache.get("health")
    except RedisError:
        return False
    return True
