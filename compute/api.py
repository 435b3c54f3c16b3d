"""Environments and clusters for programs."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from compute import named, operations, queries, sizes
from compute.models import ComputeTarget, EnvironmentUse, Node
from compute.queries import TargetRow
from compute.shapes import EnvironmentIn, asked_spec
from lib.errors import NotFound
from lib.http import number_in
from workspaces import access
from workspaces.drf import asked, parsed
from workspaces.models import Workspace

# ---- Environments ---------------------------------------------------------------------------------------------------


class BuildOut(serializers.ModelSerializer[EnvironmentUse]):
    """What was built of packages: one for each content, whatever it is called."""

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


class NamedOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    version = serializers.IntegerField()
    versions = serializers.ListField(child=serializers.IntegerField())
    is_curated = serializers.BooleanField()
    description = serializers.CharField()
    definition = serializers.JSONField()
    created_ms = serializers.IntegerField(allow_null=True)
    created_by = serializers.CharField()
    state = serializers.CharField(help_text="notbuilt, queued, building, ready or failed")
    digest = serializers.CharField(source="spec.digest")


class RegisterIn(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)
    definition = serializers.DictField(help_text="`files` by name, or `packages` and `python`; more is kept as it is.")


class LogOut(serializers.Serializer[Any]):
    text = serializers.CharField()
    offset = serializers.IntegerField()
    final = serializers.BooleanField()


@extend_schema(methods=["GET"], responses=NamedOut(many=True))
@extend_schema(methods=["POST"], request=RegisterIn, responses={201: NamedOut})
@api_view(["GET", "POST"])
def environments(request: Request) -> Response:
    """List the environments that have a name, newest versions; or register the next version of one."""
    actor, workspace = asked(request)
    if request.method == "GET":
        return Response(NamedOut(named.all_named(actor, workspace), many=True).data)
    made = operations.register_environment(actor, workspace, **parsed(RegisterIn, request))
    found = named.find_named(actor, workspace, f"{made.environment.name}@{made.version}")
    return Response(NamedOut(found).data, status=201)


@extend_schema(responses=NamedOut)
@api_view(["GET"])
def environment(request: Request, reference: str) -> Response:
    """Show an environment by `name`, its newest version, or `name@version`."""
    return Response(NamedOut(named.find_named(*asked(request), reference)).data)


@extend_schema(request=None, responses={202: BuildOut})
@api_view(["POST"])
def build_environment(request: Request, reference: str) -> Response:
    """Build an environment before a job needs it."""
    actor, workspace = asked(request)
    found = named.find_named(actor, workspace, reference)
    build = operations.build_environment_version(actor, workspace, name=found.name, definition=found.definition)
    return Response(BuildOut(build.uses.get(workspace=workspace)).data, status=202)


@extend_schema(methods=["GET"], responses=BuildOut(many=True))
@extend_schema(methods=["POST"], request=EnvironmentIn, responses={202: BuildOut})
@api_view(["GET", "POST"])
def builds(request: Request) -> Response:
    """List what was built for the workspace, the newest 200, or ask for one."""
    actor, workspace = asked(request)
    if request.method == "GET":
        return Response(BuildOut(queries.environment_uses(actor, workspace)[:200], many=True).data)
    spec = asked_spec(actor, workspace, parsed(EnvironmentIn, request))
    build = operations.request_environment(actor, workspace, spec=spec)
    return Response(BuildOut(build.uses.get(workspace=workspace)).data, status=202)


def use_of(request: Request, digest: str) -> EnvironmentUse:
    actor, workspace = asked(request)
    return access.fetch(actor, queries.environment_uses(actor, workspace), build__digest=digest)


@extend_schema(responses=BuildOut)
@api_view(["GET"])
def build(request: Request, digest: str) -> Response:
    """Show a build with its state, notes and lock."""
    return Response(BuildOut(use_of(request, digest)).data)


@extend_schema(responses=LogOut)
@api_view(["GET"])
def build_log(request: Request, digest: str) -> Response:
    """Give a build's log from `?offset=` on; `final` says that nothing will follow."""
    piece = queries.build_log(use_of(request, digest).build, number_in(request._request, "offset"))
    return Response({"text": piece.text, "offset": piece.offset, "final": piece.final})


