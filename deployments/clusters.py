"""Inference clusters, as endpoints need them: is there one of that name, and does it take deployments?"""

from __future__ import annotations

from django.utils.translation import gettext as _

from compute.models import ComputeTarget
from deployments.models import Target
from lib.errors import InvalidValue, NotFound
from workspaces.models import Workspace


def check(workspace: Workspace, target: str, name: str) -> None:
    """Accept a cluster's name for a target; an empty one is this machine.

    Raises NotFound, which names it, for an inference cluster that the workspace does not have, and InvalidValue for a
    cluster with an instance.
    """
    if not name:
        return
    if target != Target.CLUSTER:
        raise InvalidValue(_("Only the cluster target takes the name of an inference cluster."), field="compute_name")
    found = ComputeTarget.objects.filter(workspace=workspace, kind=ComputeTarget.Kind.INFERENCE, name=name)
    if not found.exists():
        raise NotFound(_("The inference cluster “%s” does not exist in this workspace.") % name)


def names(workspace: Workspace) -> list[str]:
    """List what can be chosen."""
    found = ComputeTarget.objects.filter(workspace=workspace, kind=ComputeTarget.Kind.INFERENCE)
    return list(found.order_by("name").values_list("name", flat=True))
