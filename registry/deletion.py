"""How a workspace's models go: rows only, their files belong to runs."""

from __future__ import annotations

from django.utils.translation import gettext as _

from registry.models import ModelVersion, RegisteredModel
from workspaces.deletion import Count, Participant
from workspaces.models import Workspace

BATCH = 100


def count(workspace: Workspace) -> list[Count]:
    return [
        Count(_("models"), RegisteredModel.objects.filter(workspace=workspace).count()),
        Count(_("model versions"), ModelVersion.objects.filter(model__workspace=workspace).count()),
    ]


def delete_next_batch(workspace: Workspace) -> bool:
    ids = list(RegisteredModel.objects.filter(workspace=workspace).values_list("pk", flat=True)[:BATCH])
    RegisteredModel.objects.filter(pk__in=ids).delete()
    return bool(ids)


PARTICIPANT = Participant(order=30, name="registry", count=count, delete_next_batch=delete_next_batch)
