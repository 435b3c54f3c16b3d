"""Work that runs somewhere: a job is a run with a snapshot, a command, an environment and a compute target."""

from __future__ import annotations

import shlex

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
    asked_ms = models.BigIntegerField(default=now_ms, help_text="When it was last sent or listed.")

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

    @property
    def words(self) -> str:
        """What runs, as it is typed in a shell."""
        return shlex.join(self.command)

    def __str__(self) -> str:
        return self.run_id


class JobPlan(models.Model):
    """What a job would be: sweeps and schedules submit jobs from it, whatever becomes of the job it was taken from."""

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="job_plans")
    experiment = models.ForeignKey("experiments.Experiment", null=True, on_delete=models.SET_NULL, related_name="+")
    snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT, related_name="plans")
    target = models.ForeignKey("compute.ComputeTarget", on_delete=models.PROTECT, related_name="plans")
    environment = models.JSONField(null=True, help_text="An EnvironmentSpec; null for what the project's file says.")
    environment_name = models.CharField(max_length=130, blank=True, default="")
    command = models.JSONField(default=list, help_text="Words; empty where an entry point of the MLproject runs.")
    entry_point = models.CharField(max_length=200, blank=True, default="")
    parameters = models.JSONField(default=dict, help_text="Of the entry point.")
    env = models.JSONField(default=dict)
    limits = models.JSONField(default=dict)
    tags = models.JSONField(default=dict)
    inputs = models.JSONField(default=dict, help_text="Fields of experiments.data.runs.Wanted, by the input's name.")
    attempts_allowed = models.PositiveSmallIntegerField(default=1)
    time_limit_s = models.PositiveIntegerField(null=True)
    submitted_by = models.CharField(max_length=150)
    as_user_id = models.BigIntegerField(null=True, help_text="For whom its jobs are submitted; null: the studio.")

    @property
    def words(self) -> str:
        """What runs, as a reader knows it."""
        return self.entry_point or shlex.join(self.command)


class SweepState(models.TextChoices):
    RUNNING = "Running", _("Running")
    CANCELING = "Canceling", _("Cancelling")
    COMPLETED = "Completed", _("Completed")
    FAILED = "Failed", _("Failed")
    CANCELED = "Canceled", _("Canceled")


SWEEP_ENDED = (SweepState.COMPLETED, SweepState.FAILED, SweepState.CANCELED)


class Goal(models.TextChoices):
    MAXIMIZE = "maximize", _("Maximize")
    MINIMIZE = "minimize", _("Minimize")


class Sampling(models.TextChoices):
    RANDOM = "random", _("Random")
    GRID = "grid", _("Grid")
    BAYESIAN = "bayesian", _("Bayesian")


class Sweep(WorkspaceOwned):
    """A run whose children try out parameters. While it is Canceling they end; then it is what `ends_as` says."""

    read_permission = "jobs.read"

    run = models.OneToOneField("experiments.Run", primary_key=True, on_delete=models.CASCADE, related_name="sweep")
    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="sweeps")
    plan = models.ForeignKey(JobPlan, on_delete=models.PROTECT, related_name="sweeps")
    sampling = models.CharField(max_length=10, choices=Sampling.choices)
    seed = models.BigIntegerField()
    space = models.JSONField(help_text="[name, kind, arguments], in the order in which they are appended.")
    metric = models.CharField(max_length=250)
    goal = models.CharField(max_length=10, choices=Goal.choices)
    total = models.PositiveIntegerField(help_text="How many children there will be at most.")
    concurrent = models.PositiveIntegerField()
    deadline_ms = models.BigIntegerField(null=True)
    policy = models.JSONField(default=dict, help_text="Fields of jobs.sweeps.policies.Policy.")
    state = models.CharField(max_length=10, choices=SweepState.choices, default=SweepState.RUNNING)
    ends_as = models.CharField(max_length=10, choices=SweepState.choices, blank=True, default="")
    reason = models.TextField(blank=True, default="")
    warning = models.TextField(blank=True, default="")
    created_ms = models.BigIntegerField(default=now_ms)
    ended_ms = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["workspace", "-created_ms"], name="sweep_recent"),
            models.Index(fields=["created_ms"], condition=models.Q(ended_ms=None), name="sweep_live"),
        ]

    @property
    def has_ended(self) -> bool:
        return self.state in SWEEP_ENDED

    def __str__(self) -> str:
        return self.run_id


class SweepChild(models.Model):
    """One try. It is made together with its job, so neither exists without the other; `number` is drawn once."""

    sweep = models.ForeignKey(Sweep, on_delete=models.CASCADE, related_name="children")
    number = models.PositiveIntegerField()
    run = models.OneToOneField("experiments.Run", null=True, on_delete=models.SET_NULL, related_name="tried_by")
    parameters = models.JSONField(help_text="[name, value as it stands in the command], in order.")
    best = models.FloatField(null=True, help_text="The best value of the primary metric so far.")
    curve = models.JSONField(default=list, help_text="Its values in the order of steps; null where none was finite.")
    seen = models.JSONField(default=list, help_text="The newest point that `curve` knows.")
    judged = models.PositiveIntegerField(default=0, help_text="The last interval at which the policy looked.")
    stopped = models.TextField(blank=True, default="", help_text="Why the policy stopped it.")
    has_ended = models.BooleanField(default=False, help_text="Its job has, and its last values are known.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sweep", "number"], name="sweep_child_number")]


class ScheduleState(models.TextChoices):
    ACTIVE = "Active", _("Active")
    PAUSED = "Paused", _("Paused")
    DISABLED = "Disabled", _("Disabled")


class Schedule(WorkspaceOwned):
    """A job that is submitted at the times of a cron expression. `next_ms` is the tick that nobody has taken yet."""

    read_permission = "jobs.read"

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="schedules")
    name = models.CharField(max_length=100)
    plan = models.ForeignKey(JobPlan, on_delete=models.PROTECT, related_name="schedules")
    cron = models.CharField(max_length=100)
    time_zone = models.CharField(max_length=60, default="UTC")
    catches_up = models.BooleanField(default=True, help_text="Whether ticks that were missed are made good by one.")
    overlaps = models.BooleanField(default=False, help_text="Whether a tick is taken while an earlier job still runs.")
    state = models.CharField(max_length=10, choices=ScheduleState.choices, default=ScheduleState.ACTIVE)
    reason = models.TextField(blank=True, default="", help_text="Why it is disabled.")
    failures = models.PositiveIntegerField(default=0, help_text="Ticks in a row that could not be submitted.")
    next_ms = models.BigIntegerField(null=True)
    created_ms = models.BigIntegerField(default=now_ms)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "name"], name="schedule_name")]
        indexes = [models.Index(fields=["next_ms"], condition=models.Q(state="Active"), name="schedule_due")]

    def __str__(self) -> str:
        return self.name


class ScheduleTick(models.Model):
    """What became of one tick."""

    class Outcome(models.TextChoices):
        SUBMITTED = "Submitted", _("Submitted")
        SKIPPED = "Skipped", _("Skipped")
        FAILED = "Failed", _("Failed")

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="ticks")
    due_ms = models.BigIntegerField()
    at_ms = models.BigIntegerField(default=now_ms)
    by_hand = models.BooleanField(default=False)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    note = models.TextField(blank=True, default="")
    run = models.ForeignKey("experiments.Run", null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["schedule", "due_ms"], condition=models.Q(by_hand=False), name="schedule_tick_once"
            )
        ]
