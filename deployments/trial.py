"""Ask an endpoint as its callers do: through the gateway, with its key."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from deployments import keys
from deployments.models import Endpoint
from lib.errors import InvalidValue, Unavailable

LONGEST_BODY = 1024 * 1024
LONGEST_ANSWER = 1024 * 1024
PATIENCE_S = 65.0
TRIAL_TOKEN_S = 120


@dataclass(frozen=True)
class Trial:
    """What came back; `model_ms` is the replica's own time in the model."""

    status: int
    reason: str
    text: str
    latency_ms: float
    model_ms: float | None
    request_id: str

    @property
    def is_good(self) -> bool:
        return self.status == 200


def send(endpoint: Endpoint, body: str) -> Trial:
    """Score a body. Raises InvalidValue for one that is too long, Unavailable when the gateway does not answer."""
    raw = body.encode("utf-8", "replace")
    if len(raw) > LONGEST_BODY:
        raise InvalidValue(_("The body is longer than 1 MB. Send it with curl."), field="body")
    headers = {"Content-Type": "application/json"}
    if endpoint.auth == Endpoint.Auth.TOKEN:
        headers["Authorization"] = f"Bearer {keys.new_token(endpoint, lifetime_s=TRIAL_TOKEN_S).token}"
    elif endpoint.auth == Endpoint.Auth.KEY:
        headers["Authorization"] = f"Bearer {keys.unseal(endpoint.primary_key)}"
    address = urlsplit(settings.STUDIO_INTERNAL_URL)
    connection = http.client.HTTPConnection(address.hostname or "127.0.0.1", address.port, timeout=PATIENCE_S)
    try:
        connection.connect()
        began = time.perf_counter()
        connection.request("POST", f"{endpoint.path}/score", raw, headers)
        answer = connection.getresponse()
        text = answer.read(LONGEST_ANSWER)
        took = (time.perf_counter() - began) * 1000
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(_("The endpoint could not be reached: %s") % error) from error
    finally:
        connection.close()
    return Trial(
        status=answer.status,
        reason=answer.reason,
        text=pretty(text.decode("utf-8", "replace")),
        latency_ms=round(took, 1),
        model_ms=_number(answer.getheader("x-ms-run-fn-exec-ms")),
        request_id=answer.getheader("x-ms-request-id") or "",
    )


def pretty(text: str) -> str:
    """Set short JSON over several lines; anything else stays as it came."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if isinstance(value, list) and len(json.dumps(value)) <= 100:
        return json.dumps(value, ensure_ascii=False)
    return json.dumps(value, indent=2, ensure_ascii=False) if len(text) < 20_000 else text


def _number(text: str | None) -> float | None:
    try:
        return round(float(text), 1) if text else None
    except ValueError:
        return None
