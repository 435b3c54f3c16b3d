"""Names that the studio makes."""

from __future__ import annotations

import secrets
import uuid


def new_id() -> str:
    """Make an id of 32 hex digits."""
    return uuid.uuid4().hex


def new_secret(prefix: str) -> str:
    """Make a secret of 256 bits that tells by its prefix what it is for, so that leak scanners find it."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"
