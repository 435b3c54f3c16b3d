"""Endpoint keys: shown again to people, so encrypted; checked by replicas, so hashed for them."""

from __future__ import annotations

import base64
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.translation import gettext as _

from deployments.models import Endpoint
from lib.errors import Conflict
from lib.ids import new_secret

PRIMARY, SECONDARY = "primary", "secondary"


def new_key() -> str:
    return new_secret("endpoint")


def seal(key: str) -> bytes:
    return _box().encrypt(key.encode())


def unseal(sealed: bytes | memoryview) -> str:
    """Read a key back. Raises Conflict when the studio's SECRET_KEY is no longer the one that sealed it."""
    try:
        return _box().decrypt(bytes(sealed)).decode()
    except InvalidToken:
        raise Conflict(_("This key was sealed with another SECRET_KEY. Make a new one.")) from None


def hashes(endpoint: Endpoint) -> list[str]:
    """Give what a replica checks keys by; a key that cannot be read any more opens nothing."""
    found = []
    for sealed in (endpoint.primary_key, endpoint.secondary_key):
        try:
            found.append(sha256(unseal(sealed).encode()).hexdigest())
        except Conflict:
            continue
    return found


def _box() -> MultiFernet:
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_derived(secret)) for secret in secrets])


def _derived(secret: str) -> bytes:
    return base64.urlsafe_b64encode(sha256(b"studio endpoint keys\0" + secret.encode()).digest())
