"""One delivery as one signed request, and what its answer means."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from dataclasses import dataclass
from typing import Literal

from django.conf import settings
from django.utils.translation import gettext as _

from lib import outbound, secretbox
from lib.errors import StudioError
from workspaces.models import Webhook

PURPOSE = "webhook secret"
LONGEST_RETRY_S = 3600


@dataclass(frozen=True)
class Outcome:
    """`result`: it arrived; a later try may do; no try will do. `status` is None when there was no answer at all."""

    result: Literal["arrived", "later", "never"]
    status: int | None = None
    body: str = ""
    error: str = ""
    retry_after_s: int = 0


def send(webhook: Webhook, delivery_id: str, body: str) -> Outcome:
    """Send once. Never raises: what went wrong is part of the outcome."""
    try:
        answer = outbound.send(
            webhook.url,
            body=body.encode(),
            headers=headers(webhook, delivery_id, body, int(time.time())),
            allowed=settings.OUTBOUND_ALLOWED,
        )
    except outbound.NoAnswer as error:
        return Outcome("later", error=error.message)
    except StudioError as error:  # an address that is refused, a secret that cannot be read
        return Outcome("never", error=error.message)
    return judged(answer)


def headers(webhook: Webhook, delivery_id: str, body: str, at_s: int) -> dict[str, str]:
    """Make MLflow's headers, so that receivers written for its webhooks verify ours."""
    found = {
        "Content-Type": "application/json",
        "User-Agent": "Studio-Webhook/1",
        "X-MLflow-Delivery-Id": delivery_id,
        "X-MLflow-Timestamp": str(at_s),
    }
    if webhook.sealed_secret:
        secret = secretbox.unseal(webhook.sealed_secret, purpose=PURPOSE)
        found["X-MLflow-Signature"] = signature(secret, delivery_id, at_s, body)
    return found


def signature(secret: str, delivery_id: str, at_s: int, body: str) -> str:
    """Sign the id, the time and the body together: none can be replaced, and an old request cannot be repeated."""
    signed = f"{delivery_id}.{at_s}.{body}".encode()
    return "v1," + base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()


def judged(answer: outbound.Answer) -> Outcome:
    """Say what a status means: 2xx arrived, 408, 429 and 5xx may pass, all else will not."""
    body = answer.body.decode("utf-8", "replace").replace("\x00", "")
    if 200 <= answer.status < 300:
        return Outcome("arrived", answer.status, body)
    if answer.status in (408, 429) or answer.status >= 500:
        error = _("The receiver answered %s.") % answer.status
        return Outcome("later", answer.status, body, error, retry_after_s(answer.headers.get("retry-after", "")))
    if 300 <= answer.status < 400:
        error = _("The receiver answered %s: redirects are not followed.") % answer.status
        return Outcome("never", answer.status, body, error)
    return Outcome("never", answer.status, body, _("The receiver answered %s.") % answer.status)


def retry_after_s(text: str) -> int:
    """Read the header's seconds, up to an hour; its other form, a date, is left to our own pace."""
    return min(int(text), LONGEST_RETRY_S) if text.isascii() and text.isdigit() and len(text) < 10 else 0
