"""What happened while training: experiments, runs, their params and tags, logged models, datasets."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Left
from django.utils.translation import gettext_lazy as _

from lib.clock import now_ms
from lib.ids import new_id
from lib.search.sql import BEGINNING, Number, is_there
from workspaces.models import WorkspaceOwned


class Experiment(WorkspaceOwned):
    """A named set of runs. The first workspace's default experiment has id 0, as MLflow's clients expect."""

    read_permission = "experiments.read"

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="experiments")
    name = models.CharField(max_length=500)
    is_default = models.BooleanField(default=False)
    created_by = models.CharField(max_length=150, blank=True, default="")
    created_ms = models.BigIntegerField(default=now_ms)
    updated_ms = models.BigIntegerField(default=now_ms)
    archived_ms = models.BigIntegerField(null=True, help_text="Out of sight on the pages; clients see no difference.")
    deleted_ms = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="experiment_name"),
            models.UniqueConstraint(
                fields=["workspace"], condition=models.Q(is_default=True), name="one_default_experiment"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ExperimentTag(models.Model):
    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="tags")
    key = models.CharField(max_length=250)
    value = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["experiment", "key"], name="experiment_tag")]


class SavedView(WorkspaceOwned):
    """A name for what the address of a runs table asks: of one experiment's, or (without one) of the workspace's."""

    read_permission = "experiments.read"

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="saved_views")
    experiment = models.ForeignKey(Experiment, null=True, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=100)
    query = models.CharField(max_length=8000, blank=True, default="")
    created_by = models.CharField(max_length=150, blank=True, default="")
    updated_ms = models.BigIntegerField(default=now_ms)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "experiment", "name"], name="saved_view_name", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return self.name


class RunStatus(models.TextChoices):
    """MLflow's own words; a submitted run's finer states are its job's."""

    SCHEDULED = "SCHEDULED", _("Scheduled")
    RUNNING = "RUNNING", _("Running")
    FINISHED = "FINISHED", _("Finished")
    FAILED = "FAILED", _("Failed")
    KILLED = "KILLED", _("Canceled")


RUN_ENDED = (RunStatus.FINISHED, RunStatus.FAILED, RunStatus.KILLED)
PARENT_TAG = "mlflow.parentRunId"
NOTE_TAG = "mlflow.note.content"
SILENT_AFTER_MS = 15 * 60_000


class Run(WorkspaceOwned):
    """One execution. `workspace` repeats the experiment's, so that the wall is a column of the row itself."""

    read_permission = "experiments.read"

    id = models.CharField(primary_key=True, max_length=32, default=new_id, editable=False)
    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="runs")
    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="runs")
    name = models.CharField(max_length=250)
    status = models.CharField(max_length=10, choices=RunStatus.choices, default=RunStatus.RUNNING)
    user_name = models.CharField(max_length=256, blank=True, default="")
    is_submitted = models.BooleanField(default=False, help_text="A job of the studio owns it: only the worker ends it.")
    start_ms = models.BigIntegerField(default=now_ms)
    end_ms = models.BigIntegerField(null=True)
    created_ms = models.BigIntegerField(default=now_ms)
    heard_ms = models.BigIntegerField(default=now_ms, help_text="When it last logged anything, to the minute.")
    archived_ms = models.BigIntegerField(null=True, help_text="Out of sight on the pages; clients see no difference.")
    deleted_ms = models.BigIntegerField(null=True)
    files_under = models.BigIntegerField(
        null=True, help_text="The experiment under which its files lie, since the run was moved to another."
    )

    class Meta:
        indexes = [
            models.Index(fields=["experiment", "-start_ms", "id"], name="run_newest"),
            models.Index(fields=["workspace", "-start_ms"], name="run_recent"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def has_ended(self) -> bool:
        return self.status in RUN_ENDED

    @property
    def silent_ms(self) -> int:
        """How long a run that is said to go on has logged nothing; 0 for a while, and for a job's: that is watched."""
        if self.status != RunStatus.RUNNING or self.is_submitted:
            return 0
        silence = now_ms() - max(self.heard_ms, self.start_ms)
        return silence if silence >= SILENT_AFTER_MS else 0


IS_NUMBER = is_there(Number("value"))


class RunParam(models.Model):
    run = models.ForeignKey(Run, on_delete=models.CASCADE, db_index=False, related_name="params")
    key = models.CharField(max_length=250)
    value = models.CharField(max_length=8000)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "key"], name="run_param")]
        # Search: a long text does not fit an index, its beginning tells values apart well enough.
        # Of numbers, what they say, whatever they are written like: params.n > 3.
        indexes = [
            models.Index("key", Left("value", BEGINNING), name="run_param_value"),
            models.Index("key", Number("value"), name="run_param_number", condition=IS_NUMBER),
        ]


