"""Webhooks as MLflow's clients speak of them.

MLflow's messages know no runs. A program may write `{"entity": "RUN", "action": "FINISHED"}` all the same; MLflow's own
client cannot read that, and gives up a whole list for one event it does not know. So answers carry MLflow's events in
`events` and the studio's in `studio_events`; lists leave out webhooks that hear the studio's only, and an update that
names no event of the studio leaves those as they are. The studio's own API has no such seams.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from lib.errors import InvalidValue
from lib.mlflow import paging, wire
from lib.mlflow.messages import Message, webhooks
from lib.mlflow.rpc import rpc
from workspaces import events
from workspaces.access import Actor
from workspaces.models import Webhook, WebhookStatus, Workspace
from workspaces.webhooks import operations, queries
from workspaces.webhooks.request import Outcome

NEEDS = "workspace.write"
DEFAULT_PAGE = 100
LARGEST_PAGE = 1000


def words(choices: Any) -> dict[int, str]:
    return {value.number: value.name for value in choices.DESCRIPTOR.values if value.number}


ENTITIES = words(webhooks.WebhookEntity)
ACTIONS = words(webhooks.WebhookAction)
MLFLOW_EVENTS = [event for event in events.EVENTS if event.split(".")[0].upper() in ENTITIES.values()]


@rpc(webhooks.CreateWebhook, needs=NEEDS, takes="request")
def create_webhook(actor: Actor, workspace: Workspace, request: HttpRequest) -> dict[str, Any]:
    content, message = read(request, webhooks.CreateWebhook)
    wire.require(message, "name", "url")
    webhook = operations.create_webhook(
        actor,
        workspace,
        name=message.name,
        url=message.url,
        events=named_events(content),
        description=message.description,
        secret=message.secret,
        is_active=not message.HasField("status") or message.status == webhooks.ACTIVE,
    )
    return {"webhook": told(webhook)}


@rpc(webhooks.ListWebhooks, needs=NEEDS)
def list_webhooks(actor: Actor, workspace: Workspace, message: Message) -> dict[str, Any]:
    size = message.max_results if message.HasField("max_results") else DEFAULT_PAGE
    if not 1 <= size <= LARGEST_PAGE:
        raise InvalidValue(_("max_results must be between 1 and %s.") % LARGEST_PAGE, field="max_results")
    rows: QuerySet[Webhook] = queries.webhooks(actor, workspace).filter(events__overlap=MLFLOW_EVENTS)
    start = paging.page_offset(message.page_token)
    found = list(rows[start : start + size + 1])
    answer: dict[str, Any] = {"webhooks": [told(webhook) for webhook in found[:size]]}
    if len(found) > size:
        answer["next_page_token"] = paging.page_token(start + size)
    return answer


@rpc(webhooks.GetWebhook, needs=NEEDS)
def get_webhook(actor: Actor, workspace: Workspace, message: Message) -> dict[str, Any]:
    return {"webhook": told(queries.webhook(actor, workspace, message.webhook_id))}


@rpc(webhooks.UpdateWebhook, needs=NEEDS, takes="request")
def update_webhook(actor: Actor, workspace: Workspace, request: HttpRequest, webhook_id: str) -> dict[str, Any]:
    content, message = read(request, webhooks.UpdateWebhook)
    webhook = queries.webhook(actor, workspace, webhook_id)
    webhook = operations.update_webhook(
        actor,
        webhook,
        name=message.name or None,
        url=message.url or None,
        events=merged(webhook, named_events(content)) if content.get("events") else None,
        description=message.description if message.HasField("description") else None,
        secret=message.secret if message.HasField("secret") else None,
        is_active=message.status == webhooks.ACTIVE if message.HasField("status") else None,
    )
    return {"webhook": told(webhook)}


@rpc(webhooks.DeleteWebhook, needs=NEEDS)
def delete_webhook(actor: Actor, workspace: Workspace, message: Message) -> None:
    operations.delete_webhook(actor, queries.webhook(actor, workspace, message.webhook_id))


@rpc(webhooks.TestWebhook, needs=NEEDS, takes="request")
def try_webhook(actor: Actor, workspace: Workspace, request: HttpRequest, webhook_id: str) -> dict[str, Any]:
    content, _message = read(request, webhooks.TestWebhook)
    webhook = queries.webhook(actor, workspace, webhook_id)
    event = named(content["event"]) if content.get("event") else None
    return {"result": result(operations.try_webhook(actor, webhook, event=event))}


# ---- Shapes ---------------------------------------------------------------------------------------------------------


def read(request: HttpRequest, message_class: Message) -> tuple[dict[str, Any], Message]:
    """Give the body as it came, for the events in it, and as a message."""
    content = wire.read_json(request)
    return content, wire.fill(message_class(), content)


def named_events(content: Mapping[str, Any]) -> list[str]:
    given = content.get("events") or []
    if not isinstance(given, list):
        raise wire.wrong("events", given, "a list")
    return [named(event) for event in given]


def named(event: Any) -> str:
    """Turn `{"entity": "MODEL_VERSION", "action": "CREATED"}`, with words or numbers, into `model_version.created`."""
    if not isinstance(event, dict):
        raise wire.wrong("events", event, "objects with entity and action")
    return f"{word(event.get('entity'), ENTITIES)}.{word(event.get('action'), ACTIONS)}"


def word(value: Any, words: Mapping[int, str]) -> str:
    if type(value) is int:  # not a bool, which Python counts as one
        value = words.get(value, value)
    return str(value).lower()


def merged(webhook: Webhook, given: list[str]) -> list[str]:
    ours = set(webhook.events) - set(MLFLOW_EVENTS)
    return given if set(given) - set(MLFLOW_EVENTS) else [*given, *sorted(ours)]


def told(webhook: Webhook) -> dict[str, Any]:
    """Give MLflow's message, without the secret; what is absent there is left out here."""
    pairs = [event.upper().split(".") for event in webhook.events if event in MLFLOW_EVENTS]
    content = {
        "webhook_id": webhook.pk,
        "name": webhook.name,
        "url": webhook.url,
        "events": [{"entity": entity, "action": action} for entity, action in pairs],
        "studio_events": [event for event in webhook.events if event not in MLFLOW_EVENTS],
        "status": WebhookStatus(webhook.status).value,
        "creation_timestamp": webhook.created_ms,
        "last_updated_timestamp": webhook.updated_ms,
    }
    return content | ({"description": webhook.description} if webhook.description else {})


def result(outcome: Outcome) -> dict[str, Any]:
    content = {
        "success": outcome.result == "arrived",
        "response_status": outcome.status,
        "response_body": outcome.body or None,
        "error_message": outcome.error or None,
    }
    return {key: value for key, value in content.items() if value is not None}
