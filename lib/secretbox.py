"""Secrets that must be read again, kept encrypted at rest: endpoint keys, webhook secrets.

What need only be compared (tokens, passwords) is hashed instead.
"""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.translation import gettext as _

from lib.errors import Conflict


def seal(text: str, *, purpose: str) -> str:
    """Encrypt a text with the studio's key; it opens for the same purpose only."""
    return box(purpose).encrypt(text.encode()).decode()


def unseal(sealed: str, *, purpose: str) -> str:
    """Decrypt, with former keys too. Raises Conflict when no key fits: `SECRET_KEY` was lost or changed."""
    try:
        return box(purpose).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Conflict(_("A stored secret cannot be read: the studio's secret key has changed. Set it anew.")) from None


def box(purpose: str) -> MultiFernet:
    return MultiFernet([Fernet(derived(key, purpose)) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def derived(key: str, purpose: str) -> bytes:
    """Make a key for one purpose (HKDF, RFC 5869), so that one that leaks opens nothing else."""
    kdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"studio {purpose}".encode())
    return base64.urlsafe_b64encode(kdf.derive(key.encode()))
