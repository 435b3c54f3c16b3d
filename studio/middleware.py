"""What wraps every request: an id, security headers, errors as answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.cache import patch_vary_headers

from lib import answers, logs
from lib.errors import Denied, InvalidValue, StudioError
from lib.ids import new_id

Handler = Callable[[HttpRequest], HttpResponseBase]

# Plotly sets inline styles; nothing needs inline scripts. data: and blob: images are Plotly's own downloads.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")


class RequestIdMiddleware:
    """Name the request as its sender did, or anew, and say the name in the answer."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get("X-Request-ID", "")
        request.request_id = given if REQUEST_ID.fullmatch(given) else new_id()  # type: ignore[attr-defined]
        logs.request_id.set(request.request_id)  # type: ignore[attr-defined]
        logs.actor_name.set("-")
        response = self.get_response(request)
        response.headers["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
        return response


class SecurityHeadersMiddleware:
    """Refuse writes from foreign pages and say how the answer may be used."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            refuse_unreadable_address(request)
            refuse_foreign_origin(request)
            response = self.get_response(request)
        except StudioError as error:
            response = answers.respond(request, error)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        # Pages and API answers are somebody's own; static files are served by the gateway with their own rule.
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def refuse_unreadable_address(request: HttpRequest) -> None:
    """Raise InvalidValue for an address with a NUL, which the database takes nowhere."""
    if "\0" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
        raise InvalidValue("The address holds a character that no name has.")


def refuse_foreign_origin(request: HttpRequest) -> None:
    """Raise Denied for a write sent by a page of another origin: a studio on loopback is reachable by any page."""
    origin = request.headers.get("Origin")
    if origin and request.method not in SAFE_METHODS and urlsplit(origin).netloc != request.headers.get("Host"):
        raise Denied("This request came from a page of another origin, which may not change anything here.")


class LanguageMiddleware:
    """Speak the reader's language: Django's own looks twice at each address for one, and no address here names any."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        language = translation.get_language_from_request(request)
        translation.activate(language)
        request.LANGUAGE_CODE = language
        response = self.get_response(request)
        patch_vary_headers(response, ("Accept-Language",))
        response.headers.setdefault("Content-Language", translation.get_language())
        return response


class ErrorMiddleware:
    """Answer with a sentence whatever a view raises."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse:
        return answers.answer(request, exception)
