"""Who is here: users, resource groups, workspaces, members, tokens, and what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from lib.clock import now_ms
from lib.ids import new_id

if TYPE_CHECKING:
    from workspaces.access import Actor


class WorkspaceOwnedQuerySet(models.QuerySet[Any]):
    """Rows that stand behind the wall of one workspace."""

    def visible_to(self, actor: Actor) -> Self:
        """Keep the rows of workspaces in which the actor has the model's `read_permission`."""
        rows: Self = actor.limit(self, self.model.read_permission, self.model.workspace_path)
        return rows


class WorkspaceOwned(models.Model):
    """A row with a `workspace`; subclasses name the permission that reading takes and the path to the workspace."""

    read_permission: ClassVar[str]
    workspace_path: ClassVar[str] = "workspace"

    objects = WorkspaceOwnedQuerySet.as_manager()

    class Meta:
        abstract = True


class User(AbstractUser):
    """A person; `is_superuser` is the studio's admin."""

    default_workspace = models.ForeignKey(
        "Workspace", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )


class LifeState(models.TextChoices):
    ACTIVE = "active", _("Active")
    DELETING = "deleting", _("Deleting")


class ResourceGroup(models.Model):
    """What is created and deleted as a whole."""

    name = models.CharField(max_length=90, unique=True)
    subscription_id = models.CharField(max_length=36)
    location = models.CharField(max_length=60, default="local")
    tags = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=10, choices=LifeState.choices, default=LifeState.ACTIVE)
    created_ms = models.BigIntegerField(default=now_ms)

    def __str__(self) -> str:
        return self.name


class Workspace(models.Model):
    """The wall: nothing is visible across it without a role in it. Names are unique studio-wide."""

    group = models.ForeignKey(ResourceGroup, on_delete=models.PROTECT, related_name="workspaces")
    name = models.CharField(max_length=63, unique=True)
    description = models.TextField(blank=True, default="")
    state = models.CharField(max_length=10, choices=LifeState.choices, default=LifeState.ACTIVE)
    created_ms = models.BigIntegerField(default=now_ms)

    @property
    def workspace(self) -> Workspace:
        return self

    def __str__(self) -> str:
        return self.name


class Quota(models.Model):
    """What the endpoints of a workspace may take together; null is no limit."""

    workspace = models.OneToOneField(Workspace, primary_key=True, on_delete=models.CASCADE, related_name="quota")
    cpu_cores = models.FloatField(null=True)
    memory_bytes = models.BigIntegerField(null=True)
    replicas = models.PositiveIntegerField(null=True)

    @property
    def is_limited(self) -> bool:
        return any(limit is not None for limit in (self.cpu_cores, self.memory_bytes, self.replicas))

    @property
    def memory_gb(self) -> float | None:
        return self.memory_bytes / (1 << 30) if self.memory_bytes is not None else None


class Role(models.TextChoices):
    OWNER = "owner", _("Owner")
    CONTRIBUTOR = "contributor", _("Contributor")
    READER = "reader", _("Reader")


class Membership(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices)
    created_ms = models.BigIntegerField(default=now_ms)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "workspace"], name="one_role_a_member")]


class Token(models.Model):
    """A bearer secret, kept as its SHA-256: of 256 random bits there is nothing to guess, so no slow hash is needed.

    A token of the kind *login* opens nothing itself; it makes short-lived ones, which name it as their `login`.
    """

    class Kind(models.TextChoices):
        USER = "user", _("Personal")
        JOB = "job", _("Job")
        NODE = "node", _("Compute node")
        LOGIN = "login", _("Login of a terminal")

    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=12)
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="tokens")
    login = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="access_tokens")
    workspace = models.ForeignKey(Workspace, null=True, on_delete=models.CASCADE, related_name="tokens")
    permissions = models.JSONField(null=True, default=None)
    subject = models.CharField(max_length=64, blank=True, default="", help_text="The run or cluster it stands for.")
    created_ms = models.BigIntegerField(default=now_ms)
    expires_ms = models.BigIntegerField(null=True)
    revoked_ms = models.BigIntegerField(null=True)
    used_ms = models.BigIntegerField(null=True)

    class Meta:
        indexes = [models.Index(fields=["kind", "subject"], name="token_subject")]


