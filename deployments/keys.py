"""What opens an endpoint: keys that people are shown again, and tokens that end by themselves.

Keys are kept encrypted and checked by hash. Tokens are signed (JWT, HS256) with a secret of the endpoint's own, which
its replicas know: they check both while the rest of the studio is down.
"""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import dataclass
from hashlib import sha256

from django.conf import settings
from django.utils.translation import gettext as _

from deployments.models import Endpoint
from lib import secretbox
from lib.clock import now_ms
from lib.errors import Conflict, InvalidValue
from lib.ids import new_secret

PRIMARY, SECONDARY = "primary", "secondary"
PURPOSE = "endpoint keys"
SHORTEST, LONGEST = 16, 200
TOKEN_S = 3600
REFRESH_AFTER_S = 2700


@dataclass(frozen=True)
class Token:
    """A token and, in milliseconds, when it should be asked for anew and when it ends."""

    token: str
    refresh_after_ms: int
    expires_ms: int


def new_key() -> str:
    return new_secret("endpoint")


def checked_key(key: str) -> str:
    """Accept a key that a caller chose. Raises InvalidValue for one that is short, long or no header could carry."""
    if not (SHORTEST <= len(key) <= LONGEST and key.isascii() and key.isprintable() and " " not in key):
        words = {"least": SHORTEST, "most": LONGEST}
        raise InvalidValue(_("A key has %(least)s to %(most)s ASCII characters and no space.") % words, field="key")
    return key


def seal(key: str) -> bytes:
    return secretbox.seal(key, purpose=PURPOSE).encode()


def unseal(sealed: bytes | memoryview) -> str:
    """Read a key back. Raises Conflict when the studio's SECRET_KEY is no longer the one that sealed it."""
    return secretbox.unseal(bytes(sealed).decode(), purpose=PURPOSE)


def hashes(endpoint: Endpoint) -> list[str]:
    """Give what a replica checks keys by; a key that cannot be read any more opens nothing."""
    found = []
    for sealed in (endpoint.primary_key, endpoint.secondary_key):
        try:
            found.append(sha256(unseal(sealed).encode()).hexdigest())
        except Conflict:
            continue
    return found


def token_secrets(endpoint: Endpoint) -> list[str]:
    """Give what tokens are signed by, the newest first; after a change of SECRET_KEY the former one is still good."""
    purpose = f"endpoint token {endpoint.pk} {endpoint.token_epoch}"
    known = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return [secretbox.derived(key, purpose).decode() for key in known]


def new_token(endpoint: Endpoint, lifetime_s: int = TOKEN_S) -> Token:
    now = now_ms()
    expires = now // 1000 + lifetime_s
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part({'aud': endpoint.name, 'exp': expires})}"
    signature = hmac.digest(token_secrets(endpoint)[0].encode(), signed.encode(), "sha256")
    refresh = now + min(REFRESH_AFTER_S, lifetime_s * 3 // 4) * 1000
    return Token(f"{signed}.{_encoded(signature)}", refresh, expires * 1000)


def _part(values: dict[str, object]) -> str:
    return _encoded(json.dumps(values, separators=(",", ":")).encode())


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
