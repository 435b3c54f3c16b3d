"""Django REST framework behind the studio's walls: the actor is known and the route was checked before it is asked."""

from __future__ import annotations

from typing import Any

from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler

from lib.errors import StudioError


class ActorAuthentication(BaseAuthentication):
    """Hand on what the middleware found out."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        actor = request._request.actor  # type: ignore[attr-defined]
        return (actor, None) if actor.is_known else None


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer in the form that the whole studio uses: error_code, message, and the field where there is one."""
    if isinstance(error, StudioError):
        body = {"error_code": error.code, "message": error.message}
        return Response({**body, "field": error.field} if error.field else body, status=error.status)
    response = drf_exception_handler(error, context)
    if response is not None:
        response.data = translated(error, response.status_code)
    return response


def translated(error: Exception, status: int) -> dict[str, str]:
    code = "INVALID_PARAMETER_VALUE" if status == 400 else getattr(error, "default_code", "error").upper()
    if isinstance(error, exceptions.ValidationError) and isinstance(error.detail, dict):
        field, problems = next(iter(error.detail.items()))
        first = problems[0] if isinstance(problems, list) and problems else problems
        return {"error_code": code, "message": f"{field}: {first}", "field": str(field)}
    return {"error_code": code, "message": str(getattr(error, "detail", error))}
