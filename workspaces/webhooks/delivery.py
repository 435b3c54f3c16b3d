"""Send what is due, and keep at it.

A row is the truth. One worker at a time sends for one webhook (a lease on its row), few at a time in the whole studio,
each for seconds: a host that answers slowly or never takes a small, fixed share of the control worker, whoever owns it.
An attempt is claimed by its number before it is made, and written down under that number only.
"""

from __future__ import annotations

import logging
import random
import time

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils.translation import gettext as _

from lib.clock import now_ms
from workspaces.models import DeliveryState, LifeState, Webhook, WebhookDelivery, WebhookStatus
from workspaces.webhooks import request
from workspaces.webhooks.request import Outcome

logger = logging.getLogger(__name__)

# Waits before the second, third, … try; after the last the delivery is given up.
WAITS_S = (5, 30, 120, 600, 1800, 3600, 7200)
# Deliveries in a row that were given up before the webhook is turned off.
MOST_GIVEN_UP = 20
LONGEST_SILENCE_S = 300
# Longer than a turn and its last request together, so that a lease never ends under a living sender.
LEASE_MS = 60_000
TURN_S = 5.0
MOST_AT_ONCE = 3
KEPT_DAYS = 14
TIDY_ROWS = 5000


def due(now: int) -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.filter(state=DeliveryState.PENDING, due_ms__lte=now)


def ready(now: int) -> QuerySet[Webhook]:
    """List the webhooks that have something due, that nobody sends for, and whose host need not rest."""
    rows = Webhook.objects.filter(
        status=WebhookStatus.ACTIVE, workspace__state=LifeState.ACTIVE, lease_ms__lte=now, quiet_until_ms__lte=now
    )
    # Who was served longest ago is next.
    return rows.filter(Exists(due(now).filter(webhook=OuterRef("pk")))).order_by("lease_ms")


def take_turn(webhook_id: str) -> bool:
    """Send what is due of one webhook, in order, for some seconds; say whether something is left to send now."""
    ends = time.monotonic() + TURN_S
    while claim(webhook_id):
        try:
            send_some(webhook_id, ends)
        finally:
            Webhook.objects.filter(pk=webhook_id).update(lease_ms=now_ms())
        # A delivery written after the last look found the lease taken, and its hint did nothing: look again.
        if not ready(now_ms()).filter(pk=webhook_id).exists():
            return False
        if time.monotonic() >= ends:
            return True
    return False


def claim(webhook_id: str) -> bool:
    """Take the lease, unless somebody has it or the studio sends enough already. The count may be passed by a race."""
    now = now_ms()
    if Webhook.objects.filter(lease_ms__gt=now).count() >= MOST_AT_ONCE:
        return False
    rows = Webhook.objects.filter(pk__in=ready(now).filter(pk=webhook_id), lease_ms__lte=now)
    return bool(rows.update(lease_ms=now + LEASE_MS))


def send_some(webhook_id: str, ends: float) -> None:
    while time.monotonic() < ends:
        now = now_ms()
        delivery = due(now).filter(webhook=webhook_id).order_by("due_ms", "created_ms").first()
        webhook = Webhook.objects.filter(pk=webhook_id, status=WebhookStatus.ACTIVE, quiet_until_ms__lte=now).first()
        if delivery is None or webhook is None:
            return
        attempt(webhook, delivery)


def attempt(webhook: Webhook, delivery: WebhookDelivery) -> None:
    """Make one try of one delivery, if no one else has begun it."""
    number = delivery.attempts + 1
    mine = WebhookDelivery.objects.filter(pk=delivery.pk, state=DeliveryState.PENDING, attempts=delivery.attempts)
    if not mine.update(attempts=number, due_ms=now_ms() + LEASE_MS):
        return
    outcome = request.send(webhook, delivery.pk, delivery.body)
    with transaction.atomic():
        write_down(webhook, delivery, number, outcome)
    logger.info(
        "webhook tried webhook=%s delivery=%s event=%s attempt=%s result=%s status=%s",
        webhook.pk, delivery.pk, delivery.event, number, outcome.result, outcome.status,
    )  # fmt: skip


