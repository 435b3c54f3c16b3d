"""Environments and clusters for programs; the heartbeat of compute nodes."""

from __future__ import annotations

from typing import Any

from django.core.cache import cache
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from compute import operations, queries
from compute.models import ComputeTarget, EnvironmentUse, Node
from compute.shapes import EnvironmentIn, asked_spec
from lib.clock import now_ms
from workspaces import access
from workspaces.models import Workspace


class EnvironmentOut(serializers.ModelSerializer[EnvironmentUse]):
    digest = serializers.CharField(source="build.digest")
    name = serializers.CharField(source="build.name")
    state = serializers.CharField(source="build.state")
    error = serializers.CharField(source="build.error")
    lock = serializers.CharField(source="build.lock")
    notes = serializers.JSONField(source="build.notes")
    spec = serializers.JSONField(source="build.spec")

    class Meta:
        model = EnvironmentUse
        fields = ["digest", "name", "state", "error", "notes", "spec", "lock", "created_ms"]


class NodeOut(serializers.ModelSerializer[Node]):
    class Meta:
        model = Node
        fields = ["name", "slots", "cpu_count", "memory_bytes", "load", "heartbeat_ms"]


class TargetOut(serializers.ModelSerializer[ComputeTarget]):
    nodes = NodeOut(many=True)

    class Meta:
        model = ComputeTarget
        fields = ["name", "kind", "created_ms", "nodes"]


class NodeReportIn(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)
    slots = serializers.IntegerField(min_value=0, max_value=1000)
    cpu_count = serializers.FloatField(default=0)
    memory_bytes = serializers.IntegerField(default=0)
    load = serializers.FloatField(default=0)


class NodeAnswer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    queue = serializers.CharField()


def actor_and_workspace(request: Request) -> tuple[access.Actor, Workspace]:
    return request._request.actor, request._request.workspace  # type: ignore[attr-defined]


@extend_schema(methods=["GET"], responses=EnvironmentOut(many=True))
@extend_schema(methods=["POST"], request=EnvironmentIn, responses={202: EnvironmentOut})
@api_view(["GET", "POST"])
def environments(request: Request) -> Response:
    """List the workspace's environments, or ask for one to be built."""
    actor, workspace = actor_and_workspace(request)
    if request.method == "GET":
        return Response(EnvironmentOut(queries.environment_uses(actor, workspace)[:200], many=True).data)
    body = EnvironmentIn(data=request.data)
    body.is_valid(raise_exception=True)
    build = operations.request_environment(actor, workspace, spec=asked_spec(body.validated_data))
    return Response(EnvironmentOut(build.uses.get(workspace=workspace)).data, status=202)


@extend_schema(responses=EnvironmentOut)
@api_view(["GET"])
def environment(request: Request, digest: str) -> Response:
    """Show an environment with its state, notes and lock."""
    actor, workspace = actor_and_workspace(request)
    use = access.fetch(actor, queries.environment_uses(actor, workspace), build__digest=digest)
    return Response(EnvironmentOut(use).data)


@extend_schema(responses=TargetOut(many=True))
@api_view(["GET"])
def targets(request: Request) -> Response:
    """List the clusters that the workspace's jobs may run on."""
    _actor, workspace = actor_and_workspace(request)
    return Response(TargetOut([row.target for row in queries.targets(workspace)], many=True).data)


@extend_schema(request=NodeReportIn, responses=NodeAnswer)
@api_view(["POST"])
def node_heartbeat(request: Request) -> Response:
    """Say that a node is there; the answer names the queue of its cluster."""
    body = NodeReportIn(data=request.data)
    body.is_valid(raise_exception=True)
    actor = request._request.actor  # type: ignore[attr-defined]
    node = operations.heartbeat(actor, report=operations.NodeReport(**body.validated_data))
    # /health reads it: the embedded node is a part of the studio like the others.
    if actor.subject == operations.nodes.LOCAL_CLUSTER:
        cache.set("health:node", now_ms(), 60)
    return Response({"id": node.pk, "queue": node.target.queue})


environments = access.needs(GET="compute.read", POST="compute.write")(environments)
environment = access.needs("compute.read")(environment)
targets = access.needs("compute.read")(targets)
node_heartbeat = access.node(node_heartbeat)
