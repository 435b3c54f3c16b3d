"""Work that runs somewhere: a job is a run with a snapshot, a command, an environment and a compute target."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from lib.clock import now_ms
from workspaces.models import WorkspaceOwned


class JobState(models.TextChoices):
    QUEUED = "Queued", _("Queued")
    PROVISIONING = "Provisioning", _("Provisioning")
    PREPARING = "Preparing", _("Preparing")
    STARTING = "Starting", _("Starting")
    RUNNING = "Running", _("Running")
    FINALIZING = "Finalizing", _("Finalizing")
    COMPLETED = "Completed", _("Completed")
    FAILED = "Failed", _("Failed")
    CANCELED = "Canceled", _("Canceled")
    NOT_RESPONDING = "NotResponding", _("Not responding")


JOB_ENDED = (JobState.COMPLETED, JobState.FAILED, JobState.CANCELED)
# No node has them yet; a job for which its cluster starts a node is Provisioning.
JOB_WAITING = (JobState.QUEUED, JobState.PROVISIONING)
# In the order in which a runner passes through them.
JOB_LIVE = (JobState.PREPARING, JobState.STARTING, JobState.RUNNING, JobState.FINALIZING)

# States in which a node has a slot taken.
JOB_HELD = (*JOB_LIVE, JobState.NOT_RESPONDING)


def can_become(state: str, following: str) -> bool:
    """Say whether a job may go from one state to another: forward only, but for a second attempt and a late runner."""
    if state in JOB_ENDED:
        return False
    if state == JobState.NOT_RESPONDING:
        return True
    if following in (*JOB_ENDED, JobState.QUEUED):
        return state != following
    if following == JobState.NOT_RESPONDING:
        return state in JOB_LIVE
    order = (*JOB_WAITING, *JOB_LIVE)
    return order.index(JobState(following)) > order.index(JobState(state))


class Snapshot(WorkspaceOwned):
    """A folder of code, known by the hash of its content; the contents are files of the store, each stored once."""

    read_permission = "jobs.read"

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="snapshots")
    digest = models.CharField(max_length=64)
    files = models.PositiveIntegerField()
    size_bytes = models.BigIntegerField()
    manifest = models.JSONField(default=list, help_text="Fields of lib.snapshots.SnapshotFile, by path.")
    created_ms = models.BigIntegerField(default=now_ms)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "digest"], name="snapshot_digest")]


class Job(WorkspaceOwned):
    """The row is the truth about a job; messages are hints. `lease_ms` is until when its runner has spoken for it."""

    read_permission = "jobs.read"

    run = models.OneToOneField("experiments.Run", primary_key=True, on_delete=models.CASCADE, related_name="job")
    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="jobs")
    snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT, related_name="jobs")
    environment = models.ForeignKey(
        "compute.EnvironmentBuild", null=True, on_delete=models.PROTECT, related_name="jobs"
    )
    target = models.ForeignKey("compute.ComputeTarget", on_delete=models.PROTECT, related_name="jobs")
    command = models.JSONField(help_text="The program and its arguments, a list.")
    submitted_by = models.CharField(max_length=150)
    state = models.CharField(max_length=15, choices=JobState.choices, default=JobState.QUEUED)
    stages = models.JSONField(default=list, help_text="[state, since_ms, newest log line], in order.")
    error = models.TextField(blank=True, default="")
    exit_code = models.IntegerField(null=True)
    cpu_s = models.FloatField(null=True, help_text="Seconds of processor time, of all its processes.")
    env = models.JSONField(default=dict, help_text="Environment variables of the command.")
    limits = models.JSONField(default=dict, help_text="What it may use: fields of compute.launcher.Limits.")
    entry_point = models.CharField(max_length=200, blank=True, default="", help_text="Of the MLproject, if any.")
    parameters = models.JSONField(default=dict, help_text="Of the entry point.")
    environment_name = models.CharField(max_length=130, blank=True, default="", help_text="As asked: name@version.")
    left_behind = models.JSONField(default=dict, help_text="Files outside ./outputs: count, size_bytes, paths.")
    log_names = models.JSONField(default=list, help_text="Files of ./logs that were streamed.")
    attempt = models.PositiveSmallIntegerField(default=0)
    attempts_allowed = models.PositiveSmallIntegerField(default=1)
    time_limit_s = models.PositiveIntegerField(null=True)
    cancel_asked_ms = models.BigIntegerField(null=True)
    node = models.ForeignKey("compute.Node", null=True, on_delete=models.SET_NULL, related_name="jobs")
    lease_ms = models.BigIntegerField(null=True)
    created_ms = models.BigIntegerField(default=now_ms)
    ended_ms = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["target", "created_ms"],
                condition=models.Q(state__in=["Queued", "Provisioning"]),
                name="job_waiting",
            ),
            models.Index(fields=["workspace", "-created_ms"], name="job_recent"),
        ]

    @property
    def has_ended(self) -> bool:
        return self.state in JOB_ENDED

    def __str__(self) -> str:
        return self.run_id