class RunTag(models.Model):
    run = models.ForeignKey(Run, on_delete=models.CASCADE, db_index=False, related_name="tags")
    key = models.CharField(max_length=250)
    value = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "key"], name="run_tag")]
        # Search: a long text does not fit an index, its beginning tells values apart well enough.
        indexes = [models.Index("key", Left("value", BEGINNING), name="run_tag_value")]


class LoggedModelStatus(models.TextChoices):
    PENDING = "LOGGED_MODEL_PENDING", _("Pending")
    READY = "LOGGED_MODEL_READY", _("Ready")
    FAILED = "LOGGED_MODEL_UPLOAD_FAILED", _("Upload failed")


class LoggedModel(WorkspaceOwned):
    """A model that a run logged, kept beside the run (MLflow 3)."""

    read_permission = "experiments.read"

    id = models.CharField(primary_key=True, max_length=34)
    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="logged_models")
    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="logged_models")
    source_run = models.ForeignKey(Run, null=True, on_delete=models.CASCADE, related_name="logged_models")
    name = models.CharField(max_length=500)
    model_type = models.CharField(max_length=500, blank=True, default="")
    status = models.CharField(max_length=30, choices=LoggedModelStatus.choices, default=LoggedModelStatus.PENDING)
    status_message = models.TextField(blank=True, default="")
    created_ms = models.BigIntegerField(default=now_ms)
    updated_ms = models.BigIntegerField(default=now_ms)
    deleted_ms = models.BigIntegerField(null=True)
    files_under = models.BigIntegerField(
        null=True, help_text="The experiment under which its files lie, since its run was moved to another."
    )

    class Meta:
        indexes = [models.Index(fields=["experiment", "-created_ms", "id"], name="logged_model_newest")]


class LoggedModelParam(models.Model):
    model = models.ForeignKey(LoggedModel, on_delete=models.CASCADE, related_name="params")
    key = models.CharField(max_length=250)
    value = models.CharField(max_length=8000)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model", "key"], name="logged_model_param")]


class LoggedModelTag(models.Model):
    model = models.ForeignKey(LoggedModel, on_delete=models.CASCADE, related_name="tags")
    key = models.CharField(max_length=250)
    value = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model", "key"], name="logged_model_tag")]


class Dataset(models.Model):
    """Data that runs were given, known by name and digest within an experiment."""

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="datasets")
    name = models.CharField(max_length=500)
    digest = models.CharField(max_length=36)
    source_type = models.CharField(max_length=36)
    source = models.TextField()
    schema = models.TextField(blank=True, default="")
    profile = models.TextField(blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["experiment", "name", "digest"], name="dataset_version")]


class RunDataset(models.Model):
    """A run read a dataset, with tags such as the context (training, validation)."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="dataset_inputs")
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="used_by")
    tags = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "dataset"], name="run_dataset")]


class RunModel(models.Model):
    """A run read (`input`) or made (`output`) a logged model, the latter at a step."""

    class Direction(models.TextChoices):
        INPUT = "input"
        OUTPUT = "output"

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="model_links")
    model = models.ForeignKey(LoggedModel, on_delete=models.CASCADE, related_name="run_links")
    direction = models.CharField(max_length=6, choices=Direction.choices)
    step = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "model", "direction"], name="run_model")]


class LoggedModelMetric(models.Model):
    """A value that a run logged for a model, as MLflow's clients ask for it with the model."""

    model = models.ForeignKey(LoggedModel, on_delete=models.CASCADE, related_name="metrics")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=250)
    value = models.FloatField()
    step = models.BigIntegerField()
    at_ms = models.BigIntegerField()
    dataset_name = models.CharField(max_length=500, blank=True, default="")
    dataset_digest = models.CharField(max_length=36, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["model", "key", "at_ms", "step", "run", "value", "dataset_name", "dataset_digest"],
                name="logged_model_metric",
            )
        ]


class MetricSeries(models.Model):
    """One metric of one run and its latest point. Only `experiments.metrics` writes it; nothing instantiates it.

    The database deletes it with its run (migration 0002), so that Django does not collect millions of points first.
    """

    run = models.ForeignKey(
        Run, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="metrics"
    )
    key = models.CharField(max_length=250)
    last_step = models.BigIntegerField()
    last_ms = models.BigIntegerField()
    last_value = models.FloatField()
    min_value = models.FloatField(null=True, help_text="Of the numbers among its points; none if all are NaN.")
    max_value = models.FloatField(null=True)
    loose = models.IntegerField(
        default=0, db_default=0, help_text="A hint at what is not packed: its points, and 16 a block."
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "key"], name="metric_series")]
        indexes = [
            models.Index(fields=["key", "last_value"], include=["run"], name="metric_series_value"),
            models.Index(fields=["id"], condition=models.Q(loose__gte=128), name="metric_series_loose"),
        ]


