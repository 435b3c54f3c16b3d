"""Endpoints for programs."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from deployments import operations, queries, snippets, targets
from deployments.models import Deployment, Endpoint
from registry.models import ModelVersion
from workspaces import access
from workspaces.models import Workspace

MOST_LINES = 5000


class DeploymentOut(serializers.ModelSerializer[Deployment]):
    model = serializers.CharField(source="model_label")
    memory_gb = serializers.FloatField()
    replicas_seen = serializers.JSONField(source="seen")

    class Meta:
        model = Deployment
        fields = [
            "revision", "model", "state", "traffic", "cpu_cores", "memory_gb", "replicas", "replicas_seen", "stages",
            "detail", "error", "trace", "restarts", "created_by", "created_ms",
        ]  # fmt: skip


class EndpointOut(serializers.ModelSerializer[Endpoint]):
    compute_type = serializers.CharField(source="target_kind")
    scoring_uri = serializers.SerializerMethodField()
    swagger_uri = serializers.SerializerMethodField()
    auth_enabled = serializers.SerializerMethodField()
    deployments = DeploymentOut(many=True)

    class Meta:
        model = Endpoint
        fields = [
            "name", "state", "compute_type", "scoring_uri", "swagger_uri", "auth_enabled", "description", "tags",
            "created_by", "created_ms", "updated_ms", "deployments",
        ]  # fmt: skip

    def get_scoring_uri(self, endpoint: Endpoint) -> str:
        return snippets.scoring_url(endpoint)

    def get_swagger_uri(self, endpoint: Endpoint) -> str:
        return snippets.swagger_url(endpoint)

    def get_auth_enabled(self, endpoint: Endpoint) -> bool:
        return not endpoint.is_public


class DeployIn(serializers.Serializer[Any]):
    model = serializers.CharField(max_length=256)
    version = serializers.IntegerField(min_value=1)
    cpu_cores = serializers.FloatField(required=False)
    memory_gb = serializers.FloatField(required=False)


class EndpointIn(DeployIn):
    name = serializers.CharField(max_length=32)
    auth_enabled = serializers.BooleanField(default=True)
    description = serializers.CharField(default="", allow_blank=True)
    tags = serializers.DictField(child=serializers.CharField(allow_blank=True), default=dict)


class AuthIn(serializers.Serializer[Any]):
    auth_enabled = serializers.BooleanField()


class RollBackIn(serializers.Serializer[Any]):
    revision = serializers.IntegerField(min_value=1)


class WhichIn(serializers.Serializer[Any]):
    which = serializers.CharField(max_length=20)


class KeysOut(serializers.Serializer[Any]):
    primary = serializers.CharField()
    secondary = serializers.CharField()


class LogOut(serializers.Serializer[Any]):
    lines = serializers.ListField(child=serializers.CharField())


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
    auth = Endpoint.Auth.KEY if values.pop("auth_enabled") else Endpoint.Auth.NONE
    made = operations.create_endpoint(actor, workspace, model_version=version, auth=auth, **values)
    return answer(request, made.name, 202)


@access.needs(GET="deployments.read", PATCH="deployments.write", DELETE="deployments.write")
@extend_schema(methods=["GET"], responses=EndpointOut)
@extend_schema(methods=["PATCH"], request=AuthIn, responses=EndpointOut)
@extend_schema(methods=["DELETE"], responses={202: None})
@api_view(["GET", "PATCH", "DELETE"])
def endpoint(request: Request, name: str) -> Response:
    """Show an endpoint, change who may call it, or delete it."""
    actor, _workspace = around(request)
    if request.method == "DELETE":
        operations.delete_endpoint(actor, fetch(request, name))
        return Response(status=202)
    if request.method == "PATCH":
        wanted = shape(AuthIn, request)["auth_enabled"]
        auth = Endpoint.Auth.KEY if wanted else Endpoint.Auth.NONE
        operations.change_auth(actor, fetch(request, name), auth=auth)
    return answer(request, name)


@access.needs("deployments.write")
@extend_schema(request=DeployIn, responses={202: EndpointOut})
@api_view(["POST"])
def deployments(request: Request, name: str) -> Response:
    """Deploy a model version as the next revision."""
    actor, _workspace = around(request)
    values = shape(DeployIn, request)
    version = take_version(request, values)
    operations.deploy(actor, fetch(request, name), model_version=version, **values)
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