def write_down(webhook: Webhook, delivery: WebhookDelivery, number: int, outcome: Outcome) -> None:
    """Keep what came of try `number`; nothing when a later try has begun or the delivery is at rest."""
    mine = WebhookDelivery.objects.filter(pk=delivery.pk, state=DeliveryState.PENDING, attempts=number)
    told = {"response_status": outcome.status, "error": outcome.error}
    if outcome.result == "arrived":
        kept = mine.update(state=DeliveryState.DELIVERED, finished_ms=now_ms(), **told)
        if kept and (webhook.given_up or webhook.silences):
            Webhook.objects.filter(pk=webhook.pk).update(given_up=0, silences=0)
    elif outcome.result == "later" and number <= len(WAITS_S):
        mine.update(due_ms=now_ms() + wait_ms(number, outcome.retry_after_s), **told)
    elif mine.update(state=DeliveryState.FAILED, finished_ms=now_ms(), **told):
        give_up(webhook, outcome)
    rest(webhook, outcome)


def wait_ms(number: int, retry_after_s: int) -> int:
    """Give the wait after try `number`, a little different each time: what failed together does not return together."""
    seconds = max(WAITS_S[number - 1] * random.uniform(0.9, 1.2), retry_after_s)  # noqa: S311 no secret hangs on it
    return int(seconds * 1000)


def rest(webhook: Webhook, outcome: Outcome) -> None:
    """Leave a host alone that does not answer or asks for it: all that waits for it would wait for a time-out each."""
    row = Webhook.objects.filter(pk=webhook.pk)
    if outcome.result == "later" and outcome.status is None:
        pause_s = min(5 * 2 ** min(webhook.silences, 10), LONGEST_SILENCE_S)
        row.update(silences=F("silences") + 1, quiet_until_ms=now_ms() + pause_s * 1000)
    elif outcome.status in (429, 503) and outcome.retry_after_s:
        row.update(quiet_until_ms=now_ms() + outcome.retry_after_s * 1000)


def give_up(webhook: Webhook, outcome: Outcome) -> None:
    """Count a delivery that will not arrive; after too many in a row, or a 410 (Gone), turn the webhook off."""
    Webhook.objects.filter(pk=webhook.pk).update(given_up=F("given_up") + 1)
    if webhook.given_up + 1 >= MOST_GIVEN_UP:
        reason = _("%(count)s deliveries in a row were given up. The last: %(error)s")
        turn_off(webhook, reason % {"count": webhook.given_up + 1, "error": outcome.error})
    elif outcome.status == 410:
        turn_off(webhook, _("The receiver answered 410: it wants no more."))


def turn_off(webhook: Webhook, reason: str) -> None:
    rows = Webhook.objects.filter(pk=webhook.pk, status=WebhookStatus.ACTIVE)
    if rows.update(status=WebhookStatus.DISABLED, disabled_reason=reason, updated_ms=now_ms()):
        drop_pending(webhook, _("The webhook was turned off."))
        logger.warning("webhook turned off webhook=%s workspace=%s", webhook.pk, webhook.workspace_id)


def drop_pending(webhook: Webhook, reason: str) -> None:
    """End what waits: a webhook that is turned on again hears what happens from then on."""
    waiting = WebhookDelivery.objects.filter(webhook=webhook, state=DeliveryState.PENDING)
    waiting.update(state=DeliveryState.DROPPED, error=reason, finished_ms=now_ms())


def forget_old() -> int:
    """Delete some of what has been at rest for long; give how many."""
    before = now_ms() - KEPT_DAYS * 24 * 3600 * 1000
    old = WebhookDelivery.objects.filter(finished_ms__gt=0, finished_ms__lt=before).values("pk")[:TIDY_ROWS]
    return WebhookDelivery.objects.filter(pk__in=old).delete()[0]
