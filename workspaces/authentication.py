"""Who asks: from a bearer token, basic auth, or the login cookie."""

from __future__ import annotations

import base64
import binascii
import hashlib

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext as _

from lib import logs
from lib.clock import now_ms
from lib.errors import Unauthenticated
from lib.recent import Recent
from workspaces.access import Actor
from workspaces.models import Token, User

USED_EVERY_MS = 60_000
RECENT: Recent[Actor] = Recent()


def actor_of(request: HttpRequest) -> Actor:
    """Make the actor of a request; an Authorization header that is wrong is never anonymous.

    Raises Unauthenticated, with the same words whatever is wrong with the credential.
    """
    header = request.headers.get("Authorization")
    actor = actor_by_token(secret_in(header)) if header is not None else actor_by_session(request)
    logs.actor_name.set(actor.name)
    return actor


def secret_in(header: str) -> str:
    scheme, _space, value = header.partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return value.strip()
    if scheme.lower() == "basic":
        return password_in(value)
    raise refused()


def password_in(value: str) -> str:
    """Take a token sent as the password of basic auth, as clients that know only user and password do."""
    try:
        _user, _colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise refused() from None
    return password


def refused() -> Unauthenticated:
    return Unauthenticated(_("The credential is not valid. Make a token on your account page and send it as a bearer."))


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def actor_by_token(secret: str) -> Actor:
    """Give the actor of a token, at most STUDIO_CREDENTIALS_SECONDS old: so long a revoked one may still be taken."""
    key = digest(secret)
    return RECENT.get(key, lambda: ask_by_token(key), seconds=settings.CREDENTIALS_SECONDS)


def ask_by_token(key: str) -> Actor:
    now = now_ms()
    alive = Q(revoked_ms=None) & (Q(expires_ms=None) | Q(expires_ms__gt=now))
    token = Token.objects.filter(alive, digest=key).exclude(kind=Token.Kind.LOGIN).select_related("user").first()
    if token is None or (token.user is not None and not token.user.is_active):
        raise refused()
    if token.used_ms is None or token.used_ms < now - USED_EVERY_MS:
        Token.objects.filter(pk=token.pk).update(used_ms=now)
    return actor_for(token)


def actor_for(token: Token) -> Actor:
    permissions = None if token.permissions is None else frozenset(token.permissions)
    user = token.user
    if token.kind == Token.Kind.USER:
        assert user is not None
        return Actor(
            kind="user", name=user.username, by="token", user_id=user.pk, is_admin=user.is_superuser,
            only_workspace=token.workspace_id, only_permissions=permissions,
            default_workspace_id=user.default_workspace_id,
        )  # fmt: skip
    return Actor(
        kind="job" if token.kind == Token.Kind.JOB else "node",
        name=f"{token.kind}:{token.name}" + (f" ({user.username})" if user else ""),
        by="token",
        user_id=None,
        only_workspace=token.workspace_id,
        only_permissions=permissions,
        subject=token.subject,
        default_workspace_id=token.workspace_id,
    )


def actor_by_session(request: HttpRequest) -> Actor:
    user = request.user  # lazy: the session is read here, and only for requests without an Authorization header
    if not (user.is_authenticated and user.is_active):
        return Actor.anonymous()
    return actor_of_user(user, by_session=True)


def actor_of_user(user: User, *, by_session: bool = False) -> Actor:
    """Make the actor for a person, as pages and tests need it."""
    return Actor(
        kind="user", name=user.username, by="session" if by_session else "token", user_id=user.pk,
        is_admin=user.is_superuser, default_workspace_id=user.default_workspace_id,
    )  # fmt: skip
