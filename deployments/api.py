"""Endpoints for programs."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from deployments import collection, operations, queries, shapes, targets, telemetry
from deployments.models import Endpoint
from deployments.shapes import (
    ChangeOut,
    DeployIn,
    EndpointIn,
    EndpointOut,
    KeptOut,
    KeysOut,
    LogOut,
    PolicyIn,
    RollBackIn,
    SliceOut,
    TokenOut,
    TrafficIn,
    WhichIn,
)
from lib.clock import now_ms
from lib.http import number_in
from registry.models import ModelVersion
from workspaces import access
from workspaces.models import Workspace

MOST_LINES = 5000


def around(request: Request) -> tuple[access.Actor, Workspace]:
    return request._request.actor, request._request.workspace  # type: ignore[attr-defined]


def fetch(request: Request, name: str) -> Endpoint:
    actor, workspace = around(request)
    return access.fetch(actor, queries.endpoints(actor, workspace), name=name)


def shape(kind: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    body = kind(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def take_version(request: Request, values: dict[str, Any]) -> ModelVersion:
    actor, workspace = around(request)
    rows = ModelVersion.objects.filter(model__workspace=workspace, model__name=values.pop("model"))
    found: ModelVersion = access.fetch(actor, rows.select_related("model__workspace"), version=values.pop("version"))
    return found


def answer(request: Request, name: str, status: int = 200) -> Response:
    return Response(EndpointOut(fetch(request, name)).data, status=status)


@access.needs(GET="deployments.read", POST="deployments.write")
@extend_schema(methods=["GET"], responses=EndpointOut(many=True))
@extend_schema(methods=["POST"], request=EndpointIn, responses={202: EndpointOut})
@api_view(["GET", "POST"])
def endpoints(request: Request) -> Response:
    """List the endpoints, or make one; it is Transitioning until its first revision answers."""
    actor, workspace = around(request)
    if request.method == "GET":
        return Response(EndpointOut(queries.endpoints(actor, workspace), many=True).data)
    values = shape(EndpointIn, request)
    version = take_version(request, values)
    values.pop("takes_traffic")
    made = operations.create_endpoint(
        actor,
        workspace,
        name=values.pop("name"),
        model_version=version,
        kind=shapes.TARGETS[values.pop("compute_type")],
        compute_name=values.pop("compute_target_name"),
        size=shapes.size(values),
        code=shapes.code(actor, workspace, values),
        tags=values.pop("tags", None),
        properties=values.pop("properties"),
        chosen_keys=(values.pop("primary_key", ""), values.pop("secondary_key", "")),
        policy=shapes.policy(values, Endpoint.Auth.KEY),
    )
    return answer(request, made.name, 202)


@access.needs(GET="deployments.read", PATCH="deployments.write", DELETE="deployments.write")
@extend_schema(methods=["GET"], responses=EndpointOut)
@extend_schema(methods=["PATCH"], request=PolicyIn, responses=EndpointOut)
@extend_schema(methods=["DELETE"], responses={202: None})
@api_view(["GET", "PATCH", "DELETE"])
def endpoint(request: Request, name: str) -> Response:
    """Show an endpoint, change who may call it and how it answers and grows, or delete it."""
    actor, _workspace = around(request)
    if request.method == "DELETE":
        operations.delete_endpoint(actor, fetch(request, name))
        return Response(status=202)
    if request.method == "PATCH":
        values = shape(PolicyIn, request)
        tags = values.pop("tags", None)
        operations.change_endpoint(actor, fetch(request, name), tags=tags, policy=shapes.policy(values))
    return answer(request, name)


@access.needs("deployments.write")
@extend_schema(request=DeployIn, responses={202: EndpointOut})
@api_view(["POST"])
def deployments(request: Request, name: str) -> Response:
    """Deploy a model version as the next revision."""
    actor, workspace = around(request)
    values = shape(DeployIn, request)
    version = take_version(request, values)
    operations.deploy(
        actor,
        fetch(request, name),
        model_version=version,
        size=shapes.size(values),
        code=shapes.code(actor, workspace, values),
        takes_traffic=values["takes_traffic"],
    )
    return answer(request, name, 202)


@access.needs("deployments.write")
@extend_schema(request=TrafficIn, responses={202: EndpointOut})
@api_view(["POST"])
def traffic(request: Request, name: str) -> Response:
    """Divide the requests among healthy revisions; one may be shown some of them besides, and nobody waits for it."""
    values = shape(TrafficIn, request)
    shares, mirror = shapes.by_revision(values["traffic"]), shapes.by_revision(values["mirror"])
    operations.share_traffic(around(request)[0], fetch(request, name), shares=shares, mirror=mirror)
    return answer(request, name, 202)


@access.needs("deployments.write")
@extend_schema(request=RollBackIn, responses={202: EndpointOut})
@api_view(["POST"])
def roll_back(request: Request, name: str) -> Response:
    """Bring an earlier revision back."""
    actor, _workspace = around(request)
    operations.roll_back(actor, fetch(request, name), **shape(RollBackIn, request))
    return answer(request, name, 202)


@access.needs("deployments.write")
@extend_schema(request=None, responses={202: EndpointOut})
@api_view(["POST"])
def stop(request: Request, name: str) -> Response:
    """End the replicas and keep the endpoint."""
    operations.stop_endpoint(around(request)[0], fetch(request, name))
    return answer(request, name, 202)


@access.needs("deployments.write")
@extend_schema(request=None, responses={202: EndpointOut})
@api_view(["POST"])
def start(request: Request, name: str) -> Response:
    """Start a stopped or failed endpoint again."""
    operations.start_endpoint(around(request)[0], fetch(request, name))
    return answer(request, name, 202)


@access.needs("keys.read")
@extend_schema(responses=KeysOut)
@api_view(["GET"])
def keys(request: Request, name: str) -> Response:
    """Show both keys; the audit log says who looked."""
    primary, secondary = operations.read_keys(around(request)[0], fetch(request, name))
    return Response({"primary": primary, "secondary": secondary}, headers={"Cache-Control": "no-store"})


@access.needs("deployments.write")
@extend_schema(request=WhichIn, responses=KeysOut)
@api_view(["POST"])
def regenerate_key(request: Request, name: str) -> Response:
    """Make a new primary or secondary key; the answer shows both."""
    actor, _workspace = around(request)
    operations.regenerate_key(actor, fetch(request, name), **shape(WhichIn, request))
    primary, secondary = operations.read_keys(actor, fetch(request, name))
    return Response({"primary": primary, "secondary": secondary}, headers={"Cache-Control": "no-store"})


@access.needs(POST="keys.read", DELETE="deployments.write")
@extend_schema(methods=["POST"], request=None, responses=TokenOut)
@extend_schema(methods=["DELETE"], responses={204: None})
@api_view(["POST", "DELETE"])
def token(request: Request, name: str) -> Response:
    """Get a token that opens the endpoint for an hour, or end all that were given out."""
    actor, _workspace = around(request)
    if request.method == "DELETE":
        operations.end_tokens(actor, fetch(request, name))
        return Response(status=204)
    made = operations.new_token(actor, fetch(request, name))
    return Response(TokenOut(made).data, headers={"Cache-Control": "no-store"})


@access.needs("deployments.read")
@extend_schema(responses=ChangeOut(many=True))
@api_view(["GET"])
def history(request: Request, name: str) -> Response:
    """List who changed what, newest first."""
    return Response(ChangeOut(queries.history(fetch(request, name)), many=True).data)


@access.needs("deployments.read")
@extend_schema(responses=SliceOut(many=True))
@api_view(["GET"])
def metrics(request: Request, name: str) -> Response:
    """Show what was answered in the last `?minutes=` (60), at most 240 spans of time."""
    now = now_ms()
    minutes = min(number_in(request._request, "minutes", 60), 60 * 24 * 400) or 60
    spans = telemetry.series(fetch(request, name), now - minutes * telemetry.MINUTE_MS, now)
    return Response([described(span) for span in spans])


@access.needs("deployments.read")
@extend_schema(responses=KeptOut(many=True))
@api_view(["GET"])
def collected(request: Request, name: str) -> Response | HttpResponse:
    """List the files of sampled inputs and outputs, or give one (`?path=`): a JSON object a line."""
    endpoint, path = fetch(request, name), request.query_params.get("path", "")
    if path:
        return HttpResponse(collection.read(endpoint, path), content_type="application/x-ndjson")
    return Response(KeptOut(collection.kept(endpoint), many=True).data)


def described(span: telemetry.Slice) -> dict[str, Any]:
    return {
        "start_ms": span.start_ms,
        "span_ms": span.span_ms,
        "requests": span.requests,
        "refused": span.refused,
        "failed": span.failed,
        "sampled": span.sampled,
        "unsampled": span.unsampled,
        "p50_ms": span.percentile(0.5),
        "p95_ms": span.percentile(0.95),
        "p99_ms": span.percentile(0.99),
        "cpu_ms": round(span.cpu_ms, 1),
        "memory_bytes": span.memory_bytes,
    }


@access.needs("deployments.read")
@extend_schema(responses=LogOut)
@api_view(["GET"])
def logs(request: Request, name: str) -> Response:
    """Show the newest lines (`?lines=`, at most 5000) of the revision that the endpoint's page shows."""
    deployment = queries.shown(fetch(request, name))
    text = request.query_params.get("lines", "")
    count = min(int(text), MOST_LINES) if text.isascii() and text.isdigit() and len(text) < 10 else MOST_LINES
    lines: list[str] = []
    if deployment is not None:
        lines = targets.driver(deployment.endpoint.driver).logs(deployment.key, count) or deployment.trace.splitlines()
    return Response({"lines": lines[-count:] if count else []})
