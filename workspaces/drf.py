"""Django REST framework behind the walls: the actor is known and the route was checked before DRF is asked."""

from __future__ import annotations

from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request


class ActorAuthentication(BaseAuthentication):
    """Hand on what the middleware found out."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        actor = request._request.actor  # type: ignore[attr-defined]
        return (actor, None) if actor.is_known else None
