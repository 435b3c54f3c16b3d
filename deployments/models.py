"""Models that answer: an endpoint, its deployments (revisions) and their replicas."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from lib.clock import now_ms
from workspaces.models import WorkspaceOwned


class Wanted(models.TextChoices):
    RUNNING = "running", _("Running")
    STOPPED = "stopped", _("Stopped")
    ABSENT = "absent", _("Absent")


class Target(models.TextChoices):
    """What an endpoint runs on; its driver is another question."""

    INSTANCE = "instance", _("Instance")
    CLUSTER = "cluster", _("Cluster")


class EndpointState(models.TextChoices):
    """The words of the original service, and Stopped and Deleting."""

    TRANSITIONING = "Transitioning", _("Transitioning")
    HEALTHY = "Healthy", _("Healthy")
    UNHEALTHY = "Unhealthy", _("Unhealthy")
    FAILED = "Failed", _("Failed")
    STOPPED = "Stopped", _("Stopped")
    DELETING = "Deleting", _("Deleting")


class Endpoint(WorkspaceOwned):
    """A name with a scoring address; what it wants to be, and what was last seen."""

    read_permission = "deployments.read"

    class Auth(models.TextChoices):
        KEY = "key", _("Key")
        TOKEN = "token", _("Token")
        NONE = "none", _("Public")

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="endpoints")
    name = models.CharField(max_length=32)
    description = models.TextField(blank=True, default="")
    tags = models.JSONField(default=dict)
    properties = models.JSONField(default=dict, help_text="Set once, at the beginning; tags may change.")
    location = models.CharField(max_length=60, blank=True, default="")
    dns_label = models.CharField(max_length=63, blank=True, default="")
    target_kind = models.CharField(max_length=20, choices=Target.choices, default=Target.INSTANCE)
    compute_name = models.CharField(max_length=32, blank=True, default="", help_text="Empty: this machine.")
    driver = models.CharField(max_length=20, default="process")
    auth = models.CharField(max_length=5, choices=Auth.choices, default=Auth.KEY)
    # Encrypted with a key derived from SECRET_KEY: people ask to see them again, so a hash is not enough here.
    primary_key = models.BinaryField(default=bytes)
    secondary_key = models.BinaryField(default=bytes)
    token_epoch = models.PositiveIntegerField(default=1, help_text="Tokens are signed for one; the next ends them all.")
    # How it answers and grows; what an endpoint's replicas read again while they run.
    scoring_timeout_ms = models.PositiveIntegerField(default=60_000)
    max_concurrent = models.PositiveSmallIntegerField(default=2, help_text="Requests a replica works on at once.")
    max_queued = models.PositiveSmallIntegerField(default=128, help_text="Requests that may wait for a replica.")
    max_wait_ms = models.PositiveIntegerField(default=0, help_text="How long a request may wait; 0: no limit.")
    is_autoscaled = models.BooleanField(default=False)
    min_replicas = models.PositiveSmallIntegerField(default=1)
    max_replicas = models.PositiveSmallIntegerField(default=10)
    target_utilization = models.PositiveSmallIntegerField(default=70, help_text="Per cent of a replica's concurrency.")
    refresh_s = models.PositiveSmallIntegerField(default=1, help_text="How often the number of replicas is judged.")
    standby_s = models.PositiveIntegerField(default=600, help_text="How long what served before is kept, to go back.")
    has_telemetry = models.BooleanField(default=True)
    collects_data = models.BooleanField(default=False, help_text="Keep a sample of inputs and outputs.")
    sample_rate = models.FloatField(default=0.1, help_text="The share of requests that is kept.")
    merges_requests = models.BooleanField(default=True, help_text="Requests that wait may be one call of the model.")
    wanted = models.CharField(max_length=10, choices=Wanted.choices, default=Wanted.RUNNING)
    state = models.CharField(max_length=15, choices=EndpointState.choices, default=EndpointState.TRANSITIONING)
    created_by = models.CharField(max_length=150, blank=True, default="")
    created_ms = models.BigIntegerField(default=now_ms)
    updated_ms = models.BigIntegerField(default=now_ms)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="endpoint_name"),
            models.CheckConstraint(
                condition=models.Q(min_replicas__gte=1, min_replicas__lte=models.F("max_replicas")),
                name="endpoint_replicas",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def path(self) -> str:
        """Give the scoring address below the studio's own."""
        return f"/endpoints/{self.workspace.name}/{self.name}"

    @property
    def is_public(self) -> bool:
        return self.auth == self.Auth.NONE

    @property
    def moves(self) -> bool:
        """Say whether the endpoint's state will change by itself."""
        return self.state in (EndpointState.TRANSITIONING, EndpointState.UNHEALTHY, EndpointState.DELETING)


