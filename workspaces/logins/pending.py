"""Logins that wait for their person, kept in the cache: to lose one costs no more than a second try."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from django.core.cache import cache
from django.utils.translation import gettext as _

from lib.errors import NotFound, TooMany
from workspaces.authentication import digest

LIFETIME_S = 600
STARTS_A_MINUTE = 120
# No vowels, so that no code is a word, and no sign that is taken for another.
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"


@dataclass(frozen=True)
class Pending:
    """`client_name` is what the terminal says of itself; `user_id` is set once somebody confirmed."""

    key: str
    user_code: str
    client_name: str
    user_id: int | None = None
    is_refused: bool = False


def start(device_code: str, client_name: str) -> Pending:
    """Keep a login for ten minutes. Raises TooMany when the whole studio sees more than two starts a second."""
    limit_starts()
    letters = "".join(secrets.choice(LETTERS) for _place in range(8))
    pending = Pending(digest(device_code), f"{letters[:4]}-{letters[4:]}", client_name)
    store(pending)
    cache.set(f"login-code:{pending.user_code}", pending.key, LIFETIME_S)
    return pending


def limit_starts() -> None:
    cache.add("login-starts", 0, 60)
    if cache.incr("login-starts") > STARTS_A_MINUTE:
        raise TooMany(_("Too many logins are being started. Wait a minute."))


def store(pending: Pending) -> None:
    cache.set(f"login:{pending.key}", pending, LIFETIME_S)


def by_device_code(device_code: str) -> Pending | None:
    found: Pending | None = cache.get(f"login:{digest(device_code)}")
    return found


def by_user_code(user_code: str) -> Pending:
    """Find a login by what a person typed, in either case and with or without the dash. Raises NotFound."""
    letters = "".join(letter for letter in user_code.upper() if letter in LETTERS)
    key = cache.get(f"login-code:{letters[:4]}-{letters[4:]}")
    found: Pending | None = cache.get(f"login:{key}") if key else None
    if found is None or found.user_id is not None or found.is_refused:
        raise NotFound(_("There is no such code, or it has expired. Start the login again."))
    return found


def decide(pending: Pending, *, user_id: int | None) -> None:
    """Confirm for a user, or refuse."""
    cache.delete(f"login-code:{pending.user_code}")
    store(replace(pending, user_id=user_id, is_refused=user_id is None))


def take(pending: Pending) -> bool:
    """Say whether this caller is the one that ends the login; of two at once one is."""
    return bool(cache.delete(f"login:{pending.key}"))
