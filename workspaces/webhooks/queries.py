"""Webhooks and their deliveries, newest first."""

from __future__ import annotations

from django.db.models import QuerySet

from workspaces import access
from workspaces.access import Actor
from workspaces.models import Webhook, WebhookDelivery, Workspace


def webhooks(actor: Actor, workspace: Workspace) -> QuerySet[Webhook]:
    rows: QuerySet[Webhook] = Webhook.objects.visible_to(actor).filter(workspace=workspace)
    return rows.select_related("workspace").order_by("-created_ms", "id")


def webhook(actor: Actor, workspace: Workspace, webhook_id: str) -> Webhook:
    """Give one. Raises NotFound when it is not there, or another workspace's."""
    rows: QuerySet[Webhook] = Webhook.objects.select_related("workspace").filter(workspace=workspace)
    return access.fetch(actor, rows, pk=webhook_id)


def deliveries(actor: Actor, webhook: Webhook) -> QuerySet[WebhookDelivery]:
    rows: QuerySet[WebhookDelivery] = WebhookDelivery.objects.visible_to(actor).filter(webhook=webhook)
    return rows.order_by("-created_ms", "id")
