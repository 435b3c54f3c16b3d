"""Deleting groups, a batch at a time, until nothing is left."""

from __future__ import annotations

import logging

from celery import shared_task
from django.db import connection, transaction

from workspaces import audit, deletion
from workspaces.access import Actor
from workspaces.models import LifeState, ResourceGroup, Workspace

logger = logging.getLogger(__name__)

BATCHES_A_TASK = 50
# Advisory lock class, so that two workers never delete the same group at once.
LOCK_CLASS = 7301


@shared_task
def reconcile() -> None:
    for pk in ResourceGroup.objects.filter(state=LifeState.DELETING).values_list("pk", flat=True):
        delete_group(pk)


@shared_task
def delete_group(group_id: int) -> None:
    """Delete some batches of a group; `reconcile` comes back for the rest."""
    group = ResourceGroup.objects.filter(pk=group_id, state=LifeState.DELETING).first()
    if group is None or not lock(group_id):
        return
    try:
        for workspace in Workspace.objects.filter(group=group):
            for _batch in range(BATCHES_A_TASK):
                if not deletion.delete_next_batch(workspace):
                    break
            else:
                return
            workspace.delete()
        finish(group)
    finally:
        unlock(group_id)


def finish(group: ResourceGroup) -> None:
    with transaction.atomic():
        audit.record(Actor.system(), "workspaces.group_deleted", where=group, target=group.name)
        group.delete()
    logger.info("group deleted group=%s", group.name)


def lock(group_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_CLASS, group_id])
        return bool(cursor.fetchone()[0])


def unlock(group_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK_CLASS, group_id])
