"""Datastores and datasets for programs."""

from __future__ import annotations

from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from experiments.data import operations, queries, stores
from experiments.data.drivers import Connection, Secret
from experiments.data.models import DatasetKind, DatasetVersion, Datastore, RegisteredDataset
from experiments.data.sending import send_file
from experiments.mlflow_api import slots
from experiments.mlflow_api.artifacts import body as body_of
from workspaces import access
from workspaces.drf import asked, parsed

READ, WRITE, OWN = "experiments.read", "experiments.write", "workspace.write"
FILES_A_PAGE = 1000


# ---- Shapes ---------------------------------------------------------------------------------------------------------


class DatastoreIn(serializers.Serializer[Any]):
    """A folder that the operator offers (`folder` is its name), or a container of an object store; `path` is below it.

    `secret` has the credentials, for none the store is read anonymously: of `s3` `access_key_id`, `secret_access_key`
    and perhaps `session_token`; of `azure_blob` `account_key` or `sas_token`; of `gcs` `service_account`, a JSON text.
    """

    name = serializers.CharField(max_length=100)
    kind = serializers.CharField(max_length=20, default="folder")
    folder = serializers.CharField(max_length=60, default="", allow_blank=True)
    path = serializers.CharField(max_length=2000, default="", allow_blank=True)
    container = serializers.CharField(max_length=255, default="", allow_blank=True)
    account = serializers.CharField(max_length=100, default="", allow_blank=True)
    endpoint = serializers.CharField(max_length=2000, default="", allow_blank=True)
    region = serializers.CharField(max_length=60, default="", allow_blank=True)
    secret = serializers.DictField(child=serializers.CharField(max_length=20_000), default=dict)

    def validate_secret(self, value: dict[str, str]) -> Secret:
        return Secret(value)


class DatastoreTestIn(DatastoreIn):
    name = None  # type: ignore[assignment]


class DatastoreChange(serializers.Serializer[Any]):
    """Other credentials."""

    secret = serializers.DictField(child=serializers.CharField(max_length=20_000))


class DatastoreTestOut(serializers.Serializer[Any]):
    """`found` is how many names are at the top."""

    found = serializers.IntegerField()


class DatastoreOut(serializers.ModelSerializer[Datastore]):
    """What is known of a datastore; its credentials are never told."""

    is_default = serializers.BooleanField()
    can_write = serializers.BooleanField()
    has_credentials = serializers.BooleanField()

    class Meta:
        model = Datastore
        fields = [
            "name", "kind", "folder", "container", "account", "endpoint", "region", "path", "is_default", "can_write",
            "has_credentials", "created_by", "created_ms",
        ]  # fmt: skip


class DatastoresOut(serializers.Serializer[Any]):
    """`folders` are the names of those that the operator offers."""

    datastores = DatastoreOut(many=True)
    folders = serializers.ListField(child=serializers.CharField())


class EntryOut(serializers.Serializer[Any]):
    path = serializers.CharField()
    is_dir = serializers.BooleanField()
    size_bytes = serializers.IntegerField(allow_null=True)


class ListingOut(serializers.Serializer[Any]):
    """A part of a folder; `after` is what to ask for next, empty at its end."""

    entries = EntryOut(many=True)
    total = serializers.IntegerField()
    after = serializers.CharField()


class OptionsIn(serializers.Serializer[Any]):
    """How the text files of a table are read."""

    separator = serializers.CharField(max_length=1, required=False, trim_whitespace=False)
    has_header = serializers.BooleanField(default=True)
    encoding = serializers.CharField(max_length=20, required=False)


class VersionIn(serializers.Serializer[Any]):
    """Files of a datastore (the workspace's own one unless it is named): paths of files, folders, or patterns."""

    datastore = serializers.CharField(max_length=100, default="default")
    paths = serializers.ListField(child=serializers.CharField(max_length=2000, trim_whitespace=False, allow_blank=True))
    options = OptionsIn(required=False)
    description = serializers.CharField(default="", allow_blank=True)