class DeploymentState(models.TextChoices):
    QUEUED = "Queued", _("Queued")
    BUILDING = "Building", _("Building environment")
    STARTING = "Starting", _("Starting")
    PROBING = "Probing", _("Probing")
    HEALTHY = "Healthy", _("Healthy")
    UNHEALTHY = "Unhealthy", _("Unhealthy")
    FAILED = "Failed", _("Failed")
    STOPPED = "Stopped", _("Stopped")


# The way of a revision that goes well, in order.
STAGES = (
    DeploymentState.QUEUED,
    DeploymentState.BUILDING,
    DeploymentState.STARTING,
    DeploymentState.PROBING,
    DeploymentState.HEALTHY,
)
COMING = STAGES[:-1]
SERVING = (DeploymentState.HEALTHY, DeploymentState.UNHEALTHY)


class Deployment(WorkspaceOwned):
    """A revision of an endpoint: one model version on so many replicas, with a share of the traffic."""

    read_permission = "deployments.read"
    workspace_path = "endpoint__workspace"

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="deployments")
    revision = models.PositiveIntegerField()
    model_version = models.ForeignKey(
        "registry.ModelVersion", null=True, on_delete=models.SET_NULL, related_name="deployments"
    )
    model_label = models.CharField(max_length=300, help_text="name:version, kept when the version is gone.")
    environment = models.ForeignKey(
        "compute.EnvironmentBuild", null=True, on_delete=models.PROTECT, related_name="deployments"
    )
    cpu_cores = models.FloatField(default=0.5)
    cpu_cores_limit = models.FloatField(null=True, help_text="A ceiling; without one, cores are a share.")
    memory_bytes = models.BigIntegerField(default=1 << 30)
    entry_script = models.CharField(max_length=200, blank=True, default="", help_text="A file of `code` with run().")
    code = models.JSONField(default=dict, help_text="The entry script and what lies beside it: path → text.")
    environment_spec = models.JSONField(null=True, help_text="Asked for; without one it is the model's own.")
    replicas = models.PositiveSmallIntegerField(default=1)
    traffic = models.PositiveSmallIntegerField(default=0, help_text="Per cent of the requests.")
    mirror = models.PositiveSmallIntegerField(default=0, help_text="Per cent of the requests that it is also shown.")
    takes_traffic = models.BooleanField(default=True, help_text="All of it, once it is healthy; else none by itself.")
    idle_since_ms = models.BigIntegerField(null=True, help_text="Since when it stands by without traffic.")
    judged_ms = models.BigIntegerField(default=0, help_text="When the number of replicas was last judged.")
    calm_since_ms = models.BigIntegerField(default=0, help_text="Since when fewer replicas would have done.")
    wanted = models.CharField(max_length=10, choices=Wanted.choices, default=Wanted.RUNNING)
    state = models.CharField(max_length=15, choices=DeploymentState.choices, default=DeploymentState.QUEUED)
    stages = models.JSONField(default=list, help_text="[state, since_ms], in order.")
    detail = models.TextField(blank=True, default="", help_text="The newest log line.")
    error = models.TextField(blank=True, default="", help_text="Why it failed, in a sentence.")
    trace = models.TextField(blank=True, default="", help_text="The end of the log that explains the error.")
    seen = models.JSONField(default=list, help_text="The replicas as last observed.")
    restarts = models.PositiveIntegerField(default=0, help_text="In a row, without a minute of health between.")
    next_try_ms = models.BigIntegerField(default=0)
    created_by = models.CharField(max_length=150, blank=True, default="")
    created_ms = models.BigIntegerField(default=now_ms)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["endpoint", "revision"], name="deployment_revision")]

    @property
    def workspace(self):  # type: ignore[no-untyped-def]
        return self.endpoint.workspace

    @property
    def memory_gb(self) -> float:
        return self.memory_bytes / (1 << 30)

    @property
    def key(self) -> str:
        """Name it outside the database, where names are never used again."""
        return f"e{self.endpoint_id}-r{self.revision}"

    @property
    def can_come_back(self) -> bool:
        """Say whether it served, or might have: what failed or is on its way is nothing to go back to."""
        return self.state not in (*COMING, DeploymentState.FAILED)

    def __str__(self) -> str:
        return f"{self.endpoint.name}/{self.revision}"


