"""Every change of a login from a terminal."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.utils.translation import gettext as _

from lib.clock import now_ms
from lib.errors import Denied, InvalidValue, TooMany, Unauthenticated
from lib.ids import new_secret
from workspaces import audit
from workspaces.access import Actor
from workspaces.authentication import digest
from workspaces.logins import pending
from workspaces.logins.pending import Pending
from workspaces.models import Token
from workspaces.operations import DAY_MS, make_token

LOGIN_DAYS = 90
LONGEST_NAME = 80
TRIES_A_MINUTE = 10


@dataclass(frozen=True)
class Started:
    device_code: str
    user_code: str


@dataclass(frozen=True)
class Access:
    """`access_token` is sent with requests and lasts `expires_s`; `refresh_token` only ever makes the next of them."""

    access_token: str
    expires_s: int
    refresh_token: str = ""


def start_login(*, client_name: str) -> Started:
    """Begin a login from a terminal; nothing is allowed by it until a person confirms the code.

    Raises InvalidValue for an empty or long name, TooMany.
    """
    name = " ".join(client_name.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidValue(_("Name the client in 1–%s characters.") % LONGEST_NAME, field="client_name")
    device_code = new_secret("studio_device")
    return Started(device_code, pending.start(device_code, name).user_code)


def waiting_login(actor: Actor, *, user_code: str) -> Pending:
    """Show the login behind a code. Raises NotFound, and TooMany for one who guesses."""
    person_only(actor)
    key = f"login-tries:{actor.user_id}"
    cache.add(key, 0, 60)
    if cache.incr(key) > TRIES_A_MINUTE:
        raise TooMany(_("Too many tries. Wait a minute."))
    return pending.by_user_code(user_code)


def decide_login(actor: Actor, *, user_code: str, is_confirmed: bool) -> Pending:
    """Let the terminal that shows the code act as the actor, or refuse it. Raises NotFound, Denied, TooMany."""
    found = waiting_login(actor, user_code=user_code)
    pending.decide(found, user_id=actor.user_id if is_confirmed else None)
    action = "workspaces.confirm_login" if is_confirmed else "workspaces.refuse_login"
    audit.record(actor, action, target=found.client_name)
    return found


def person_only(actor: Actor) -> None:
    if actor.user_id is None or actor.by != "session":
        raise Denied(_("A login is confirmed by a person in a browser."))


def finish_login(*, device_code: str) -> Access | None:
    """Give the terminal its tokens, once; None while nobody has decided.

    Raises Denied when it was refused or the code has expired.
    """
    found = pending.by_device_code(device_code)
    if found is not None and found.user_id is None and not found.is_refused:
        return None
    if found is None or found.is_refused or not pending.take(found):
        raise Denied(_("The login was refused or has expired. Start it again."))
    with transaction.atomic():
        login, secret = make_token(
            kind=Token.Kind.LOGIN, name=found.client_name, lifetime_ms=LOGIN_DAYS * DAY_MS, user_id=found.user_id
        )
        return access_for(login, secret)


def refresh_access(*, refresh_token: str) -> Access:
    """Make the next short-lived token of a login. Raises Unauthenticated for one that ended."""
    rows = Token.objects.filter(kind=Token.Kind.LOGIN, digest=digest(refresh_token), revoked_ms=None)
    login = rows.filter(expires_ms__gt=now_ms(), user__is_active=True).first()
    if login is None:
        raise Unauthenticated(_("This login has ended. Run “studio login” again."))
    with transaction.atomic():
        rows.filter(pk=login.pk).update(used_ms=now_ms())
        Token.objects.filter(login=login, expires_ms__lt=now_ms()).delete()
        return access_for(login, "")


def access_for(login: Token, refresh_token: str) -> Access:
    lifetime_s: int = settings.ACCESS_TOKEN_SECONDS
    _token, secret = make_token(
        kind=Token.Kind.USER,
        name=login.name,
        login=login,
        user_id=login.user_id,
        lifetime_ms=lifetime_s * 1000,
    )
    return Access(secret, lifetime_s, refresh_token)
