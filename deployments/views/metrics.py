"""Pages: what an endpoint answered, how fast, and what that took."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from deployments import telemetry
from deployments.models import Endpoint
from deployments.telemetry import MINUTE_MS, Slice
from deployments.views.common import fetch, frame
from lib.clock import now_ms
from lib.errors import NotFound
from lib.http import number_in
from workspaces import access
from workspaces.request import Request

RANGES = {60: "1 h", 6 * 60: "6 h", 24 * 60: "24 h", 7 * 24 * 60: "7 d"}
Line = tuple[str, Callable[[Slice], float | None]]


def charts() -> dict[str, tuple[str, Sequence[Line]]]:
    """Give the charts: key → title and lines. Names of lines choose their colours, so they stay in English."""
    return {
        "requests": (_("Requests a minute"), [("requests", lambda one: one.per_minute)]),
        "errors": (
            _("Errors a minute"),
            [
                ("4xx", lambda one: one.refused * MINUTE_MS / one.span_ms),
                ("5xx", lambda one: one.failed * MINUTE_MS / one.span_ms),
            ],
        ),
        "latency": (
            _("Latency, ms"),
            [
                ("p50", lambda one: one.percentile(0.5)),
                ("p95", lambda one: one.percentile(0.95)),
                ("p99", lambda one: one.percentile(0.99)),
            ],
        ),
        "cpu": (_("CPU of all replicas, cores"), [("cpu", lambda one: one.cpu_ms / one.span_ms)]),
        "memory": (
            _("Memory of all replicas, MB"),
            [("memory", lambda one: one.memory_bytes / (1 << 20) if one.memory_bytes else None)],
        ),
    }


@access.needs("deployments.read")
@require_GET
def endpoint_metrics(request: Request, name: str) -> HttpResponse:
    endpoint = fetch(request, name)
    minutes = chosen(request)
    drawn = [
        {"title": title, "url": f"{address(request, endpoint, key)}?minutes={minutes}"}
        for key, (title, _lines) in charts().items()
    ]
    now = now_ms()
    total = telemetry.together(telemetry.series(endpoint, now - minutes * MINUTE_MS, now))
    context = {
        **frame(request, endpoint, "metrics"),
        "charts": drawn,
        "minutes": minutes,
        "ranges": RANGES,
    }
    if endpoint.collects_data or total.sampled or total.unsampled:
        context |= {"samples": total}
    if total.requests:
        context |= {"total": total}
        context |= {f"p{share}": total.percentile(share / 100) for share in (50, 95, 99)}
    return render(request, "deployments/endpoint_metrics.html", context)


@access.needs("deployments.read")
@require_GET
def endpoint_chart(request: Request, name: str, chart: str) -> JsonResponse:
    """Give one chart's lines, as the charts of pages read those of runs."""
    endpoint, known = fetch(request, name), charts()
    if chart not in known:
        raise NotFound(_("There is no such chart."))
    now = now_ms()
    spans = telemetry.series(endpoint, now - chosen(request) * MINUTE_MS, now)
    return JsonResponse([line(label, value, spans) for label, value in known[chart][1]], safe=False)


def line(label: str, value: Callable[[Slice], float | None], spans: Sequence[Slice]) -> dict[str, Any]:
    """Give a line of the spans of which there is something to say: without requests there is no latency."""
    known = [(place, one, read) for place, one in enumerate(spans) if (read := value(one)) is not None]
    return {
        "run_id": label,
        "name": label,
        "is_running": True,
        "steps": [place for place, _one, _read in known],
        "times": [one.start_ms for _place, one, _read in known],
        "values": [round(read, 4) for _place, _one, read in known],
        "total": len(known),
    }


def chosen(request: Request) -> int:
    asked = number_in(request, "minutes", 60)
    return asked if asked in RANGES else 60


def address(request: Request, endpoint: Endpoint, chart: str) -> str:
    return reverse("deployments:endpoint-chart", args=[request.workspace.name, endpoint.name, chart])