class DatasetIn(VersionIn):
    name = serializers.CharField(max_length=255)
    kind = serializers.ChoiceField(choices=DatasetKind.choices)
    tags = serializers.DictField(child=serializers.CharField(allow_blank=True), default=dict)


class DatasetChange(serializers.Serializer[Any]):
    description = serializers.CharField(required=False, allow_blank=True)
    tags = serializers.DictField(child=serializers.CharField(allow_blank=True), required=False)


class DatasetOut(serializers.ModelSerializer[RegisteredDataset]):
    latest_version = serializers.IntegerField(source="newest", allow_null=True)
    size_bytes = serializers.IntegerField(allow_null=True)
    file_count = serializers.IntegerField(allow_null=True)

    class Meta:
        model = RegisteredDataset
        fields = [
            "name", "kind", "description", "tags", "latest_version", "size_bytes", "file_count", "created_by",
            "created_ms", "updated_ms",
        ]  # fmt: skip


class VersionOut(serializers.ModelSerializer[DatasetVersion]):
    name = serializers.CharField(source="dataset.name")
    kind = serializers.CharField(source="dataset.kind")
    version = serializers.IntegerField(source="number")
    datastore = serializers.CharField(source="datastore.name")
    tags = serializers.JSONField(source="dataset.tags")

    class Meta:
        model = DatasetVersion
        fields = [
            "name", "version", "kind", "datastore", "paths", "options", "file_count", "size_bytes", "digest",
            "description", "tags", "profile_state", "created_by", "created_ms",
        ]  # fmt: skip


class FileOut(serializers.Serializer[Any]):
    path = serializers.CharField()
    name = serializers.CharField()
    size_bytes = serializers.IntegerField()


class FilesOut(serializers.Serializer[Any]):
    files = FileOut(many=True)
    total = serializers.IntegerField()


class ProfileOut(serializers.Serializer[Any]):
    """`profile` has rows, is_whole (or only so many rows were read), odd_rows, and of each column what is known."""

    state = serializers.CharField()
    error = serializers.CharField()
    profile = serializers.JSONField()


class UseOut(serializers.Serializer[Any]):
    run_id = serializers.CharField()
    run_name = serializers.CharField()
    status = serializers.CharField()
    experiment = serializers.CharField()
    start_ms = serializers.IntegerField()
    name = serializers.CharField()
    version = serializers.IntegerField(source="number")


# ---- Datastores -----------------------------------------------------------------------------------------------------


@extend_schema(methods=["GET"], responses=DatastoresOut)
@extend_schema(methods=["POST"], request=DatastoreIn, responses={201: DatastoreOut})
@api_view(["GET", "POST"])
def datastores(request: Request) -> Response:
    """List the workspace's datastores, or open a folder that the operator offers or a container of an object store."""
    actor, workspace = asked(request)
    if request.method == "POST":
        made = operations.create_datastore(actor, workspace, **parsed(DatastoreIn, request))
        return Response(DatastoreOut(made).data, status=201)
    found = {"datastores": queries.datastores(actor, workspace), "folders": sorted(stores.folders())}
    return Response(DatastoresOut(found).data)


@extend_schema(request=DatastoreTestIn, responses=DatastoreTestOut)
@api_view(["POST"])
def datastore_test(request: Request) -> Response:
    """List the top of a datastore to be, which is not kept."""
    actor, workspace = asked(request)
    given = parsed(DatastoreTestIn, request)
    place = {name: given.pop(name) for name in ("folder", "path")}
    found = operations.check_datastore(actor, workspace, connection=Connection(**given), **place)
    return Response(DatastoreTestOut({"found": found}).data)