class MetricBlock(models.Model):
    """The points of one series that came in one batch, as three arrays of one length; `digest` is of all three."""

    series = models.ForeignKey(MetricSeries, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    digest = models.UUIDField()
    steps = ArrayField(models.BigIntegerField())
    times = ArrayField(models.BigIntegerField())
    values = ArrayField(models.FloatField())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["series", "digest"], name="metric_block")]


class MetricChunk(models.Model):
    """Some thousand points of one series, packed by `experiments.metrics.packing`, with a few of them beside."""

    series = models.ForeignKey(MetricSeries, on_delete=models.DO_NOTHING, db_constraint=False)
    points = models.IntegerField()
    min_step = models.BigIntegerField()
    max_step = models.BigIntegerField()
    min_ms = models.BigIntegerField()
    max_ms = models.BigIntegerField()
    steps = models.BinaryField()
    times = models.BinaryField()
    values = models.BinaryField()
    preview = models.BinaryField()


class PurgeKind(models.TextChoices):
    """What is deleted for good; the registry's two are its own to delete."""

    TRASH = "trash", _("Trash")
    EXPERIMENT = "experiment", _("Experiment")
    RUN = "run", _("Run")
    LOGGED_MODEL = "logged_model", _("Logged model")
    METRIC = "metric", _("Metric")
    ARTIFACT = "artifact", _("Artifact")
    VERSION = "version", _("Model version")
    MODEL = "model", _("Model")


class PurgeState(models.TextChoices):
    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")


class Purge(WorkspaceOwned):
    """Something is to be deleted for good: what, by whom, how far it is, what went and what stayed.

    `cursor` is the phase and the last id that were dealt with; it moves in the transaction that deletes the rows, so
    work that was killed goes on behind it. `expected` and `freed` are tallies (`experiments.purging.tally`), `kept` is
    a list of what stays and why.
    """

    read_permission = "experiments.read"

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="purges")
    kind = models.CharField(max_length=12, choices=PurgeKind.choices)
    names = ArrayField(models.TextField(), default=list, help_text="Ids; none for the trash.")
    path = models.TextField(blank=True, default="", help_text="A metric's key, or a path below the artifacts.")
    label = models.CharField(max_length=300)
    until_ms = models.BigIntegerField(default=now_ms, help_text="Only what lay in the trash by then.")
    asked_by = models.CharField(max_length=150)
    is_by_rule = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=PurgeState.choices, default=PurgeState.QUEUED)
    cursor = models.JSONField(default=dict)
    expected = models.JSONField(null=True)
    freed = models.JSONField(default=dict)
    kept = models.JSONField(default=list)
    kept_count = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True, default="", help_text="Why files could not be removed; it is tried again.")
    retry_ms = models.BigIntegerField(default=0)
    created_ms = models.BigIntegerField(default=now_ms)
    started_ms = models.BigIntegerField(null=True)
    ended_ms = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["workspace", "-id"], name="purge_newest"),
            models.Index(fields=["retry_ms"], condition=~models.Q(state="done"), name="purge_live"),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def is_done(self) -> bool:
        return self.state == PurgeState.DONE


class PurgedPlace(models.Model):
    """Files whose rows are gone, written down in the same transaction: what is listed here is still to be removed.

    A whole folder (`is_whole`: its id is never used again) stays listed for a day after its removal and is looked at
    once more: an upload that began before may end after.
    """

    purge = models.ForeignKey(Purge, on_delete=models.CASCADE, related_name="places")
    key = models.TextField()
    files = models.IntegerField()
    size_bytes = models.BigIntegerField()
    is_whole = models.BooleanField()
    removed_ms = models.BigIntegerField(null=True)

    class Meta:
        indexes = [models.Index(fields=["removed_ms"], name="purged_place_removed")]


class TrashRule(models.Model):
    """After how many days the trash of a workspace empties by itself; 0 is never. Without a row, the setting holds."""

    workspace = models.OneToOneField(
        "workspaces.Workspace", primary_key=True, on_delete=models.CASCADE, related_name="trash_rule"
    )
    days = models.PositiveIntegerField()
    updated_by = models.CharField(max_length=150)
    updated_ms = models.BigIntegerField(default=now_ms)


from experiments.data import models as data_models  # noqa: E402, F401  the tables of a room of their own
