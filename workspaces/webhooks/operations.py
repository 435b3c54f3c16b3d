"""Every change to webhooks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from lib import outbound, secretbox
from lib.clock import now_ms
from lib.errors import InvalidValue, TooMany
from lib.ids import new_id
from workspaces import access, audit, events
from workspaces.access import Actor, operation
from workspaces.models import Webhook, WebhookStatus, Workspace
from workspaces.webhooks import delivery, request
from workspaces.webhooks.request import PURPOSE, Outcome

# MLflow's rule.
NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
LONGEST_DESCRIPTION = 5000
LONGEST_SECRET = 1000
# An event writes a row for each that hears it.
MOST_WEBHOOKS = 100
# Advisory lock class of tests under way.
LOCK_CLASS = 7302


@operation("workspace.write")
def create_webhook(
    actor: Actor,
    workspace: Workspace,
    *,
    name: str,
    url: str,
    events: Iterable[str],
    description: str = "",
    secret: str = "",
    is_active: bool = True,
) -> Webhook:
    """Tell `url` of the events from now on, signed with `secret` if there is one.

    Raises InvalidValue for a bad name, no or unknown events, an address that is refused, or too many webhooks.
    """
    if Webhook.objects.filter(workspace=workspace).count() >= MOST_WEBHOOKS:
        raise InvalidValue(_("A workspace has at most %s webhooks.") % MOST_WEBHOOKS)
    return Webhook.objects.create(
        workspace=workspace,
        name=checked_name(name),
        url=checked_url(url),
        events=checked_events(events),
        description=checked_description(description),
        sealed_secret=sealed(secret),
        status=WebhookStatus.ACTIVE if is_active else WebhookStatus.DISABLED,
        created_by=actor.name,
    )


@operation("workspace.write")
def update_webhook(
    actor: Actor,
    webhook: Webhook,
    *,
    name: str | None = None,
    url: str | None = None,
    events: Iterable[str] | None = None,
    description: str | None = None,
    secret: str | None = None,
    is_active: bool | None = None,
) -> Webhook:
    """Change what is given; an empty secret ends signing. Turning off drops what waits, turning on forgets failures."""
    changes: dict[str, object] = {"updated_ms": now_ms()}
    if name is not None:
        changes["name"] = checked_name(name)
    if url is not None:
        changes |= {"url": checked_url(url), "silences": 0, "quiet_until_ms": 0}
    if events is not None:
        changes["events"] = checked_events(events)
    if description is not None:
        changes["description"] = checked_description(description)
    if secret is not None:
        changes["sealed_secret"] = sealed(secret)
    if is_active is not None:
        changes |= {"status": WebhookStatus.ACTIVE if is_active else WebhookStatus.DISABLED, "disabled_reason": ""}
    if is_active:
        changes |= {"given_up": 0, "silences": 0, "quiet_until_ms": 0}
    Webhook.objects.filter(pk=webhook.pk).update(**changes)
    if is_active is False:
        delivery.drop_pending(webhook, _("The webhook was turned off."))
    webhook.refresh_from_db()
    return webhook


@operation("workspace.write")
def delete_webhook(actor: Actor, webhook: Webhook) -> None:
    """Delete it with its deliveries; an attempt under way still ends at the receiver."""
    # The lock first: an event that is being told now gets its rows in before, and they go too; a later finds nothing.
    Webhook.objects.select_for_update().filter(pk=webhook.pk).first()
    webhook.delete()


def try_webhook(actor: Actor, webhook: Webhook, *, event: str | None = None) -> Outcome:
    """Send an example of an event (by default the first it hears) at once, and give the answer.

    Not an `operation`, since no transaction may stand open while a stranger's server takes its time. Raises
    InvalidValue for an unknown event, TooMany while another test of the workspace is under way.
    """
    access.require(actor, "workspace.write", webhook)
    event = event or webhook.events[0]
    checked_events([event])
    audit.record(
        actor, "workspaces.try_webhook", where=webhook.workspace, target=webhook.name, details={"event": event}
    )
    text = events.body(webhook.workspace, event, events.EVENTS[event], now_ms())
    with one_at_a_time(webhook.workspace_id):
        return request.send(webhook, new_id(), text)


@contextmanager
def one_at_a_time(workspace_id: int) -> Iterator[None]:
    """Hold the workspace's only place for a test: each holds a web thread as long as the receiver likes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_CLASS, workspace_id])
        if not cursor.fetchone()[0]:
            raise TooMany(_("Another test of this workspace's webhooks is under way. Try again in a moment."))
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK_CLASS, workspace_id])


# ---- Rules ----------------------------------------------------------------------------------------------------------


def checked_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise InvalidValue(
            _(
                "“%s” cannot be a webhook's name: use 1–63 letters, digits, “.”, “_”, “-”, "
                "the first and the last a letter or digit."
            )
            % name[:100],
            field="name",
        )
    return name


def checked_url(url: str) -> str:
    outbound.check(url, allowed=settings.OUTBOUND_ALLOWED)
    return url


def checked_events(names: Iterable[str]) -> list[str]:
    """Give each name once. Raises InvalidValue for none, or one that the studio never sends."""
    found = list(dict.fromkeys(names))
    if not found:
        raise InvalidValue(_("Say of which events the webhook is told."), field="events")
    for name in found:
        if name not in events.EVENTS:
            known = ", ".join(events.EVENTS)
            raise InvalidValue(
                _("There is no event “%(name)s”. There are: %(known)s.") % {"name": name[:100], "known": known},
                field="events",
            )
    return found


def checked_description(text: str) -> str:
    if len(text) > LONGEST_DESCRIPTION:
        raise InvalidValue(_("A description has at most %s characters.") % LONGEST_DESCRIPTION, field="description")
    return text


def sealed(secret: str) -> str:
    if len(secret) > LONGEST_SECRET:
        raise InvalidValue(_("A secret has at most %s characters.") % LONGEST_SECRET, field="secret")
    return secretbox.seal(secret, purpose=PURPOSE) if secret else ""
