"""The trash and deleting for good, for programs."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from experiments import operations, queries
from experiments.api import asked, number
from experiments.models import Purge
from experiments.purging import Tally, Weight, rule, weigh
from experiments.queries import trash as trashed
from workspaces import access

MOST_A_PAGE = 500
SECONDS = 5.0


class TallyOut(serializers.Serializer[Any]):
    experiments = serializers.IntegerField()
    runs = serializers.IntegerField()
    logged_models = serializers.IntegerField()
    models = serializers.IntegerField()
    versions = serializers.IntegerField()
    metrics = serializers.IntegerField()
    points = serializers.IntegerField()
    files = serializers.IntegerField()
    size_bytes = serializers.IntegerField()


class HolderOut(serializers.Serializer[Any]):
    kind = serializers.CharField()
    name = serializers.CharField()


class KeptOut(serializers.Serializer[Any]):
    kind = serializers.CharField()
    id = serializers.CharField()
    name = serializers.CharField()
    holders = HolderOut(many=True)


class WeightOut(serializers.Serializer[Any]):
    would_free = TallyOut(source="tally")
    kept = KeptOut(many=True)
    kept_count = serializers.IntegerField()
    is_complete = serializers.BooleanField(help_text="False when there was not time to count all of it.")


class PurgeIn(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=[str(kind) for kind in operations.IN_TRASH])
    names = serializers.ListField(child=serializers.CharField(max_length=40), default=list)


class PurgeOut(serializers.ModelSerializer[Purge]):
    expected = TallyOut(allow_null=True)
    freed = TallyOut()
    kept = KeptOut(many=True)

    class Meta:
        model = Purge
        fields = [
            "id", "kind", "names", "path", "label", "asked_by", "is_by_rule", "state", "expected", "freed", "kept",
            "kept_count", "error", "created_ms", "started_ms", "ended_ms",
        ]  # fmt: skip


class TrashedOut(serializers.Serializer[Any]):
    kind = serializers.CharField()
    id = serializers.CharField(source="thing.pk")
    name = serializers.CharField(source="thing.name")
    deleted_ms = serializers.IntegerField(source="thing.deleted_ms")
    due_ms = serializers.IntegerField(allow_null=True)
    files = serializers.IntegerField(source="weight.files")
    size_bytes = serializers.IntegerField(source="weight.size_bytes")
    holders = HolderOut(many=True, help_text="Who needs it: it stays until they go.")


class TrashOut(serializers.Serializer[Any]):
    items = TrashedOut(many=True)
    total = serializers.IntegerField()


class RuleIn(serializers.Serializer[Any]):
    days = serializers.IntegerField(min_value=0)


class RuleOut(serializers.Serializer[Any]):
    days = serializers.IntegerField(help_text="0: nothing goes by itself.")


def purge_out(purge: Purge) -> dict[str, Any]:
    """Show a purge; what it has not counted yet is 0."""
    purge.freed = Tally.of(purge.freed).as_json()
    return dict(PurgeOut(purge).data)


@extend_schema(
    parameters=[
        OpenApiParameter("kind", str),
        OpenApiParameter("name", str),
        OpenApiParameter("limit", int),
        OpenApiParameter("offset", int),
    ],
    responses=TrashOut,
)
@api_view(["GET"])
def trash(request: Request) -> Response:
    """List what lies in the trash, last deleted first, with its bytes and when it goes for good."""
    actor, workspace = asked(request).actor, asked(request).workspace
    kind, name = request.query_params.get("kind", ""), request.query_params.get("name", "")
    limit = number(request, "limit", 100, least=1, most=MOST_A_PAGE) or 100
    offset = number(request, "offset", 0, least=0, most=10_000_000) or 0
    found = trashed.trash(actor, workspace, kind=kind, name=name)
    page = trashed.items(workspace, list(found[offset : offset + limit]))
    return Response(TrashOut({"items": page, "total": found.count()}).data)


@extend_schema(request=PurgeIn, responses=WeightOut)
@api_view(["POST"])
def trash_weigh(request: Request) -> Response:
    """Say what a purge would free, and what would stay because somebody needs it. Changes nothing."""
    given = PurgeIn(data=request.data)
    given.is_valid(raise_exception=True)
    found: Weight = weigh(operations.planned(asked(request).workspace, **given.validated_data), SECONDS)
    return Response(WeightOut(found).data)


@extend_schema(methods=["GET"], responses=RuleOut)
@extend_schema(methods=["PUT"], request=RuleIn, responses=RuleOut)
@api_view(["GET", "PUT"])
def trash_rule(request: Request) -> Response:
    """Say, or set, after how many days the trash empties by itself."""
    actor, workspace = asked(request).actor, asked(request).workspace
    if request.method == "PUT":
        given = RuleIn(data=request.data)
        given.is_valid(raise_exception=True)
        operations.set_trash_rule(actor, workspace, **given.validated_data)
    return Response(RuleOut(rule(workspace)).data)


@extend_schema(methods=["GET"], responses=PurgeOut(many=True))
@extend_schema(methods=["POST"], request=PurgeIn, responses={202: PurgeOut})
@api_view(["GET", "POST"])
def purges(request: Request) -> Response:
    """List the last purges, or delete for good what lies in the trash."""
    actor, workspace = asked(request).actor, asked(request).workspace
    if request.method == "GET":
        return Response([purge_out(one) for one in trashed.purges(actor, workspace)[:100]])
    given = PurgeIn(data=request.data)
    given.is_valid(raise_exception=True)
    return Response(purge_out(operations.purge(actor, workspace, **given.validated_data)), status=202)


@extend_schema(responses=PurgeOut)
@api_view(["GET"])
def purge(request: Request, purge_id: int) -> Response:
    """Show how far a purge is, what it freed and what it kept."""
    rows = trashed.purges(asked(request).actor, asked(request).workspace)
    return Response(purge_out(access.fetch(asked(request).actor, rows, pk=purge_id)))


@extend_schema(parameters=[OpenApiParameter("key", str, required=True)], responses=PurgeOut)
@api_view(["DELETE"])
def run_metric(request: Request, run_id: str) -> Response:
    """Delete one metric of a run, with all its points, at once."""
    run = queries.run(asked(request).actor, asked(request).workspace, run_id)
    done = operations.delete_metric(asked(request).actor, run, metric=request.query_params.get("key", ""))
    return Response(purge_out(done))


@extend_schema(parameters=[OpenApiParameter("path", str, required=True)], responses={202: PurgeOut})
@api_view(["DELETE"])
def run_artifact(request: Request, run_id: str) -> Response:
    """Delete a file or folder of a run, or of a model that it logged (by the model's name, as on its page)."""
    run = queries.run(asked(request).actor, asked(request).workspace, run_id)
    begun = operations.purge_artifact(asked(request).actor, run, path=request.query_params.get("path", ""))
    return Response(purge_out(begun), status=202)


trash = access.needs("experiments.read")(trash)
trash_weigh = access.needs("experiments.read")(trash_weigh)
trash_rule = access.needs(GET="experiments.read", PUT="workspace.write")(trash_rule)
purges = access.needs(GET="experiments.read", POST="experiments.purge")(purges)
purge = access.needs("experiments.read")(purge)
run_metric = access.needs("experiments.write")(run_metric)
run_artifact = access.needs("experiments.write")(run_artifact)
