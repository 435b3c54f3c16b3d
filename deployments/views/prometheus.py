"""What endpoints answered, for Prometheus: of the workspaces that the asker may read, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from django.db import connection
from django.http import HttpResponse
from django.views.decorators.http import require_GET

from deployments.models import Deployment, Endpoint, EndpointState
from deployments.scoring.tally import BOUNDS_MS
from workspaces import access
from workspaces.request import Request

TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Every fourth bucket: enough for percentiles, and few enough for many endpoints.
EVERY = 4
NOW = (
    ("studio_endpoint_replicas", "in_rotation", "Replicas that requests are sent to."),
    ("studio_endpoint_in_flight", "in_flight", "Requests being worked on."),
    ("studio_endpoint_memory_bytes", "memory_bytes", "Resident memory."),
)
SUMS = """
SELECT deployment_id, SUM(ok), SUM(refused), SUM(failed), SUM(sampled), SUM(unsampled), SUM(spent_ms), SUM(cpu_ms)
  FROM deployments_traffic WHERE deployment_id = ANY(%s) GROUP BY deployment_id
"""
BUCKETS = """
SELECT deployment_id, bucket.place, SUM(bucket.value::bigint)
  FROM deployments_traffic, jsonb_array_elements_text(latency) WITH ORDINALITY AS bucket(value, place)
 WHERE deployment_id = ANY(%s) GROUP BY deployment_id, bucket.place ORDER BY deployment_id, bucket.place
"""


class Totals(NamedTuple):
    """What a revision answered since its beginning, in the order of `SUMS`."""

    ok: int = 0
    refused: int = 0
    failed: int = 0
    sampled: int = 0
    unsampled: int = 0
    spent_ms: float = 0.0
    cpu_ms: float = 0.0


NOTHING = Totals()


@access.signed_in
@require_GET
def metrics(request: Request) -> HttpResponse:
    """List totals since the beginning; a bearer token of a reader is enough."""
    endpoints = Endpoint.objects.visible_to(request.actor).select_related("workspace")
    deployments = list(
        Deployment.objects.filter(endpoint__in=endpoints).select_related("endpoint__workspace").order_by("pk")
    )
    return HttpResponse("\n".join([*lines(list(endpoints), deployments), ""]), content_type=TYPE)


def lines(endpoints: list[Endpoint], deployments: list[Deployment]) -> Iterator[str]:
    totals, latency = sums(deployments)
    yield from family("studio_endpoint_up", "gauge", "Whether the endpoint is healthy.")
    for endpoint in endpoints:
        yield f"studio_endpoint_up{labels(endpoint)} {int(endpoint.state == EndpointState.HEALTHY)}"
    yield from family("studio_endpoint_requests_total", "counter", "Requests answered, by class of status.")
    for one in deployments:
        total = totals.get(one.pk, NOTHING)
        for word, number in (("2xx", total.ok), ("4xx", total.refused), ("5xx", total.failed)):
            yield f"studio_endpoint_requests_total{labels(one.endpoint, one, status=word)} {number}"
    yield from family("studio_endpoint_samples_total", "counter", "Requests drawn for the sample: kept, or left out.")
    for one in deployments:
        total = totals.get(one.pk, NOTHING)
        for word, number in (("kept", total.sampled), ("left out", total.unsampled)):
            yield f"studio_endpoint_samples_total{labels(one.endpoint, one, outcome=word)} {number}"
    yield from family("studio_endpoint_cpu_seconds_total", "counter", "CPU that replicas used.")
    for one in deployments:
        cpu = totals.get(one.pk, NOTHING).cpu_ms / 1000
        yield f"studio_endpoint_cpu_seconds_total{labels(one.endpoint, one)} {cpu:.3f}"
    yield from family("studio_endpoint_latency_seconds", "histogram", "How long requests took, in the queue too.")
    for one in deployments:
        yield from histogram(one, latency.get(one.pk, []), totals.get(one.pk))
    for name, field, text in NOW:
        yield from family(name, "gauge", text)
        for one in deployments:
            if one.seen:
                yield f"{name}{labels(one.endpoint, one)} {sum(int(row.get(field) or 0) for row in one.seen)}"


def sums(deployments: list[Deployment]) -> tuple[dict[int, Totals], dict[int, list[int]]]:
    ids = [one.pk for one in deployments]
    latency: dict[int, list[int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(SUMS, [ids])
        totals = {row[0]: Totals(*map(int, row[1:6]), *map(float, row[6:])) for row in cursor}
        cursor.execute(BUCKETS, [ids])
        for deployment_id, _place, count in cursor:
            latency.setdefault(deployment_id, []).append(int(count))
    return totals, latency


def histogram(one: Deployment, counts: list[int], total: Totals | None) -> Iterator[str]:
    name, below = "studio_endpoint_latency_seconds", 0
    for place, count in enumerate(counts[: len(BOUNDS_MS)]):
        below += count
        if place % EVERY == EVERY - 1:
            yield f"{name}_bucket{labels(one.endpoint, one, le=f'{BOUNDS_MS[place] / 1000:.6g}')} {below}"
    if counts and total:
        yield f"{name}_bucket{labels(one.endpoint, one, le='+Inf')} {sum(counts)}"
        yield f"{name}_sum{labels(one.endpoint, one)} {total.spent_ms / 1000:.6f}"
        yield f"{name}_count{labels(one.endpoint, one)} {sum(counts)}"


def family(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"


def labels(endpoint: Endpoint, deployment: Deployment | None = None, **more: str) -> str:
    found = {"workspace": endpoint.workspace.name, "endpoint": endpoint.name}
    if deployment is not None:
        found |= {"revision": str(deployment.revision), "model": deployment.model_label}
    return "{" + ",".join(f'{name}="{escaped(value)}"' for name, value in (found | more).items()) + "}"


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
