"""Registered models and versions for programs."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from experiments import queries as experiments
from experiments.purging.api import PurgeOut, purge_out
from lib.errors import InvalidValue
from registry import operations, queries
from registry.models import ModelVersion, RegisteredModel
from workspaces import access

MOST = 1000
WITH_FILES = OpenApiParameter("with_files", bool, description="Delete the files too, for good.")


class ModelIn(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=256)
    description = serializers.CharField(max_length=5000, allow_blank=True, default="")
    tags = serializers.DictField(child=serializers.CharField(allow_blank=True), default=dict)


class ModelOut(serializers.ModelSerializer[RegisteredModel]):
    tags = serializers.SerializerMethodField()
    aliases = serializers.SerializerMethodField()

    class Meta:
        model = RegisteredModel
        fields = ["name", "description", "last_version", "created_by", "created_ms", "updated_ms", "tags", "aliases"]

    def get_tags(self, row: RegisteredModel) -> dict[str, str]:
        return {tag.key: tag.value for tag in row.tags.all()}

    def get_aliases(self, row: RegisteredModel) -> dict[str, int]:
        return {one.name: one.version.version for one in row.aliases.all()}


class VersionIn(serializers.Serializer[Any]):
    """Where a version comes from: a run of the workspace and the path of the model on its Artifacts tab."""

    run_id = serializers.CharField(max_length=36)
    path = serializers.CharField(max_length=2000)
    description = serializers.CharField(max_length=5000, allow_blank=True, default="")


class VersionOut(serializers.ModelSerializer[ModelVersion]):
    model = serializers.CharField(source="model.name")
    run_id = serializers.CharField(allow_null=True)
    logged_model_id = serializers.CharField(allow_null=True)
    tags = serializers.SerializerMethodField()
    aliases = serializers.SerializerMethodField()

    class Meta:
        model = ModelVersion
        fields = [
            "model", "version", "source", "run_id", "logged_model_id", "artifact_path", "description", "stage",
            "created_by", "created_ms", "updated_ms", "tags", "aliases",
        ]  # fmt: skip

    def get_tags(self, row: ModelVersion) -> dict[str, str]:
        return {tag.key: tag.value for tag in row.tags.all()}

    def get_aliases(self, row: ModelVersion) -> list[str]:
        return [one.name for one in row.aliases.all()]


def asked(request: Request) -> Any:
    """Give the request in which the middlewares put the actor and the workspace."""
    return request._request


def with_files(request: Request) -> bool:
    """Say whether the files go too. Raises InvalidValue for another word than true or false."""
    word = request.query_params.get("with_files", "false")
    if word not in ("true", "false"):
        raise InvalidValue(_("with_files is true or false."), field="with_files")
    return word == "true"


@extend_schema(methods=["GET"], responses=ModelOut(many=True))
@extend_schema(methods=["POST"], request=ModelIn, responses={201: ModelOut})
@api_view(["GET", "POST"])
def models(request: Request) -> Response:
    """List the workspace's models (`?filter=` in MLflow's grammar), or create one without versions."""
    actor, workspace = asked(request).actor, asked(request).workspace
    if request.method == "GET":
        rows = queries.search_models(actor, workspace, text=request.query_params.get("filter", ""))
        return Response(ModelOut(rows[:MOST], many=True).data)
    given = ModelIn(data=request.data)
    given.is_valid(raise_exception=True)
    made = operations.register_model(actor, workspace, **given.validated_data)
    return Response(ModelOut(made).data, status=201)


@extend_schema(methods=["GET"], responses=ModelOut)
@extend_schema(methods=["DELETE"], parameters=[WITH_FILES], responses={202: PurgeOut, 204: None})
@api_view(["GET", "DELETE"])
def model(request: Request, name: str) -> Response:
    """Show a model, or delete it with its versions: rows alone, or their files too."""
    found = queries.model(asked(request).actor, asked(request).workspace, name)
    if request.method == "DELETE" and with_files(request):
        return Response(purge_out(operations.purge_model(asked(request).actor, found)), status=202)
    if request.method == "DELETE":
        operations.delete_model(asked(request).actor, found)
        return Response(status=204)
    return Response(ModelOut(found).data)


@extend_schema(methods=["GET"], responses=VersionOut(many=True))
@extend_schema(methods=["POST"], request=VersionIn, responses={201: VersionOut})
@api_view(["GET", "POST"])
def versions(request: Request, name: str) -> Response:
    """List a model's versions, or register the next one from a run; a new name makes a new model."""
    actor, workspace = asked(request).actor, asked(request).workspace
    if request.method == "GET":
        found = queries.model(actor, workspace, name)
        rows = queries.search_versions(actor, workspace).filter(model=found)
        return Response(VersionOut(rows[:MOST], many=True).data)
    given = VersionIn(data=request.data)
    given.is_valid(raise_exception=True)
    run = experiments.run(actor, workspace, given.validated_data["run_id"])
    details = {key: given.validated_data[key] for key in ("path", "description")}
    made = operations.register_from_run(actor, workspace, run=run, name=name, **details)
    return Response(VersionOut(made).data, status=201)


@extend_schema(methods=["GET"], responses=VersionOut)
@extend_schema(methods=["DELETE"], parameters=[WITH_FILES], responses={202: PurgeOut, 204: None})
@api_view(["GET", "DELETE"])
def version(request: Request, name: str, number: str) -> Response:
    """Show a version, or delete it, alone or with its files; its number is not used again."""
    found = queries.version(asked(request).actor, asked(request).workspace, name, number)
    if request.method == "DELETE" and with_files(request):
        return Response(purge_out(operations.purge_version(asked(request).actor, found)), status=202)
    if request.method == "DELETE":
        operations.delete_version(asked(request).actor, found)
        return Response(status=204)
    return Response(VersionOut(found).data)


models = access.needs(GET="registry.read", POST="registry.write")(models)
model = access.needs(GET="registry.read", DELETE="registry.write")(model)
versions = access.needs(GET="registry.read", POST="registry.write")(versions)
version = access.needs(GET="registry.read", DELETE="registry.write")(version)
