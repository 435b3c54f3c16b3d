"""Every read beyond a single lookup."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from lib.errors import Denied, NotFound
from workspaces import deletion
from workspaces.access import Actor
from workspaces.models import ResourceGroup, Token, User, Workspace


@dataclass(frozen=True)
class GroupContents:
    """What a resource group holds: a workspace and the counts of what would go with it."""

    workspace: Workspace
    counts: list[deletion.Count]


def groups(actor: Actor) -> QuerySet[ResourceGroup]:
    """List all groups, those being deleted too. Raises Denied for all but the studio's admins."""
    if not actor.may_studio("groups.read"):
        raise Denied(_("Only an admin of the studio sees resource groups."))
    return ResourceGroup.objects.order_by("name").prefetch_related("workspaces")


def group(actor: Actor, name: str) -> ResourceGroup:
    found = groups(actor).filter(name=name).first()
    if found is None:
        raise NotFound(_("Resource group “%s” does not exist.") % name)
    return found


def workspace_in(group: ResourceGroup, name: str) -> Workspace:
    found = group.workspaces.filter(name=name).first()
    if found is None:
        raise NotFound(_("Workspace “%s” does not exist in this resource group.") % name)
    return found


def group_contents(group: ResourceGroup) -> list[GroupContents]:
    return [GroupContents(workspace, deletion.count(workspace)) for workspace in group.workspaces.all()]


def personal_tokens(actor: Actor) -> QuerySet[Token]:
    """List the tokens that the actor made, and the terminals signed in; not what those make for an hour."""
    if actor.user_id is None:
        return Token.objects.none()
    own = Token.objects.filter(user_id=actor.user_id, revoked_ms=None, login=None)
    return own.filter(kind__in=[Token.Kind.USER, Token.Kind.LOGIN]).order_by("-created_ms")


def person(actor: Actor) -> User:
    """Give the user behind the actor. Raises Denied for a job's or node's token, which has no account."""
    user = User.objects.filter(pk=actor.user_id).first() if actor.user_id else None
    if user is None:
        raise Denied(_("Only a person has an account."))
    return user
