"""What the endpoints of a workspace may take together; without a quota, as much as there is."""

from __future__ import annotations

from django.utils.translation import gettext as _

from lib.errors import Denied, InvalidValue
from workspaces.access import Actor, operation
from workspaces.models import Quota, Workspace

GIB = 1 << 30


def quota_of(workspace: Workspace, *, locked: bool = False) -> Quota:
    """Give a workspace's quota; one without limits when none was set.

    `locked` holds it until the transaction ends, so that two who ask at once do not both get what is left.
    """
    rows = Quota.objects.select_for_update() if locked else Quota.objects
    return rows.filter(workspace=workspace).first() or Quota(workspace=workspace)


@operation("workspace.write")
def set_quota(
    actor: Actor,
    workspace: Workspace,
    *,
    cpu_cores: float | None = None,
    memory_gb: float | None = None,
    replicas: int | None = None,
) -> Quota:
    """Limit what a workspace's endpoints may take; None is no limit. What runs already goes on.

    Raises Denied for all but the studio's admins (a limit that its owner can lift is none), InvalidValue below zero.
    """
    if not actor.may_studio("groups.write"):
        raise Denied(_("Only an admin of the studio sets a workspace's quota."))
    for field, value in (("cpu_cores", cpu_cores), ("memory_gb", memory_gb), ("replicas", replicas)):
        if value is not None and not 0 <= value < 1_000_000:
            raise InvalidValue(_("A quota is zero or more, and below a million."), field=field)
    memory_bytes = int(memory_gb * GIB) if memory_gb is not None else None
    limits = {"cpu_cores": cpu_cores, "memory_bytes": memory_bytes, "replicas": replicas}
    quota, _created = Quota.objects.update_or_create(workspace=workspace, defaults=limits)
    return quota
