"""Django REST framework behind the walls: the actor is known and the route was checked before DRF is asked."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from workspaces.access import Actor
from workspaces.models import Workspace


class ActorAuthentication(BaseAuthentication):
    """Hand on what the middleware found out."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        actor = request._request.actor  # type: ignore[attr-defined]
        return (actor, None) if actor.is_known else None


def asked(request: Request) -> tuple[Actor, Workspace]:
    """Say who asks, and of which workspace, as the middleware found out."""
    return request._request.actor, request._request.workspace  # type: ignore[attr-defined]


def parsed(shape: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    """Give what a body says. Raises ValidationError, which names the field, for one of another shape."""
    body = shape(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Tell the OpenAPI document how programs say who they are."""

    target_class = ActorAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