# ---- Clusters -------------------------------------------------------------------------------------------------------


class NodeOut(serializers.ModelSerializer[Node]):
    state = serializers.SerializerMethodField()

    class Meta:
        model = Node
        fields = [
            "name", "state", "is_hosted", "wanted", "slots", "working", "cpu_count", "memory_bytes", "load",
            "heartbeat_ms", "created_ms",
        ]  # fmt: skip

    def get_state(self, node: Node) -> str:
        return str(queries.with_nodes(node.target, [node]).nodes[0].state)


class TargetOut(serializers.ModelSerializer[ComputeTarget]):
    """A cluster, in the words of AmlCompute's status where it has any."""

    nodes = serializers.SerializerMethodField()
    is_shared = serializers.SerializerMethodField()
    provisioning_state = serializers.CharField(source="state")
    provisioning_errors = serializers.SerializerMethodField()
    status = serializers.SerializerMethodField()

    class Meta:
        model = ComputeTarget
        fields = [
            "name", "kind", "is_shared", "provisioning_state", "provisioning_errors", "vm_size", "min_nodes",
            "max_nodes", "idle_s", "options", "created_ms", "modified_ms", "status", "nodes",
        ]  # fmt: skip

    @extend_schema_field(NodeOut(many=True))
    def get_nodes(self, target: ComputeTarget) -> Any:
        return NodeOut(sorted(target.nodes.all(), key=lambda node: node.pk), many=True).data

    def get_is_shared(self, target: ComputeTarget) -> bool:
        return target.workspace_id is None

    def get_provisioning_errors(self, target: ComputeTarget) -> list[str] | None:
        return [target.error] if target.error else None

    def get_status(self, target: ComputeTarget) -> dict[str, Any]:
        return status_of(queries.with_nodes(target, list(target.nodes.all())))


def status_of(row: TargetRow) -> dict[str, Any]:
    counts = row.counts
    return {
        "allocation_state": row.allocation,
        "current_node_count": len(row.nodes) - counts["preparing"],
        "target_node_count": len(row.nodes) - counts["leaving"],
        "node_state_counts": {
            "preparing": counts["preparing"],
            "running": counts["running"] + counts["draining"],
            "idle": counts["idle"] + counts["drained"],
            "unusable": counts["unusable"] + counts["offline"],
            "leaving": counts["leaving"],
            "preempted": 0,
        },
    }


class TargetIn(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=40)
    kind = serializers.ChoiceField(choices=ComputeTarget.Kind.choices, default=ComputeTarget.Kind.CLUSTER)
    vm_size = serializers.CharField(max_length=60, default="", allow_blank=True)
    min_nodes = serializers.IntegerField(default=0)
    max_nodes = serializers.IntegerField(default=1, allow_null=True)
    idle_s = serializers.IntegerField(default=120)
    agent_count = serializers.IntegerField(required=False)
    options = serializers.DictField(default=dict)


class TargetChangeIn(serializers.Serializer[Any]):
    min_nodes = serializers.IntegerField(required=False)
    max_nodes = serializers.IntegerField(required=False)
    idle_s = serializers.IntegerField(required=False)


class SizeOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    cores = serializers.FloatField()
    memory_gib = serializers.FloatField()


class JoinOut(serializers.Serializer[Any]):
    token = serializers.CharField()
    command = serializers.CharField()


class NodeActIn(serializers.Serializer[Any]):
    act = serializers.ChoiceField(choices=["drain", "resume", "remove"])


