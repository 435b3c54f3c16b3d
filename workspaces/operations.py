"""Every change to groups, workspaces, tokens and sign-in."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from lib.clock import now_ms
from lib.errors import AlreadyExists, Denied, InvalidValue, NotFound
from lib.ids import new_secret
from workspaces import audit, signals
from workspaces.access import Actor, operation
from workspaces.authentication import digest
from workspaces.models import LifeState, Membership, ResourceGroup, Role, SignInLink, Token, User, Workspace

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
SIGN_IN_LINK_MS = 24 * 3600 * 1000
DAY_MS = 24 * 3600 * 1000

# ---- Resource groups and workspaces ---------------------------------------------------------------------------------


def checked_name(name: str, *, longest: int) -> str:
    if not NAME.fullmatch(name) or len(name) > longest:
        raise InvalidValue(
            _("“%(name)s” cannot be a name: use 1–%(longest)s letters, digits, “-”, “_”, “.”, first a letter or digit.")
            % {"name": name[:100], "longest": longest},
            field="name",
        )
    return name


def create_group(actor: Actor, *, name: str, subscription_id: str = "", location: str = "local") -> ResourceGroup:
    """Create a resource group with no workspaces, in the studio's own subscription unless another is named.

    Raises Denied for all but the studio's admins, InvalidValue for a bad name, AlreadyExists when it is taken.
    """
    if not actor.may_studio("groups.write"):
        raise Denied(_("Only an admin of the studio may create a resource group."))
    checked_name(name, longest=90)
    with transaction.atomic():
        if ResourceGroup.objects.filter(name=name).exists():
            raise AlreadyExists(_("The resource group “%s” exists already.") % name, field="name")
        subscription = subscription_id or own_subscription()
        group = ResourceGroup.objects.create(name=name, subscription_id=subscription, location=location)
        audit.record(actor, "workspaces.create_group", where=group, target=name)
    return group


def own_subscription() -> str:
    """Give the id that the studio's groups share; clients of the original system name it in their config."""
    first = ResourceGroup.objects.order_by("pk").first()
    return first.subscription_id if first else str(uuid.uuid4())


@operation("groups.write")
def create_workspace(actor: Actor, group: ResourceGroup, *, name: str, description: str = "") -> Workspace:
    """Create a workspace, whose first owner is the actor.

    Raises InvalidValue for a bad name, AlreadyExists when any workspace of the studio has it, and
    InvalidValue for a group that is being deleted.
    """
    checked_name(name, longest=63)
    if group.state != LifeState.ACTIVE:
        raise InvalidValue(_("The resource group “%s” is being deleted.") % group.name)
    try:
        with transaction.atomic():
            workspace = Workspace.objects.create(group=group, name=name, description=description)
    except IntegrityError:
        raise AlreadyExists(_("The name “%s” is taken by another workspace.") % name, field="name") from None
    if actor.user_id is not None:
        Membership.objects.create(user_id=actor.user_id, workspace=workspace, role=Role.OWNER)
    signals.workspace_created.send(sender=Workspace, workspace=workspace)
    return workspace


@operation("groups.write")
def delete_group(actor: Actor, group: ResourceGroup, *, confirm: str) -> None:
    """Delete a resource group and everything in it; it disappears for all at once, its rows and files soon after.

    Raises InvalidValue unless `confirm` is exactly the group's name.
    """
    from workspaces.tasks import delete_group as task  # tasks import deletion, which knows every app above

    if confirm != group.name:
        raise InvalidValue(_("Type the name of the resource group exactly: %s") % group.name, field="confirm")
    ResourceGroup.objects.filter(pk=group.pk).update(state=LifeState.DELETING)
    Workspace.objects.filter(group=group).update(state=LifeState.DELETING)
    Token.objects.filter(workspace__group=group, revoked_ms=None).update(revoked_ms=now_ms())
    transaction.on_commit(lambda: task.delay(group.pk))


# ---- Tokens ---------------------------------------------------------------------------------------------------------


def make_token(
    *,
    kind: str,
    name: str,
    permissions: Iterable[str] | None = None,
    lifetime_ms: int | None = None,
    **whose: Any,
) -> tuple[Token, str]:
    """Store a new token's hash and give the secret, which nobody can read again; `whose`: the row's other fields."""
    secret = new_secret(f"studio_{kind}")
    token = Token.objects.create(
        kind=kind,
        name=name,
        digest=digest(secret),
        hint=secret[-4:],
        permissions=sorted(permissions) if permissions is not None else None,
        expires_ms=now_ms() + lifetime_ms if lifetime_ms is not None else None,
        **whose,
    )
    return token, secret


