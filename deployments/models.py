"""Models that answer: an endpoint, its deployments (revisions) and their replicas."""

from __future__ import annotations

from django.db import models
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
        NONE = "none", _("Public")

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="endpoints")
    name = models.CharField(max_length=32)
    description = models.TextField(blank=True, default="")
    tags = models.JSONField(default=dict)
    target_kind = models.CharField(max_length=20, choices=Target.choices, default=Target.INSTANCE)
    driver = models.CharField(max_length=20, default="process")
    auth = models.CharField(max_length=5, choices=Auth.choices, default=Auth.KEY)
    # Encrypted with a key derived from SECRET_KEY: people ask to see them again, so a hash is not enough here.
    primary_key = models.BinaryField(default=bytes)
    secondary_key = models.BinaryField(default=bytes)
    wanted = models.CharField(max_length=10, choices=Wanted.choices, default=Wanted.RUNNING)
    state = models.CharField(max_length=15, choices=EndpointState.choices, default=EndpointState.TRANSITIONING)
    created_by = models.CharField(max_length=150, blank=True, default="")
    created_ms = models.BigIntegerField(default=now_ms)
    updated_ms = models.BigIntegerField(default=now_ms)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "name"], name="endpoint_name")]

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
    memory_bytes = models.BigIntegerField(default=1 << 30)
    replicas = models.PositiveSmallIntegerField(default=1)
    traffic = models.PositiveSmallIntegerField(default=0, help_text="Per cent of the requests.")
    wanted = models.CharField(max_length=10, choices=Wanted.choices, default=Wanted.RUNNING)
    state = models.CharField(max_length=15, choices=DeploymentState.choices, default=DeploymentState.QUEUED)
    stages = models.JSONField(default=list, help_text="[state, since_ms], in order.")
    detail = models.TextField(blank=True, default="", help_text="The newest log line.")
    error = models.TextField(blank=True, default="", help_text="Why it failed, in a sentence.")
    trace = models.TextField(blank=True, default="", help_text="The end of the log that explains the error.")
    seen = models.JSONField(default=list, help_text="The replicas as last observed: name, state, pid, limited_by.")
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

    def __str__(self) -> str:
        return f"{self.endpoint.name}/{self.revision}"
