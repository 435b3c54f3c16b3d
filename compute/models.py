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


class Environment(WorkspaceOwned):
    """An environment that a workspace has registered under a name; what it holds, its versions say."""

    read_permission = "compute.read"

    workspace = models.ForeignKey(
        "workspaces.Workspace", on_delete=models.CASCADE, related_name="registered_environments"
    )
    name = models.CharField(max_length=100)
    created_ms = models.BigIntegerField(default=now_ms)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "name"], name="environment_name")]

    def __str__(self) -> str:
        return self.name


class EnvironmentVersion(models.Model):
    """What an environment held when it was registered; the same content registered again is the same version."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="versions")
    version = models.PositiveIntegerField()
    definition = models.JSONField(help_text="As it was given: `files` by name or `packages`, `python`, and the rest.")
    content = models.CharField(max_length=64, help_text="The definition's SHA-256.")
    created_by = models.CharField(max_length=150)
    created_ms = models.BigIntegerField(default=now_ms)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["environment", "version"], name="environment_version"),
            models.UniqueConstraint(fields=["environment", "content"], name="environment_content"),
        ]


class EnvironmentRules(models.Model):
    """How a workspace wants its environments built."""

    workspace = models.OneToOneField(
        "workspaces.Workspace", primary_key=True, on_delete=models.CASCADE, related_name="environment_rules"
    )
    is_strict = models.BooleanField(default=False, help_text="Refuse what would have to be substituted.")


class TargetState(models.TextChoices):
    CREATING = "Creating", _("Creating")
    SUCCEEDED = "Succeeded", _("Ready")
    FAILED = "Failed", _("Failed")
    DELETING = "Deleting", _("Deleting")
    DELETED = "Deleted", _("Deleted")


TARGET_GONE = (TargetState.DELETING, TargetState.DELETED)


class ComputeTarget(models.Model):
    """A cluster: a Celery queue and the nodes that listen to it. `workspace` is empty for the studio's own.

    Without `max_nodes` the studio starts no nodes for it: it has those that join. A deleted one stays as a row, for
    the jobs that ran on it.
    """

    class Kind(models.TextChoices):
        CLUSTER = "cluster", _("Cluster")
        INFERENCE = "inference", _("Inference cluster")

    workspace = models.ForeignKey(
        "workspaces.Workspace", null=True, on_delete=models.CASCADE, related_name="compute_targets"
    )
    name = models.CharField(max_length=32)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.CLUSTER)
    state = models.CharField(max_length=10, choices=TargetState.choices, default=TargetState.SUCCEEDED)
    error = models.TextField(blank=True, default="")
    vm_size = models.CharField(max_length=40, blank=True, default="")
    min_nodes = models.PositiveSmallIntegerField(default=0)
    max_nodes = models.PositiveSmallIntegerField(null=True)
    idle_s = models.PositiveIntegerField(default=120, help_text="So long a node without work is kept.")
    options = models.JSONField(default=dict, help_text="What was given and has no effect here, or only for serving.")
    created_ms = models.BigIntegerField(default=now_ms)
    modified_ms = models.BigIntegerField(default=now_ms)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "name"],
                name="compute_live_name",
                nulls_distinct=False,
                condition=~models.Q(state="Deleted"),
            ),
            models.CheckConstraint(
                condition=models.Q(max_nodes=None) | models.Q(min_nodes__lte=models.F("max_nodes")),
                name="compute_min_max",
            ),
        ]

    @property
    def queue(self) -> str:
        return f"cluster-{self.pk}"

    def __str__(self) -> str:
        return self.name


class NodeWish(models.TextChoices):
    WORK = "work", _("Work")
    DRAIN = "drain", _("Drain")
    LEAVE = "leave", _("Leave")


class Node(models.Model):
    """A machine, or a part of one, that runs a cluster's jobs. `wanted` is what it is told at each heartbeat."""

    target = models.ForeignKey(ComputeTarget, on_delete=models.CASCADE, related_name="nodes")
    name = models.CharField(max_length=100)
    is_hosted = models.BooleanField(default=False, help_text="The studio starts and stops it, on its own machine.")
    wanted = models.CharField(max_length=5, choices=NodeWish.choices, default=NodeWish.WORK)
    slots = models.PositiveSmallIntegerField(default=1)
    working = models.PositiveSmallIntegerField(default=0, help_text="Jobs that it has at work.")
    idle_since_ms = models.BigIntegerField(default=now_ms)
    cpu_count = models.FloatField(default=0)
    memory_bytes = models.BigIntegerField(default=0)
    load = models.FloatField(default=0)
    heartbeat_ms = models.BigIntegerField(default=0)
    created_ms = models.BigIntegerField(default=now_ms)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["target", "name"], name="node_name")]
