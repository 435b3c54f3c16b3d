"""What is worth keeping: registered models, their versions, aliases and stages."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from lib.clock import now_ms
from workspaces.models import WorkspaceOwned


class RegisteredModel(WorkspaceOwned):
    """A name for a line of versions. `last_version` only grows: a number is never used again."""

    read_permission = "registry.read"

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="registered_models")
    name = models.CharField(max_length=256)
    description = models.TextField(blank=True, default="")
    last_version = models.PositiveIntegerField(default=0)
    created_by = models.CharField(max_length=150, blank=True, default="")
    created_ms = models.BigIntegerField(default=now_ms)
    updated_ms = models.BigIntegerField(default=now_ms)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "name"], name="registered_model_name")]
        verbose_name = _("model")

    def __str__(self) -> str:
        return self.name


class RegisteredModelTag(models.Model):
    model = models.ForeignKey(RegisteredModel, on_delete=models.CASCADE, related_name="tags")
    key = models.CharField(max_length=250)
    value = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model", "key"], name="registered_model_tag")]


class Stage(models.TextChoices):
    NONE = "None", _("None")
    STAGING = "Staging", _("Staging")
    PRODUCTION = "Production", _("Production")
    ARCHIVED = "Archived", _("Archived")


class ModelVersion(WorkspaceOwned):
    """One version. `source` is what the client named; the studio resolved it to the run or logged model beside it."""

    read_permission = "registry.read"
    workspace_path = "model__workspace"

    model = models.ForeignKey(RegisteredModel, on_delete=models.CASCADE, related_name="versions")
    version = models.PositiveIntegerField()
    source = models.TextField()
    run = models.ForeignKey("experiments.Run", null=True, on_delete=models.SET_NULL, related_name="model_versions")
    logged_model = models.ForeignKey(
        "experiments.LoggedModel", null=True, on_delete=models.SET_NULL, related_name="model_versions"
    )
    artifact_path = models.TextField(
        blank=True, default="", help_text="Below the run's or the logged model's artifacts."
    )
    run_link = models.TextField(blank=True, default="")
    description = models.TextField(blank=True, default="")
    stage = models.CharField(max_length=10, choices=Stage.choices, default=Stage.NONE)
    created_by = models.CharField(max_length=150, blank=True, default="")
    created_ms = models.BigIntegerField(default=now_ms)
    updated_ms = models.BigIntegerField(default=now_ms)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model", "version"], name="model_version")]

    @property
    def workspace(self):  # type: ignore[no-untyped-def]
        return self.model.workspace

    def __str__(self) -> str:
        return f"{self.model.name}:{self.version}"


class ModelVersionTag(models.Model):
    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="tags")
    key = models.CharField(max_length=250)
    value = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "key"], name="model_version_tag")]


class ModelAlias(models.Model):
    model = models.ForeignKey(RegisteredModel, on_delete=models.CASCADE, related_name="aliases")
    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="aliases")
    name = models.CharField(max_length=255)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model", "name"], name="model_alias")]
