"""Groups, workspaces and tokens for programs: above any workspace, under /api/v1/."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from workspaces import access, deletion, operations, queries, quotas
from workspaces.models import Quota, ResourceGroup, Workspace


class WorkspaceOut(serializers.ModelSerializer[Workspace]):
    group = serializers.CharField(source="group.name")

    class Meta:
        model = Workspace
        fields = ["name", "group", "description", "state", "created_ms"]


class GroupOut(serializers.ModelSerializer[ResourceGroup]):
    workspaces = serializers.SlugRelatedField[Workspace](slug_field="name", many=True, read_only=True)

    class Meta:
        model = ResourceGroup
        fields = ["name", "subscription_id", "location", "state", "created_ms", "workspaces"]


class WorkspaceDetailsOut(WorkspaceOut):
    subscription_id = serializers.CharField(source="group.subscription_id")
    location = serializers.CharField(source="group.location")
    id = serializers.CharField(source="pk")

    class Meta(WorkspaceOut.Meta):
        fields = [*WorkspaceOut.Meta.fields, "id", "subscription_id", "location"]


class CountOut(serializers.Serializer[Any]):
    kind = serializers.CharField(source="label")
    rows = serializers.IntegerField()
    size_bytes = serializers.IntegerField()


class GroupIn(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=90)
    subscription_id = serializers.CharField(max_length=36, default="")
    location = serializers.CharField(max_length=60, default="local")


class WorkspaceIn(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=63)
    description = serializers.CharField(default="", allow_blank=True)


class QuotaOut(serializers.ModelSerializer[Quota]):
    memory_gb = serializers.FloatField(allow_null=True)

    class Meta:
        model = Quota
        fields = ["cpu_cores", "memory_gb", "replicas"]


class QuotaIn(serializers.Serializer[Any]):
    """What endpoints may take together; what is left out or null is not limited."""

    cpu_cores = serializers.FloatField(default=None, allow_null=True)
    memory_gb = serializers.FloatField(default=None, allow_null=True)
    replicas = serializers.IntegerField(default=None, allow_null=True)


class ConfirmIn(serializers.Serializer[Any]):
    confirm = serializers.CharField(max_length=90, trim_whitespace=False)


def parsed(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


@extend_schema(methods=["GET"], responses=GroupOut(many=True))
@extend_schema(methods=["POST"], request=GroupIn, responses={201: GroupOut})
@api_view(["GET", "POST"])
def groups(request: Request) -> Response:
    """List resource groups, or create one."""
    actor = request._request.actor  # type: ignore[attr-defined]
    if request.method == "POST":
        return Response(GroupOut(operations.create_group(actor, **parsed(GroupIn, request))).data, status=201)
    return Response(GroupOut(queries.groups(actor), many=True).data)


@extend_schema(methods=["GET"], responses=GroupOut)
@extend_schema(methods=["DELETE"], request=ConfirmIn, responses={202: GroupOut})
@api_view(["GET", "DELETE"])
def group(request: Request, name: str) -> Response:
    """Show a resource group, or delete it with everything in it; `confirm` repeats its name."""
    actor = request._request.actor  # type: ignore[attr-defined]
    found = queries.group(actor, name)
    if request.method == "DELETE":
        operations.delete_group(actor, found, **parsed(ConfirmIn, request))
        found.refresh_from_db()
        return Response(GroupOut(found).data, status=202)
    return Response(GroupOut(found).data)


@extend_schema(request=WorkspaceIn, responses={201: WorkspaceOut})
@api_view(["POST"])
def group_workspaces(request: Request, name: str) -> Response:
    """Create a workspace in a group."""
    actor = request._request.actor  # type: ignore[attr-defined]
    workspace = operations.create_workspace(actor, queries.group(actor, name), **parsed(WorkspaceIn, request))
    return Response(WorkspaceOut(workspace).data, status=201)


@extend_schema(responses=WorkspaceOut(many=True))
@api_view(["GET"])
def workspaces(request: Request) -> Response:
    """List the workspaces that the caller may see."""
    actor = request._request.actor  # type: ignore[attr-defined]
    return Response(WorkspaceOut(access.visible_workspaces(actor), many=True).data)


@extend_schema(responses=WorkspaceDetailsOut)
@api_view(["GET"])
def workspace(request: Request) -> Response:
    """Show the workspace of the address."""
    return Response(WorkspaceDetailsOut(request._request.workspace).data)  # type: ignore[attr-defined]


@extend_schema(responses=CountOut(many=True))
@api_view(["GET"])
def contents(request: Request) -> Response:
    """Count what is in the workspace: what deleting its group would remove."""
    return Response(CountOut(deletion.count(request._request.workspace), many=True).data)  # type: ignore[attr-defined]


@extend_schema(methods=["GET"], responses=QuotaOut)
@extend_schema(methods=["PUT"], request=QuotaIn, responses=QuotaOut)
@api_view(["GET", "PUT"])
def quota(request: Request) -> Response:
    """Show what the workspace's endpoints may take together, or set it (the studio's admins)."""
    actor, workspace = request._request.actor, request._request.workspace  # type: ignore[attr-defined]
    if request.method == "PUT":
        quotas.set_quota(actor, workspace, **parsed(QuotaIn, request))
    return Response(QuotaOut(quotas.quota_of(workspace)).data)


groups = access.admin(groups)
group = access.admin(group)
group_workspaces = access.admin(group_workspaces)
workspaces = access.signed_in(workspaces)
workspace = access.needs("workspace.read")(workspace)
quota = access.needs(GET="workspace.read", PUT="workspace.write")(quota)
contents = access.needs("workspace.read")(contents)
