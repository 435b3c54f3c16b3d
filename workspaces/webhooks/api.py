"""Webhooks for programs, the studio's own events among them: /w/<workspace>/api/v1/webhooks."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from workspaces import access
from workspaces.events import EVENTS
from workspaces.models import Webhook, WebhookDelivery
from workspaces.webhooks import operations, queries

NEWEST_DELIVERIES = 100


class WebhookOut(serializers.ModelSerializer[Webhook]):
    is_signed = serializers.BooleanField(source="sealed_secret")
    events = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Webhook
        fields = ["id", "name", "description", "url", "events", "is_active", "is_signed", "disabled_reason"]
        fields += ["given_up", "created_by", "created_ms", "updated_ms"]


class DeliveryOut(serializers.ModelSerializer[WebhookDelivery]):
    class Meta:
        model = WebhookDelivery
        fields = ["id", "event", "body", "state", "attempts", "due_ms", "response_status", "error"]
        fields += ["created_ms", "finished_ms"]


class OutcomeOut(serializers.Serializer[Any]):
    result = serializers.ChoiceField(["arrived", "later", "never"])
    status = serializers.IntegerField(allow_null=True)
    body = serializers.CharField()
    error = serializers.CharField()


class Text(serializers.CharField):
    """A text that may be empty and is taken as it is."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_blank=True, trim_whitespace=False, **options)


class WebhookIn(serializers.Serializer[Any]):
    name = Text()
    url = Text()
    events = serializers.ListField(child=serializers.CharField(), max_length=len(EVENTS) * 2)
    description = Text(required=False)
    secret = Text(required=False)
    is_active = serializers.BooleanField(required=False)


class EventIn(serializers.Serializer[Any]):
    event = serializers.CharField(required=False)


def parsed(request: Request, serializer: type[serializers.Serializer[Any]], *, partial: bool = False) -> dict[str, Any]:
    body = serializer(data=request.data, partial=partial)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


@extend_schema(methods=["GET"], responses=WebhookOut(many=True))
@extend_schema(methods=["POST"], request=WebhookIn, responses={201: WebhookOut})
@api_view(["GET", "POST"])
def webhooks(request: Request) -> Response:
    """List the workspace's webhooks, or create one."""
    actor, where = request._request.actor, request._request.workspace  # type: ignore[attr-defined]
    if request.method == "POST":
        made = operations.create_webhook(actor, where, **parsed(request, WebhookIn))
        return Response(WebhookOut(made).data, status=201)
    return Response(WebhookOut(queries.webhooks(actor, where), many=True).data)


@extend_schema(methods=["GET"], responses=WebhookOut)
@extend_schema(methods=["PATCH"], request=WebhookIn, responses=WebhookOut)
@extend_schema(methods=["DELETE"], responses={204: None})
@api_view(["GET", "PATCH", "DELETE"])
def webhook(request: Request, webhook_id: str) -> Response:
    """Show, change or delete a webhook; the secret is never shown."""
    actor = request._request.actor  # type: ignore[attr-defined]
    found = queries.webhook(actor, request._request.workspace, webhook_id)  # type: ignore[attr-defined]
    if request.method == "DELETE":
        operations.delete_webhook(actor, found)
        return Response(status=204)
    if request.method == "PATCH":
        found = operations.update_webhook(actor, found, **parsed(request, WebhookIn, partial=True))
    return Response(WebhookOut(found).data)


@extend_schema(request=EventIn, responses=OutcomeOut)
@api_view(["POST"])
def webhook_test(request: Request, webhook_id: str) -> Response:
    """Send an example of an event at once, and show what the receiver answered."""
    actor = request._request.actor  # type: ignore[attr-defined]
    found = queries.webhook(actor, request._request.workspace, webhook_id)  # type: ignore[attr-defined]
    return Response(OutcomeOut(operations.try_webhook(actor, found, **parsed(request, EventIn))).data)


@extend_schema(responses=DeliveryOut(many=True))
@api_view(["GET"])
def webhook_deliveries(request: Request, webhook_id: str) -> Response:
    """List the newest deliveries of a webhook, and what came of them."""
    actor = request._request.actor  # type: ignore[attr-defined]
    found = queries.webhook(actor, request._request.workspace, webhook_id)  # type: ignore[attr-defined]
    rows = queries.deliveries(actor, found)[:NEWEST_DELIVERIES]
    return Response(DeliveryOut(rows, many=True).data)


webhooks = access.needs("workspace.write")(webhooks)
webhook = access.needs("workspace.write")(webhook)
webhook_test = access.needs("workspace.write")(webhook_test)
webhook_deliveries = access.needs("workspace.write")(webhook_deliveries)
