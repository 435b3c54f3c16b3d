"""Errors of the studio's API, in the form that the whole studio uses: error_code, message, and the field if any."""

from __future__ import annotations

from typing import Any

from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler

from lib.answers import as_json
from lib.errors import StudioError


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    if isinstance(error, StudioError):
        return Response(as_json(error), status=error.status)
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
