"""Small helpers for pages: partial answers, redirects that htmx understands, toasts."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse

SEE_OTHER = 303
FORM_ERROR = 422


def is_partial(request: HttpRequest) -> bool:
    """Tell whether htmx asks for a fragment (a boosted link, and a way back in the history, ask for the whole page)."""
    headers = request.headers
    wants_all = headers.get("HX-Boosted") == "true" or headers.get("HX-History-Restore-Request") == "true"
    return headers.get("HX-Request") == "true" and not wants_all


def done(request: HttpRequest, url: str) -> HttpResponse:
    """Send the browser on after a change that went through."""
    if is_partial(request):
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return HttpResponse(status=SEE_OTHER, headers={"Location": url})


def asked_by(request: HttpRequest, element_id: str) -> bool:
    """Tell whether the element with this id asks, for itself."""
    return is_partial(request) and request.headers.get("HX-Target") == element_id


def shows_up(request: HttpRequest, is_there: bool) -> HttpResponse:
    """Answer an empty page that waits for its first thing: reload once it is there, nothing until then."""
    return HttpResponse(status=204, headers={"HX-Refresh": "true"} if is_there else {})


def here(request: HttpRequest, fallback: str) -> str:
    """Give the address of the page that sent the form, without its host: nobody is sent elsewhere by a header."""
    parts = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer") or fallback)
    path = f"/{parts.path.lstrip('/')}"
    return f"{path}?{parts.query}" if parts.query else path


@dataclass(frozen=True)
class Undo:
    """How a change is taken back: the address to post to, and the fields."""

    url: str
    names: list[tuple[str, str]]


def toast(
    response: HttpResponse, text: str, *, tone: str = "ok", undo: Undo | None = None, event: str = ""
) -> HttpResponse:
    """Let the page say `text` when htmx receives this answer; whole pages use django.contrib.messages.

    `undo` puts a button beside it; `event` happens on the page, for what has to refresh.
    """
    said: dict[str, Any] = {"text": text, "tone": tone, **({"undo": asdict(undo)} if undo else {})}
    response["HX-Trigger"] = json.dumps({"toast": said, **({event: True} if event else {})})
    return response