def create_personal_token(actor: Actor, user: User, *, name: str, days: int | None = None) -> tuple[Token, str]:
    """Make a token that acts as its owner. Raises Denied for another's account, InvalidValue for a bad name or term."""
    if actor.user_id != user.pk or actor.kind != "user":
        raise Denied(_("A personal token can only be made by its owner."))
    if not name.strip() or len(name) > 100:
        raise InvalidValue(_("Give the token a name of 1–100 characters, so that you know it again."), field="name")
    if days is not None and not 1 <= days <= 3650:
        raise InvalidValue(_("A token lasts 1–3650 days."), field="days")
    with transaction.atomic():
        token, secret = make_token(
            kind=Token.Kind.USER, name=name.strip(), user=user, lifetime_ms=days * DAY_MS if days else None
        )
        audit.record(actor, "workspaces.create_personal_token", target=name)
    return token, secret


def revoke_token(actor: Actor, *, token_id: int) -> None:
    """End one of the actor's own tokens or logins, with what a login made. Raises NotFound for any other."""
    own = Token.objects.filter(pk=token_id, kind__in=[Token.Kind.USER, Token.Kind.LOGIN], revoked_ms=None)
    if actor.user_id is None or not own.filter(user_id=actor.user_id).update(revoked_ms=now_ms()):
        raise NotFound(_("There is no such token."))
    Token.objects.filter(login_id=token_id, revoked_ms=None).update(revoked_ms=now_ms())
    audit.record(actor, "workspaces.revoke_token", target=str(token_id))


def revoke_tokens_of(*, kind: str, subject: str) -> None:
    """End every token that stands for one job or node."""
    Token.objects.filter(kind=kind, subject=subject, revoked_ms=None).update(revoked_ms=now_ms())


# ---- Signing in -----------------------------------------------------------------------------------------------------


def make_sign_in_link(user: User, *, lifetime_ms: int = SIGN_IN_LINK_MS) -> str:
    """Give the secret of a link that signs the user in once; links made before end now."""
    secret = new_secret("link")
    with transaction.atomic():
        SignInLink.objects.filter(user=user, used_ms=None).delete()
        SignInLink.objects.create(user=user, digest=digest(secret), expires_ms=now_ms() + lifetime_ms)
    return secret


def use_sign_in_link(secret: str) -> User:
    """Give the user whom the link signs in. Raises Denied when it was used, has expired or never was."""
    now = now_ms()
    rows = SignInLink.objects.filter(digest=digest(secret), used_ms=None, expires_ms__gt=now, user__is_active=True)
    link = rows.select_related("user").first()
    # Of two clicks at once one wins: the update's condition decides, not the read.
    if link is None or not rows.filter(pk=link.pk).update(used_ms=now):
        raise Denied(
            _("This sign-in link was used or has expired. Print a new one with: .venv/bin/python manage.py signin_link")
        )
    return link.user


def set_password(actor: Actor, user: User, *, password: str) -> None:
    """Set the actor's own password. Raises InvalidValue that says what is wrong with it."""
    if actor.user_id != user.pk:
        raise Denied(_("A password can only be set by its owner."))
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise InvalidValue(" ".join(error.messages), field="password") from None
    user.set_password(password)
    user.save(update_fields=["password"])
    audit.record(actor, "workspaces.set_password", target=user.username)


# ---- The first start ------------------------------------------------------------------------------------------------


def bootstrap(*, subscription_id: str) -> tuple[User, Workspace | None]:
    """Make the first admin, and on an empty studio the first group and workspace; safe to repeat.

    A studio whose last group was deleted on purpose stays without one: the admin makes the next by hand.
    """
    admin, is_new = User.objects.get_or_create(
        username="admin", defaults={"is_superuser": True, "is_staff": True, "first_name": "Admin"}
    )
    if is_new:
        admin.set_unusable_password()
        admin.save(update_fields=["password"])
        system = Actor.system()
        group = create_group(system, name="studio", subscription_id=subscription_id)
        workspace = create_workspace(system, group, name="main")
        Membership.objects.create(user=admin, workspace=workspace, role=Role.OWNER)
        User.objects.filter(pk=admin.pk).update(default_workspace=workspace)
        admin.default_workspace = workspace
    return admin, admin.default_workspace or Workspace.objects.filter(state=LifeState.ACTIVE).first()


def replace_token(*, kind: str, name: str, **fields: Any) -> str:
    """Make a token of this name anew and end the one before: for `client.env` and the embedded node."""
    with transaction.atomic():
        Token.objects.filter(kind=kind, name=name, revoked_ms=None).update(revoked_ms=now_ms())
        _token, secret = make_token(kind=kind, name=name, **fields)
    return secret