@extend_schema(methods=["GET"], responses=DatastoreOut)
@extend_schema(methods=["PATCH"], request=DatastoreChange, responses=DatastoreOut)
@extend_schema(methods=["DELETE"], responses={204: None})
@api_view(["GET", "PATCH", "DELETE"])
def datastore(request: Request, name: str) -> Response:
    """Show a datastore (`default` is the workspace's own), give it other credentials, or forget it; its files stay."""
    actor, workspace = asked(request)
    found = queries.datastore(actor, workspace, name)
    if request.method == "DELETE":
        operations.delete_datastore(actor, found)
        return Response(status=204)
    if request.method == "PATCH":
        secret = Secret(parsed(DatastoreChange, request)["secret"])
        found = operations.replace_credentials(actor, found, secret=secret)
    return Response(DatastoreOut(found).data)


@extend_schema(parameters=[OpenApiParameter("path", str), OpenApiParameter("after", str)], responses=ListingOut)
@api_view(["GET"])
def files(request: Request, name: str) -> Response:
    """List a folder, up to 1,000 names; `after` goes on where the last answer ended."""
    found = queries.datastore(*asked(request), name)
    listed = queries.listing(found, request.query_params.get("path", ""), request.query_params.get("after", ""))
    after = listed.entries[-1].rank if listed.rest else ""
    return Response(ListingOut({"entries": listed.entries, "total": listed.total, "after": after}).data)


@extend_schema(methods=["GET"], responses={200: OpenApiTypes.BINARY})
@extend_schema(
    methods=["PUT"],
    request={"application/octet-stream": OpenApiTypes.BINARY},
    parameters=[OpenApiParameter("overwrite", bool)],
    responses={201: EntryOut},
)
@extend_schema(methods=["DELETE"], responses={204: None})
@api_view(["GET", "PUT", "DELETE"])
def file(request: Request, name: str, path: str) -> HttpResponseBase:
    """Download, store (the body is the file; `?overwrite=true` replaces one), or delete a file."""
    actor, workspace = asked(request)
    found = queries.datastore(actor, workspace, name)
    if request.method == "GET":
        return send_file(found, path)
    if request.method == "DELETE":
        operations.delete_file(actor, found, path=path)
        return Response(status=204)
    inner: Any = request._request
    source, size = body_of(inner)
    replaces = request.query_params.get("overwrite", "").lower() in ("true", "1")
    with slots.upload(inner):
        written = operations.put_file(actor, found, path=path, source=source, size_bytes=size, replaces=replaces)
    return Response(EntryOut({"path": path, "is_dir": False, "size_bytes": written}).data, status=201)


# ---- Datasets -------------------------------------------------------------------------------------------------------


@extend_schema(methods=["GET"], responses=DatasetOut(many=True))
@extend_schema(methods=["POST"], request=DatasetIn, responses={201: VersionOut})
@api_view(["GET", "POST"])
def datasets(request: Request) -> Response:
    """List datasets, or register one with its first version."""
    actor, workspace = asked(request)
    if request.method == "GET":
        return Response(DatasetOut(queries.datasets(actor, workspace)[: queries.LISTED_MAX], many=True).data)
    given = parsed(DatasetIn, request)
    store = queries.datastore(actor, workspace, given.pop("datastore"))
    made = operations.create_dataset(actor, workspace, datastore=store, **given)
    return Response(VersionOut(made).data, status=201)


@extend_schema(methods=["GET"], responses=DatasetOut)
@extend_schema(methods=["PATCH"], request=DatasetChange, responses=DatasetOut)
@extend_schema(methods=["DELETE"], responses={204: None})
@api_view(["GET", "PATCH", "DELETE"])
def dataset(request: Request, name: str) -> Response:
    """Show a dataset, describe it anew, or delete it with its versions; files stay where they lie."""
    actor, workspace = asked(request)
    found = queries.dataset(actor, workspace, name)
    if request.method == "DELETE":
        operations.delete_dataset(actor, found)
        return Response(status=204)
    if request.method == "PATCH":
        found = operations.update_dataset(actor, found, **parsed(DatasetChange, request))
    return Response(DatasetOut(found).data)