class Change(WorkspaceOwned):
    """Who did what to an endpoint and when, for its history."""

    read_permission = "deployments.read"
    workspace_path = "endpoint__workspace"

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="changes")
    what = models.CharField(max_length=30)
    revision = models.PositiveIntegerField(null=True)
    details = models.JSONField(default=dict)
    by = models.CharField(max_length=150)
    at_ms = models.BigIntegerField(default=now_ms)

    class Meta:
        indexes = [models.Index(fields=["endpoint", "-at_ms"], name="change_newest")]

    WORDS: ClassVar[dict[str, Promise | str]] = {
        "created": _("Created"),
        "deployed": _("Deployed"),
        "rolled back": _("Rolled back"),
        "traffic": _("Traffic divided"),
        "changed": _("Changed"),
        "cancelled": _("Cancelled"),
        "stopped": _("Stopped"),
        "started": _("Started"),
        "scaled": _("Scaled by load"),
        "primary key": _("Primary key made anew"),
        "secondary key": _("Secondary key made anew"),
        "tokens ended": _("Tokens ended"),
    }

    @property
    def shown(self) -> str:
        return str(self.WORDS.get(self.what, self.what))

    @property
    def summary(self) -> str:
        """Say the details in a line."""
        return ", ".join(f"{name} {_plain(value)}" for name, value in self.details.items() if value not in ({}, None))[
            :200
        ]

    @property
    def workspace(self):  # type: ignore[no-untyped-def]
        return self.endpoint.workspace


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return " / ".join(f"{name}: {share} %" for name, share in value.items())
    return str(value)


class Traffic(models.Model):
    """What a replica answered in one minute (or, rolled up, a revision in one hour).

    `latency` counts requests by bucket of `deployments.scoring.tally.BOUNDS_MS`.
    A replica says each minute's totals, so that telling them twice changes nothing.
    """

    MINUTE, HOUR = 60_000, 3_600_000

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="traffic_seen")
    replica = models.CharField(
        max_length=80, blank=True, default="", help_text="Its name and start; empty when rolled up."
    )
    start_ms = models.BigIntegerField()
    span_ms = models.PositiveIntegerField(default=MINUTE)
    ok = models.PositiveBigIntegerField(default=0)
    refused = models.PositiveBigIntegerField(default=0, help_text="4xx")
    failed = models.PositiveBigIntegerField(default=0, help_text="5xx")
    latency = models.JSONField(default=list)
    sampled = models.PositiveBigIntegerField(default=0, help_text="Requests that were kept as samples.")
    unsampled = models.PositiveBigIntegerField(default=0, help_text="Requests drawn for the sample and left out.")
    spent_ms = models.FloatField(default=0)
    cpu_ms = models.FloatField(default=0)
    memory_bytes = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["deployment", "start_ms", "span_ms", "replica"], name="traffic_once")
        ]