class SignInLink(models.Model):
    """A link that signs one user in, once, before it expires."""

    user = models.ForeignKey(User, on_delete=models.CASCADE)
    digest = models.CharField(max_length=64, unique=True)
    expires_ms = models.BigIntegerField()
    used_ms = models.BigIntegerField(null=True)


class AuditEntry(models.Model):
    """Who did what to what. It outlives all of it: names are copied, nothing is referenced."""

    at_ms = models.BigIntegerField(default=now_ms, db_index=True)
    actor = models.CharField(max_length=150)
    action = models.CharField(max_length=80)
    group = models.CharField(max_length=90, blank=True, default="")
    workspace = models.CharField(max_length=63, blank=True, default="", db_index=True)
    target = models.CharField(max_length=200, blank=True, default="")
    details = models.JSONField(default=dict)
    request_id = models.CharField(max_length=100, blank=True, default="")


# ---- Webhooks -------------------------------------------------------------------------------------------------------


class WebhookStatus(models.TextChoices):
    """MLflow's own words."""

    ACTIVE = "ACTIVE", _("Active")
    DISABLED = "DISABLED", _("Disabled")


class Webhook(WorkspaceOwned):
    """An address that is told of events of its workspace. Only owners see it: such a URL often is a secret itself.

    `lease_ms`: one worker sends at a time, until then at most. `quiet_until_ms`: the host did not answer, let it rest.
    """

    read_permission = "workspace.write"

    id = models.CharField(primary_key=True, max_length=32, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="webhooks")
    name = models.CharField(max_length=63)
    description = models.TextField(blank=True, default="")
    url = models.CharField(max_length=2048)
    events = ArrayField(models.CharField(max_length=60))
    status = models.CharField(max_length=10, choices=WebhookStatus.choices, default=WebhookStatus.ACTIVE)
    disabled_reason = models.TextField(blank=True, default="")
    sealed_secret = models.TextField(blank=True, default="")
    created_by = models.CharField(max_length=150, blank=True, default="")
    created_ms = models.BigIntegerField(default=now_ms)
    updated_ms = models.BigIntegerField(default=now_ms)
    given_up = models.IntegerField(default=0, help_text="Deliveries given up since the last that arrived.")
    silences = models.IntegerField(default=0, help_text="Attempts without any answer since the last answer.")
    lease_ms = models.BigIntegerField(default=0)
    quiet_until_ms = models.BigIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["workspace"], name="webhook_active", condition=models.Q(status="ACTIVE")),
            models.Index(fields=["workspace", "-created_ms", "id"], name="webhook_newest"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:
        return self.status == WebhookStatus.ACTIVE


class DeliveryState(models.TextChoices):
    PENDING = "pending", _("Pending")
    DELIVERED = "delivered", _("Delivered")
    FAILED = "failed", _("Failed")
    DROPPED = "dropped", _("Dropped")


class WebhookDelivery(WorkspaceOwned):
    """One event for one webhook. Its id goes along with every attempt, so a receiver knows a repetition.

    `due_ms`: no attempt before; while one is made it lies in the future, so a worker that dies leaves it due again.
    """

    read_permission = "workspace.write"

    id = models.CharField(primary_key=True, max_length=32, default=new_id, editable=False)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="webhook_deliveries")
    event = models.CharField(max_length=60)
    body = models.TextField(help_text="Exactly what is sent and signed.")
    state = models.CharField(max_length=10, choices=DeliveryState.choices, default=DeliveryState.PENDING)
    attempts = models.IntegerField(default=0)
    due_ms = models.BigIntegerField(default=now_ms)
    response_status = models.IntegerField(null=True)
    error = models.TextField(blank=True, default="")
    created_ms = models.BigIntegerField(default=now_ms)
    finished_ms = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["webhook", "due_ms"], name="delivery_due", condition=models.Q(state="pending")),
            models.Index(fields=["webhook", "-created_ms", "id"], name="delivery_newest"),
            models.Index(fields=["finished_ms"], name="delivery_finished", condition=models.Q(finished_ms__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.id}"
