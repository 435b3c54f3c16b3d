"""The shapes in which programs ask for endpoints and are told of them.

Names are those of the web services that older clients know (`autoscale_enabled`, `num_replicas`, …); `POLICY` says what
they are here.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from compute.shapes import EnvironmentIn, asked_spec
from deployments import operations, snippets
from deployments.models import Change, Deployment, Endpoint, Target
from lib.errors import InvalidValue
from workspaces.access import Actor
from workspaces.models import Workspace

POLICY = {
    "autoscale_enabled": "is_autoscaled",
    "autoscale_min_replicas": "min_replicas",
    "autoscale_max_replicas": "max_replicas",
    "autoscale_refresh_seconds": "refresh_s",
    "autoscale_target_utilization": "target_utilization",
    "batching_enabled": "merges_requests",
    "collect_model_data": "collects_data",
    "collect_sample_rate": "sample_rate",
    "enable_app_insights": "has_telemetry",
    "scoring_timeout_ms": "scoring_timeout_ms",
    "replica_max_concurrent_requests": "max_concurrent",
    "max_queued_requests": "max_queued",
    "max_request_wait_time": "max_wait_ms",
    "num_replicas": "replicas",
    "standby_seconds": "standby_s",
    "description": "description",
    "location": "location",
    "dns_name_label": "dns_label",
}
TARGETS = {"ACI": Target.INSTANCE, "AKS": Target.CLUSTER, "instance": Target.INSTANCE, "cluster": Target.CLUSTER}


class DeploymentOut(serializers.ModelSerializer[Deployment]):
    model = serializers.CharField(source="model_label")
    memory_gb = serializers.FloatField()
    replicas_seen = serializers.JSONField(source="seen")

    class Meta:
        model = Deployment
        fields = [
            "revision", "model", "state", "traffic", "mirror", "cpu_cores", "cpu_cores_limit", "memory_gb", "replicas",
            "replicas_seen", "entry_script", "idle_since_ms", "stages", "detail", "error", "trace", "restarts",
            "created_by", "created_ms",
        ]  # fmt: skip


class EndpointOut(serializers.ModelSerializer[Endpoint]):
    compute_type = serializers.CharField(source="target_kind")
    compute_target_name = serializers.CharField(source="compute_name")
    scoring_uri = serializers.SerializerMethodField()
    swagger_uri = serializers.SerializerMethodField()
    auth_enabled = serializers.SerializerMethodField()
    token_auth_enabled = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()
    deployments = DeploymentOut(many=True)

    autoscale_enabled = serializers.BooleanField(source="is_autoscaled")
    autoscale_min_replicas = serializers.IntegerField(source="min_replicas")
    autoscale_max_replicas = serializers.IntegerField(source="max_replicas")
    autoscale_refresh_seconds = serializers.IntegerField(source="refresh_s")
    autoscale_target_utilization = serializers.IntegerField(source="target_utilization")
    batching_enabled = serializers.BooleanField(source="merges_requests")
    collect_model_data = serializers.BooleanField(source="collects_data")
    collect_sample_rate = serializers.FloatField(source="sample_rate")
    enable_app_insights = serializers.BooleanField(source="has_telemetry")
    replica_max_concurrent_requests = serializers.IntegerField(source="max_concurrent")
    max_queued_requests = serializers.IntegerField(source="max_queued")
    max_request_wait_time = serializers.IntegerField(source="max_wait_ms")
    standby_seconds = serializers.IntegerField(source="standby_s")
    dns_name_label = serializers.CharField(source="dns_label")

    class Meta:
        model = Endpoint
        fields = [
            "name", "state", "error", "compute_type", "compute_target_name", "scoring_uri", "swagger_uri",
            "auth_enabled", "token_auth_enabled", "description", "tags", "properties", "location", "dns_name_label",
            "autoscale_enabled", "autoscale_min_replicas", "autoscale_max_replicas", "autoscale_refresh_seconds",
            "autoscale_target_utilization", "batching_enabled", "collect_model_data", "collect_sample_rate",
            "enable_app_insights", "scoring_timeout_ms", "replica_max_concurrent_requests", "max_queued_requests",
            "max_request_wait_time", "standby_seconds", "created_by", "created_ms", "updated_ms", "deployments",
        ]  # fmt: skip

    def get_scoring_uri(self, endpoint: Endpoint) -> str:
        return snippets.scoring_url(endpoint)

    def get_swagger_uri(self, endpoint: Endpoint) -> str:
        return snippets.swagger_url(endpoint)

    def get_auth_enabled(self, endpoint: Endpoint) -> bool:
        return endpoint.auth == Endpoint.Auth.KEY

    def get_token_auth_enabled(self, endpoint: Endpoint) -> bool:
        return endpoint.auth == Endpoint.Auth.TOKEN

    def get_error(self, endpoint: Endpoint) -> str:
        newest = max(endpoint.deployments.all(), key=lambda one: one.revision, default=None)
        return newest.error if newest else ""


class PolicyIn(serializers.Serializer[Any]):
    """How an endpoint answers and grows; what is left out stays, or is the default."""

    auth_enabled = serializers.BooleanField(required=False)
    token_auth_enabled = serializers.BooleanField(required=False)
    autoscale_enabled = serializers.BooleanField(required=False)
    autoscale_min_replicas = serializers.IntegerField(required=False)
    autoscale_max_replicas = serializers.IntegerField(required=False)
    autoscale_refresh_seconds = serializers.IntegerField(required=False)
    autoscale_target_utilization = serializers.IntegerField(required=False)
    batching_enabled = serializers.BooleanField(required=False)
    collect_model_data = serializers.BooleanField(required=False)
    collect_sample_rate = serializers.FloatField(required=False)
    enable_app_insights = serializers.BooleanField(required=False)
    scoring_timeout_ms = serializers.IntegerField(required=False)
    replica_max_concurrent_requests = serializers.IntegerField(required=False)
    max_queued_requests = serializers.IntegerField(required=False)
    max_request_wait_time = serializers.IntegerField(required=False)
    num_replicas = serializers.IntegerField(required=False)
    standby_seconds = serializers.IntegerField(required=False)
    description = serializers.CharField(required=False, allow_blank=True, max_length=20_000)
    location = serializers.CharField(required=False, allow_blank=True)
    dns_name_label = serializers.CharField(required=False, allow_blank=True)
    tags = serializers.DictField(child=serializers.CharField(allow_blank=True), required=False)


class DeployIn(serializers.Serializer[Any]):
    """A model version, the size of a replica and, for a service with a script of its own, its files by path."""

    model = serializers.CharField(max_length=256)
    version = serializers.IntegerField(min_value=1)
    cpu_cores = serializers.FloatField(required=False)
    memory_gb = serializers.FloatField(required=False)
    cpu_cores_limit = serializers.FloatField(required=False)
    memory_gb_limit = serializers.FloatField(required=False)
    takes_traffic = serializers.BooleanField(default=True)
    entry_script = serializers.CharField(max_length=200, required=False)
    files = serializers.DictField(child=serializers.CharField(allow_blank=True, trim_whitespace=False), required=False)
    environment = EnvironmentIn(required=False)


class EndpointIn(DeployIn, PolicyIn):
    name = serializers.CharField(max_length=32)
    compute_type = serializers.ChoiceField(choices=sorted(TARGETS), default="instance")
    compute_target_name = serializers.CharField(max_length=32, default="", allow_blank=True)
    properties = serializers.DictField(child=serializers.CharField(allow_blank=True), default=dict)
    primary_key = serializers.CharField(required=False)
    secondary_key = serializers.CharField(required=False)


class TrafficIn(serializers.Serializer[Any]):
    """Per cent by revision."""

    traffic = serializers.DictField(child=serializers.IntegerField())
    mirror = serializers.DictField(child=serializers.IntegerField(), default=dict)


class RollBackIn(serializers.Serializer[Any]):
    revision = serializers.IntegerField(min_value=1)


class WhichIn(serializers.Serializer[Any]):
    which = serializers.CharField(max_length=20)
    key = serializers.CharField(max_length=200, default="", allow_blank=True)


class KeysOut(serializers.Serializer[Any]):
    primary = serializers.CharField()
    secondary = serializers.CharField()


class TokenOut(serializers.Serializer[Any]):
    token = serializers.CharField()
    refresh_after_ms = serializers.IntegerField()
    expires_ms = serializers.IntegerField()


class LogOut(serializers.Serializer[Any]):
    lines = serializers.ListField(child=serializers.CharField())


class KeptOut(serializers.Serializer[Any]):
    path = serializers.CharField()
    size_bytes = serializers.IntegerField()


class ChangeOut(serializers.ModelSerializer[Change]):
    class Meta:
        model = Change
        fields = ["what", "revision", "details", "by", "at_ms"]


class SliceOut(serializers.Serializer[Any]):
    start_ms = serializers.IntegerField()
    span_ms = serializers.IntegerField()
    requests = serializers.IntegerField()
    refused = serializers.IntegerField()
    failed = serializers.IntegerField()
    sampled = serializers.IntegerField()
    unsampled = serializers.IntegerField()
    p50_ms = serializers.FloatField(allow_null=True)
    p95_ms = serializers.FloatField(allow_null=True)
    p99_ms = serializers.FloatField(allow_null=True)
    cpu_ms = serializers.FloatField()
    memory_bytes = serializers.IntegerField()


def policy(values: dict[str, Any], default_auth: str | None = None) -> dict[str, Any]:
    """Take the fields of a policy out of values, by their names here."""
    found = {here: values.pop(name) for name, here in POLICY.items() if name in values}
    key, token = values.pop("auth_enabled", None), values.pop("token_auth_enabled", None)
    if key and token:
        raise InvalidValue(_("Keys and tokens exclude each other: switch one of them off."), field="auth_enabled")
    if token:
        found["auth"] = Endpoint.Auth.TOKEN
    elif key is not None or token is not None:
        found["auth"] = Endpoint.Auth.KEY if key or (key is None and default_auth) else Endpoint.Auth.NONE
    elif default_auth:
        found["auth"] = default_auth
    return found


def size(values: dict[str, Any]) -> operations.Size:
    """Take a replica's size out of values; memory is a limit already, so a higher one of its own is it."""
    memory, limit = values.pop("memory_gb", None), values.pop("memory_gb_limit", None)
    if memory is not None and limit is not None and limit < memory:
        raise InvalidValue(_("The limit of memory is below the memory asked for."), field="memory_gb_limit")
    cores, ceiling = values.pop("cpu_cores", None), values.pop("cpu_cores_limit", None)
    return operations.Size(cores, limit if limit is not None else memory, ceiling)


def code(actor: Actor, workspace: Workspace, values: dict[str, Any]) -> operations.Code | None:
    """Take an entry script, its files and environment out of values."""
    script, files = values.pop("entry_script", ""), values.pop("files", {})
    environment = values.pop("environment", None)
    if not script:
        return None
    return operations.Code(script, files, asked_spec(actor, workspace, environment) if environment else None)


def by_revision(shares: dict[str, int]) -> dict[int, int]:
    try:
        return {int(revision): share for revision, share in shares.items()}
    except ValueError:
        raise InvalidValue(_("Revisions are numbers."), field="traffic") from None
