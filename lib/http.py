"""Small questions about a request."""

from __future__ import annotations

import re

from django.http import HttpRequest

API_PATH = re.compile(r"^(/w/[^/]+)?/(api|ajax-api)/|/get-artifact$|^/health$")


def wants_json(request: HttpRequest) -> bool:
    """Say whether a program asks: an API path, or no word of HTML in Accept."""
    return bool(API_PATH.search(request.path)) or "text/html" not in request.headers.get("Accept", "")


def wants_page(request: HttpRequest) -> bool:
    return not wants_json(request)


def number_in(request: HttpRequest, name: str, default: int = 0) -> int:
    """Give a whole number of the query, at most 18 digits; the default for anything else."""
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else default
