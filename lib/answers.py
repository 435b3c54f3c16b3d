"""Errors as answers: JSON for programs, a page for people."""

from __future__ import annotations

import logging

from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from lib.errors import Denied, InvalidValue, NotFound, StudioError, TooLarge, Unavailable
from lib.http import wants_json

logger = logging.getLogger(__name__)


class Unforeseen(StudioError):
    """What nobody foresaw: the sentence never carries the exception's own text, which may hold SQL or secrets."""


def respond(request: HttpRequest, error: StudioError) -> HttpResponse:
    response: HttpResponse
    if wants_json(request):
        response = JsonResponse(as_json(error), status=error.status)
    else:
        request_id = getattr(request, "request_id", "-")
        response = render(request, "error.html", {"error": error, "request_id": request_id}, status=error.status)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="studio"'
    if error.status in (429, 503):
        response.headers["Retry-After"] = "2"
    return response


def as_json(error: StudioError) -> dict[str, str | int]:
    body: dict[str, str | int] = {"error_code": error.code, "message": error.message}
    if error.field:
        body["field"] = error.field
    if error.column:
        body["column"] = error.column
    return body


def translate(request: HttpRequest, exception: Exception) -> StudioError:
    """Give the error of the tree for whatever was raised; what nobody foresaw is logged here, once."""
    if isinstance(exception, StudioError):
        return exception
    if isinstance(exception, Http404):
        return NotFound(_("There is nothing at this address."))
    if isinstance(exception, PermissionDenied):
        return Denied(_("You may not do this."))
    if isinstance(exception, RequestDataTooBig):
        return TooLarge(_("The request is larger than the studio takes."))
    if isinstance(exception, SuspiciousOperation | BadRequest):
        return InvalidValue(_("The request could not be read."))
    if isinstance(exception, OperationalError | InterfaceError):
        logger.warning("database away: %s", exception)
        return Unavailable(_("The database is not ready. Try again in a moment."))
    logger.error("unforeseen error at %s", request.path, exc_info=exception)
    request_id = getattr(request, "request_id", "-")
    return Unforeseen(_("Something went wrong in the studio (request %s).") % request_id)


def answer(request: HttpRequest, exception: Exception) -> HttpResponse:
    return respond(request, translate(request, exception))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return respond(request, Denied(_("The form was too old or came from elsewhere. Go back, reload and try again.")))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return respond(request, InvalidValue(_("The request could not be read.")))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return respond(request, NotFound(_("There is nothing at this address.")))


def server_error(request: HttpRequest) -> HttpResponse:
    return respond(request, Unforeseen(_("Something went wrong in the studio.")))
