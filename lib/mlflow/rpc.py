"""Handlers by message, routes from MLflow's own service description.

    @rpc(service.CreateRun, needs="experiments.write")
    def create_run(actor, workspace, message): …

The path, the method and the version of the protocol come from the message definitions; `patterns(declare)` makes
Django's routes of them for both prefixes that clients use. What no handler serves is listed, with the reason, in
`not_served`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver, include, path
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from lib.errors import InvalidValue, NotServed
from lib.mlflow import wire
from lib.mlflow.messages import Endpoint, Message, endpoints
from lib.mlflow.not_served import reason

PREFIXES = ("api", "ajax-api")
BUSIEST = "mlflow/runs"  # asked first which route it is: finding one may cost a seventh of a point's time
Takes = Literal["message", "json", "request"]
Route = URLPattern | URLResolver
View = Callable[..., Any]
Declare = Callable[[Mapping[str, str]], Callable[[View], View]]


@dataclass(frozen=True)
class Handler:
    """`takes` says what the function is given: the parsed message, the bare JSON (hot), or the request (streams)."""

    message: Message
    needs: str
    takes: Takes
    function: Callable[..., Any]

    def __call__(self, request: HttpRequest, keywords: Mapping[str, str]) -> HttpResponseBase:
        actor, workspace = request.actor, request.workspace  # type: ignore[attr-defined]
        try:
            if self.takes == "request":
                result = self.function(actor, workspace, request, **keywords)
            elif self.takes == "json":
                result = self.function(actor, workspace, wire.read_json(request))
            else:
                result = self.function(actor, workspace, wire.read(request, self.message, keywords))
        except DataError:
            raise InvalidValue(_("A value is out of the range that can be stored.")) from None
        return result if isinstance(result, HttpResponseBase) else wire.answer(result or {})


HANDLERS: dict[str, Handler] = {}


def rpc(message: Message, *, needs: str, takes: Takes = "message") -> Callable[[View], View]:
    """Serve a message by the function below, `fn(actor, workspace, message) -> dict`."""

    def collect(function: View) -> View:
        name = message.DESCRIPTOR.full_name
        if name in HANDLERS:
            raise ValueError(f"{name} is served twice")
        HANDLERS[name] = Handler(message, needs, takes, function)
        return function

    return collect


def patterns(declare: Declare) -> list[Route]:
    """Make the routes; `declare(permission by method)` marks each view with what it needs.

    The rooms that hold handlers must be imported before.
    """
    by_path: dict[tuple[int, str], list[Endpoint]] = defaultdict(list)
    for endpoint in endpoints():
        by_path[endpoint.major, endpoint.path].append(endpoint)
    # A word beats a parameter: logged-models/search before logged-models/{model_id}.
    ordered = sorted(by_path.items(), key=lambda item: ("{" in item[0][1] or "<" in item[0][1], item[0]))
    return [
        path(f"{prefix}/{major}.0/", include(families(major, ordered, declare)))
        for prefix in PREFIXES
        for major in sorted({major for major, _path in by_path})
    ]


def families(major: int, ordered: Iterable[tuple[tuple[int, str], list[Endpoint]]], declare: Declare) -> list[Route]:
    """Group routes by their first two words, so that finding one compares tens of patterns and not hundreds."""
    groups: dict[str, list[URLPattern]] = defaultdict(list)
    for (its_major, template), found in ordered:
        if its_major == major:
            first, second, *_rest = [*template.strip("/").split("/"), ""]
            fixed = f"{first}/{second}"
            rest = django_path(template).removeprefix(fixed)
            groups[fixed].append(path(rest, view_for(found, declare)))
    return [path(prefix, include(groups[prefix])) for prefix in sorted(groups, key=lambda prefix: prefix != BUSIEST)]


def django_path(template: str) -> str:
    """Turn MLflow's template into Django's; a tag's key may hold slashes."""
    template = re.sub(r"\{\w+\.(\w+)\}", r"{\1}", template)
    text = re.sub(r"\{(\w*key)\}$", r"<path:\1>", template.lstrip("/"))
    return re.sub(r"\{(\w+)\}", r"<str:\1>", text)


def view_for(found: list[Endpoint], declare: Declare) -> View:
    """Make one view for the methods of one path."""
    handlers = {endpoint.method: HANDLERS.get(endpoint.message) for endpoint in found}
    names = {endpoint.method: endpoint.message for endpoint in found}

    @csrf_exempt
    def view(request: HttpRequest, **keywords: str) -> HttpResponseBase:
        method = request.method or "GET"
        if method not in handlers:
            return not_allowed(sorted(handlers))
        handler = handlers[method]
        if handler is None:
            raise NotServed(reason(names[method].rsplit(".", 1)[-1]))
        return handler(request, keywords)

    view.__name__ = "_".join(sorted({name.rsplit(".", 1)[-1] for name in names.values()}))
    permissions = {method: handler.needs if handler else "experiments.read" for method, handler in handlers.items()}
    return declare(permissions)(view)


def not_allowed(methods: list[str]) -> HttpResponse:
    content = {"error_code": "BAD_REQUEST", "message": _("This address takes %s.") % ", ".join(methods)}
    response = wire.answer(content, status=405)
    response.headers["Allow"] = ", ".join(methods)
    return response
