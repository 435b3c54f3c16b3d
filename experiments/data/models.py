"""Datastores, datasets and their versions, and which runs were given them."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from lib.clock import now_ms
from lib.errors import NotFound
from workspaces.models import WorkspaceOwned


class DatastoreKind(models.TextChoices):
    OWN = "studio", _("The workspace's own")
    FOLDER = "folder", _("Folder of the studio's machine")
    S3 = "s3", _("Amazon S3")
    AZURE_BLOB = "azure_blob", _("Azure Blob Storage")
    GCS = "gcs", _("Google Cloud Storage")


class Datastore(WorkspaceOwned):
    """Where files lie: the workspace's own one in the studio's store, a folder that the operator offers by name, or a
    container of an object store, whose `sealed` credentials are never shown again.
    """

    read_permission = "experiments.read"

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="datastores")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=10, choices=DatastoreKind.choices)
    folder = models.CharField(max_length=60, blank=True, default="", help_text="The name of the operator's folder.")
    path = models.CharField(max_length=2000, blank=True, default="", help_text="Below the folder or in the container.")
    container = models.CharField(max_length=255, blank=True, default="", help_text="A bucket, where stores say so.")
    account = models.CharField(max_length=100, blank=True, default="")
    endpoint = models.CharField(max_length=2000, blank=True, default="", help_text="Empty is the cloud's own.")
    region = models.CharField(max_length=60, blank=True, default="")
    sealed = models.TextField(blank=True, default="", help_text="Credentials, encrypted; empty reads anonymously.")
    created_by = models.CharField(max_length=150, blank=True, default="")
    created_ms = models.BigIntegerField(default=now_ms)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="datastore_name"),
            models.UniqueConstraint(fields=["workspace"], condition=models.Q(kind="studio"), name="one_own_datastore"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_default(self) -> bool:
        return self.kind == DatastoreKind.OWN

    @property
    def can_write(self) -> bool:
        """Say whether the studio stores files here; all others are only read."""
        return self.kind == DatastoreKind.OWN

    @property
    def is_remote(self) -> bool:
        return self.kind not in (DatastoreKind.OWN, DatastoreKind.FOLDER)

    @property
    def has_credentials(self) -> bool:
        return bool(self.sealed)


class DatasetKind(models.TextChoices):
    FILE = "file", _("Files")
    TABULAR = "tabular", _("Table")


class RegisteredDataset(WorkspaceOwned):
    """A name for data; what it is made of stands in its versions."""

    read_permission = "experiments.read"

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="registered_datasets")
    name = models.CharField(max_length=255)
    kind = models.CharField(max_length=10, choices=DatasetKind.choices)
    description = models.TextField(blank=True, default="")
    tags = models.JSONField(default=dict)
    created_by = models.CharField(max_length=150, blank=True, default="")
    created_ms = models.BigIntegerField(default=now_ms)
    updated_ms = models.BigIntegerField(default=now_ms)
    last_version = models.PositiveIntegerField(default=0, help_text="The highest number given; none is given twice.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "name"], name="registered_dataset_name")]

    def __str__(self) -> str:
        return self.name


class ProfileState(models.TextChoices):
    NONE = "none", _("None")
    QUEUED = "queued", _("Queued")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")


class DatasetVersion(WorkspaceOwned):
    """The files that a dataset had when the version was made; the list never changes.

    `profile_ms` is when a worker last took the profile up, or when it was made.
    """

    read_permission = "experiments.read"

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="dataset_versions")
    dataset = models.ForeignKey(RegisteredDataset, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    datastore = models.ForeignKey(Datastore, on_delete=models.PROTECT, related_name="versions")
    paths = models.JSONField(default=list, help_text="As asked: files, folders, patterns.")
    files = models.JSONField(default=list, help_text="Fields of experiments.data.choosing.Chosen, by name.")
    options = models.JSONField(default=dict, help_text="How a table is read: format, separator, has_header, encoding.")
    file_count = models.PositiveIntegerField()
    size_bytes = models.BigIntegerField()
    digest = models.CharField(max_length=32)
    description = models.TextField(blank=True, default="")
    tags = models.JSONField(default=dict)
    profile_state = models.CharField(max_length=10, choices=ProfileState.choices, default=ProfileState.NONE)
    profile = models.JSONField(default=dict)
    profile_error = models.TextField(blank=True, default="")
    profile_tries = models.PositiveSmallIntegerField(default=0)
    profile_ms = models.BigIntegerField(default=0)
    created_by = models.CharField(max_length=150, blank=True, default="")
    created_ms = models.BigIntegerField(default=now_ms)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dataset", "number"], name="dataset_version_number")]
        indexes = [
            models.Index(fields=["id"], condition=models.Q(profile_state="queued"), name="dataset_profile_queued"),
        ]

    def __str__(self) -> str:
        return f"{self.dataset.name}@{self.number}"

    def path_of(self, name: str) -> str:
        """Give the path in the datastore of a file by its name here. Raises NotFound for one that is not listed."""
        for one in self.files:
            if one["name"] == name:
                return str(one["path"])
        raise NotFound(gettext("The version has no file “%s”.") % name[:200])


class RunInput(models.Model):
    """A run was submitted with a version under a name of its own; its node copies the files beside the code."""

    run = models.ForeignKey("experiments.Run", on_delete=models.CASCADE, related_name="data_inputs")
    version = models.ForeignKey(DatasetVersion, null=True, on_delete=models.SET_NULL, related_name="inputs")
    reference = models.CharField(max_length=300, default="", help_text="name@version; it stays when the version goes.")
    name = models.CharField(max_length=100)
    mode = models.CharField(max_length=10, default="copy")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "name"], name="run_input_name")]