def own_target(request: Request, name: str) -> ComputeTarget:
    return queries.find_own_target(*asked(request), name)


@extend_schema(methods=["GET"], responses=TargetOut(many=True))
@extend_schema(methods=["POST"], request=TargetIn, responses={201: TargetOut})
@api_view(["GET", "POST"])
def targets(request: Request) -> Response:
    """List the compute targets of the workspace, those of the whole studio included; or make one."""
    actor, workspace = asked(request)
    if request.method == "GET":
        rows = queries.target_rows(workspace).prefetch_related("nodes__target")
        return Response(TargetOut(rows, many=True).data)
    return Response(TargetOut(make_target(actor, workspace, parsed(TargetIn, request))).data, status=201)


def make_target(actor: access.Actor, workspace: Workspace, values: dict[str, Any]) -> ComputeTarget:
    agents = values.pop("agent_count", None)
    if values.pop("kind") == ComputeTarget.Kind.INFERENCE:
        scale = {"agent_count": agents} if agents is not None else {}
        kept = {key: values[key] for key in ("name", "vm_size", "options")}
        return operations.create_inference_cluster(actor, workspace, **kept, **scale)
    return operations.create_cluster(actor, workspace, **values)


@extend_schema(methods=["GET"], responses=TargetOut)
@extend_schema(methods=["PATCH"], request=TargetChangeIn, responses=TargetOut)
@extend_schema(methods=["DELETE"], responses={202: None})
@api_view(["GET", "PATCH", "DELETE"])
def target(request: Request, name: str) -> Response:
    """Show, rescale or delete a compute target."""
    actor, workspace = asked(request)
    if request.method == "DELETE":
        operations.delete_cluster(actor, own_target(request, name))
        return Response(status=202)
    if request.method == "PATCH":
        operations.update_cluster(actor, own_target(request, name), **parsed(TargetChangeIn, request))
    return Response(TargetOut(queries.find_target(actor, workspace, name)).data)


@extend_schema(request=None, responses={201: JoinOut})
@api_view(["POST"])
def join_token(request: Request, name: str) -> Response:
    """Make a token with which one machine joins the cluster, and the command that uses it."""
    actor, _workspace = asked(request)
    found = own_target(request, name)
    secret = operations.create_join_token(actor, found)
    return Response({"token": secret, "command": operations.join_command(found, secret)}, status=201)


@extend_schema(request=NodeActIn, responses={202: None})
@api_view(["POST"])
def node_act(request: Request, name: str, node: str) -> Response:
    """Drain a node, give it work again, or let it leave."""
    actor, _workspace = asked(request)
    target = own_target(request, name)
    row = target.nodes.filter(name=node).first()
    if row is None:
        raise NotFound(f"There is no node “{node[:100]}”.")
    act = parsed(NodeActIn, request)["act"]
    if act == "remove":
        operations.remove_node(actor, target, node=row)
    else:
        operations.drain_node(actor, target, node=row, is_drained=act == "drain")
    return Response(status=202)


@extend_schema(responses=SizeOut(many=True))
@api_view(["GET"])
def vm_sizes(request: Request) -> Response:
    """List the VM sizes, with what each lets a job use."""
    return Response(SizeOut(list(sizes.SIZES.values()), many=True).data)


environments = access.needs(GET="compute.read", POST="compute.write")(environments)
environment = access.needs("compute.read")(environment)
build_environment = access.needs("compute.write")(build_environment)
builds = access.needs(GET="compute.read", POST="compute.write")(builds)
build = access.needs("compute.read")(build)
build_log = access.needs("compute.read")(build_log)
targets = access.needs(GET="compute.read", POST="compute.write")(targets)
target = access.needs(GET="compute.read", PATCH="compute.write", DELETE="compute.write")(target)
join_token = access.needs("compute.write")(join_token)
node_act = access.needs("compute.write")(node_act)
vm_sizes = access.needs("compute.read")(vm_sizes)
