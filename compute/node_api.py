"""What compute nodes say of themselves, with a node token, under /api/v1/node/."""

from __future__ import annotations

from typing import Any

from django.core.cache import cache
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from compute import broker, operations
from compute.operations.nodes import LOCAL_CLUSTER
from lib.clock import now_ms
from workspaces import access
from workspaces.drf import parsed


class NodeReportIn(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)
    slots = serializers.IntegerField(min_value=0, max_value=1000)
    cpu_count = serializers.FloatField(default=0, min_value=0, max_value=1_000_000)
    memory_bytes = serializers.IntegerField(default=0, min_value=0, max_value=2**60)
    load = serializers.FloatField(default=0, min_value=0, max_value=1_000_000)


class NodeIn(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)


def actor_of(request: Request) -> access.Actor:
    return request._request.actor  # type: ignore[attr-defined, no-any-return]


@extend_schema(exclude=True)
@api_view(["POST"])
def heartbeat(request: Request) -> Response:
    """Say that a node is there; the answer names its cluster, the cluster's queue, and what it is to do."""
    actor = actor_of(request)
    node = operations.heartbeat(actor, report=operations.NodeReport(**parsed(NodeReportIn, request)))
    # /health reads it: the embedded node is a part of the studio like the others.
    if actor.subject == LOCAL_CLUSTER and actor.only_workspace is None:
        cache.set("health:node", now_ms(), 60)
    return Response({"id": node.pk, "cluster": node.target.name, "queue": node.target.queue, "wanted": node.wanted})


@extend_schema(exclude=True)
@api_view(["POST"])
def leave(request: Request) -> Response:
    """Say that a node goes, with no work left."""
    operations.leave(actor_of(request), name=parsed(NodeIn, request)["name"])
    return Response({})


@extend_schema(exclude=True)
@api_view(["POST"])
def broker_credentials(request: Request) -> Response:
    """Give an address of the broker that opens this cluster's queue only; empty where there is none to give."""
    return Response({"url": broker.credentials(operations.cluster_of(actor_of(request)))})


@extend_schema(exclude=True)
@api_view(["GET"])
def hosted(request: Request) -> Response:
    """List the nodes that should run beside the studio's own."""
    nodes = operations.hosted_nodes(actor_of(request))
    rows = [{"id": node.pk, "name": node.name, "wanted": node.wanted, "slots": node.slots} for node in nodes]
    return Response({"nodes": rows})


@extend_schema(exclude=True)
@api_view(["POST"])
def admit(request: Request, node_id: int) -> Response:
    """Give the token for a hosted node that is about to be started."""
    return Response({"token": operations.admit_hosted(actor_of(request), node_id=node_id)})


@extend_schema(exclude=True)
@api_view(["POST"])
def dismiss(request: Request, node_id: int) -> Response:
    """Say that a hosted node has ended."""
    operations.dismiss_hosted(actor_of(request), node_id=node_id)
    return Response({})


heartbeat = access.node(heartbeat)
leave = access.node(leave)
broker_credentials = access.node(broker_credentials)
hosted = access.node(hosted)
admit = access.node(admit)
dismiss = access.node(dismiss)