@extend_schema(methods=["GET"], responses=VersionOut(many=True))
@extend_schema(methods=["POST"], request=VersionIn, responses={201: VersionOut})
@api_view(["GET", "POST"])
def versions(request: Request, name: str) -> Response:
    """List a dataset's versions, the newest first, or add one."""
    actor, workspace = asked(request)
    found = queries.dataset(actor, workspace, name)
    if request.method == "GET":
        return Response(VersionOut(queries.versions(actor, found)[: queries.LISTED_MAX], many=True).data)
    given = parsed(VersionIn, request)
    store = queries.datastore(actor, workspace, given.pop("datastore"))
    made = operations.create_dataset_version(actor, found, datastore=store, **given)
    return Response(VersionOut(made).data, status=201)


@extend_schema(methods=["GET"], responses=VersionOut)
@extend_schema(methods=["DELETE"], responses={204: None})
@api_view(["GET", "DELETE"])
def version(request: Request, name: str, number: str) -> Response:
    """Show or delete a version, by its number or `latest`."""
    actor, workspace = asked(request)
    found = queries.version(actor, workspace, name, number)
    if request.method == "DELETE":
        operations.delete_dataset_version(actor, found)
        return Response(status=204)
    return Response(VersionOut(found).data)


@extend_schema(parameters=[OpenApiParameter("offset", int)], responses=FilesOut)
@api_view(["GET"])
def version_files(request: Request, name: str, number: str) -> Response:
    """List a version's files, 1,000 from `?offset=` on: their path in the datastore, and their name in a job."""
    found = queries.version(*asked(request), name, number)
    text = request.query_params.get("offset", "0")
    offset = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
    return Response(FilesOut({"files": found.files[offset : offset + FILES_A_PAGE], "total": found.file_count}).data)


@extend_schema(responses={200: OpenApiTypes.BINARY})
@api_view(["GET"])
def version_file(request: Request, name: str, number: str, path: str) -> HttpResponseBase:
    """Download a file of a version by its name there."""
    found = queries.version(*asked(request), name, number)
    return send_file(found.datastore, found.path_of(path))


@extend_schema(methods=["GET"], responses=ProfileOut)
@extend_schema(methods=["POST"], request=None, responses={202: ProfileOut})
@api_view(["GET", "POST"])
def profile(request: Request, name: str, number: str) -> Response:
    """Show what is in the columns of a table, or have it counted once more."""
    actor, workspace = asked(request)
    found = queries.version(actor, workspace, name, number)
    if request.method == "POST":
        operations.profile_version(actor, found)
        found.refresh_from_db()
    said = {"state": found.profile_state, "error": found.profile_error, "profile": found.profile}
    return Response(ProfileOut(said).data, status=202 if request.method == "POST" else 200)


@extend_schema(responses=UseOut(many=True))
@api_view(["GET"])
def uses(request: Request, name: str) -> Response:
    """List the runs that were given the dataset, the newest hundred."""
    actor, workspace = asked(request)
    return Response(UseOut(queries.uses(actor, queries.dataset(actor, workspace, name)), many=True).data)


datastores = access.needs(GET=READ, POST=OWN)(datastores)
datastore_test = access.needs(OWN)(datastore_test)
datastore = access.needs(GET=READ, PATCH=OWN, DELETE=OWN)(datastore)
files = access.needs(READ)(files)
file = access.needs(GET=READ, PUT=WRITE, DELETE=WRITE)(file)
datasets = access.needs(GET=READ, POST=WRITE)(datasets)
dataset = access.needs(GET=READ, PATCH=WRITE, DELETE=WRITE)(dataset)
versions = access.needs(GET=READ, POST=WRITE)(versions)
version = access.needs(GET=READ, DELETE=WRITE)(version)
version_files = access.needs(READ)(version_files)
version_file = access.needs(READ)(version_file)
profile = access.needs(GET=READ, POST=WRITE)(profile)
uses = access.needs(READ)(uses)
