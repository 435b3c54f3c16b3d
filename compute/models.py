"""Where things run: environments that were built, compute targets and their nodes."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from lib.clock import now_ms
from workspaces.models import WorkspaceOwned


class BuildState(models.TextChoices):
    QUEUED = "queued", _("Queued")
    BUILDING = "building", _("Building")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")


class EnvironmentBuild(models.Model):
    """A virtual environment known by the hash of what it holds; shared by all workspaces, as it holds packages only."""

    digest = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=200, blank=True, default="")
    spec = models.JSONField()
    state = models.CharField(max_length=10, choices=BuildState.choices, default=BuildState.QUEUED)
    error = models.TextField(blank=True, default="")
    lock = models.TextField(blank=True, default="", help_text="What was installed, a line a package.")
    notes = models.JSONField(default=list, help_text="What was substituted or left out, a sentence each.")
    requested_ms = models.BigIntegerField(default=now_ms)
    started_ms = models.BigIntegerField(null=True)
    ended_ms = models.BigIntegerField(null=True)
    used_ms = models.BigIntegerField(null=True)


class EnvironmentUse(WorkspaceOwned):
    """A workspace asked for an environment, and so may see it."""

    read_permission = "compute.read"

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="environments")
    build = models.ForeignKey(EnvironmentBuild, on_delete=models.CASCADE, related_name="uses")
    created_ms = models.BigIntegerField(default=now_ms)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "build"], name="environment_use")]


class ComputeTarget(models.Model):
    """A cluster: a Celery queue and the nodes that listen to it. `workspace` is empty for the studio's own."""

    class Kind(models.TextChoices):
        CLUSTER = "cluster", _("Cluster")
        INFERENCE = "inference", _("Inference cluster")

    workspace = models.ForeignKey(
        "workspaces.Workspace", null=True, on_delete=models.CASCADE, related_name="compute_targets"
    )
    name = models.CharField(max_length=32)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.CLUSTER)
    created_ms = models.BigIntegerField(default=now_ms)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "name"], name="compute_name", nulls_distinct=False)]

    @property
    def queue(self) -> str:
        return f"cluster-{self.pk}"

    def __str__(self) -> str:
        return self.name


class Node(models.Model):
    """A machine, or a part of one, that runs a cluster's jobs."""

    target = models.ForeignKey(ComputeTarget, on_delete=models.CASCADE, related_name="nodes")
    name = models.CharField(max_length=100)
    slots = models.PositiveSmallIntegerField(default=1)
    cpu_count = models.FloatField(default=0)
    memory_bytes = models.BigIntegerField(default=0)
    load = models.FloatField(default=0)
    heartbeat_ms = models.BigIntegerField(default=0)
    created_ms = models.BigIntegerField(default=now_ms)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["target", "name"], name="node_name")]
