"""May they? The one place that answers.

One table says what a role may do; three doors lead to it: `operation` (every change), `visible_to` (every list) and
`fetch` (one object, or NotFound, so that a stranger cannot learn that it exists). What a *route* needs is declared on
its view with `needs`, `signed_in`, `admin`, `node` or `open_route`, and enforced by
`workspaces.middleware.WallsMiddleware`; a view without a declaration is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, wraps
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar, cast

from django.core.exceptions import ObjectDoesNotExist
from django.db import models, transaction
from django.utils.translation import gettext as _

from lib.errors import Denied, NotFound
from workspaces.models import LifeState, Membership, ResourceGroup, Role, Workspace

READS = {
    "workspace.read", "experiments.read", "registry.read", "compute.read", "jobs.read", "deployments.read",
}  # fmt: skip
WRITES = {"experiments.write", "registry.write", "compute.write", "jobs.write", "deployments.write", "keys.read"}
# Owners alone delete for good; what contributors delete waits in the trash.
OWNS = {"workspace.write", "members.write", "experiments.purge"}

# A group stands above its workspaces: only the studio's admins touch it (see Actor.may_studio).
STUDIO = {"groups.read", "groups.write"}

PERMISSIONS: Mapping[str, frozenset[str]] = {
    Role.READER: frozenset(READS),
    Role.CONTRIBUTOR: frozenset(READS | WRITES),
    Role.OWNER: frozenset(READS | WRITES | OWNS),
}

# What a job may do with its own token: log, register, read; nothing about endpoints, keys, members or other jobs.
JOB_PERMISSIONS = frozenset({"experiments.read", "experiments.write", "registry.read", "registry.write"})


@dataclass(frozen=True)
class Actor:
    """Whoever acts: made once a request, or `Actor.system()` in a task."""

    kind: Literal["anonymous", "user", "job", "node", "system"]
    name: str
    by: Literal["nothing", "session", "token"] = "nothing"
    user_id: int | None = None
    is_admin: bool = False
    only_workspace: int | None = None
    only_permissions: frozenset[str] | None = None
    subject: str = ""
    default_workspace_id: int | None = field(default=None, compare=False)

    @classmethod
    def anonymous(cls) -> Actor:
        return cls(kind="anonymous", name="anonymous")

    @classmethod
    def system(cls) -> Actor:
        return cls(kind="system", name="system", is_admin=True)

    @property
    def is_known(self) -> bool:
        return self.kind != "anonymous"

    @cached_property
    def roles(self) -> Mapping[int, str]:
        """Workspace id → role; asked of the database once."""
        if self.user_id is None:
            return {}
        rows = Membership.objects.filter(user_id=self.user_id, workspace__state=LifeState.ACTIVE)
        return dict(rows.values_list("workspace_id", "role"))

    @cached_property
    def met(self) -> dict[str, Workspace]:
        """Workspaces in which this actor has been, by the name in the address ("" for none): it lives as long."""
        return {}

    def may(self, permission: str, workspace: Workspace) -> bool:
        if self.kind == "system":
            return True
        if workspace.state != LifeState.ACTIVE:
            return False
        return self.may_in(permission, workspace.pk)

    def may_in(self, permission: str, workspace_id: int) -> bool:
        if self.only_workspace is not None and self.only_workspace != workspace_id:
            return False
        if self.only_permissions is not None and permission not in self.only_permissions:
            return False
        if self.kind == "job":
            return permission in JOB_PERMISSIONS
        if self.is_admin:
            return permission in PERMISSIONS[Role.OWNER]
        return permission in PERMISSIONS.get(self.roles.get(workspace_id, ""), ())

    def may_studio(self, permission: str) -> bool:
        """Say whether the actor may do what is above any workspace."""
        return self.kind == "system" or (self.is_admin and permission in STUDIO and self.only_permissions is None)

    def limit(self, rows: Any, permission: str, path: str) -> Any:
        """Keep the rows whose workspace (reached by `path`) this actor may read."""
        if self.kind == "system":
            return rows
        rows = rows.filter(**{f"{path}__state": LifeState.ACTIVE})
        if self.only_permissions is not None and permission not in self.only_permissions:
            return rows.none()
        if self.only_workspace is not None:
            rows = rows.filter(**{path: self.only_workspace})
        if self.kind == "job":
            return rows if permission in JOB_PERMISSIONS else rows.none()
        if self.is_admin:
            return rows
        readable = [pk for pk, role in self.roles.items() if permission in PERMISSIONS[role]]
        return rows.filter(**{f"{path}__in": readable})


def require(actor: Actor, permission: str, target: Any) -> None:
    """Raise NotFound when the actor may not even see the target's workspace, Denied when it may not do this there."""
    if isinstance(target, ResourceGroup):
        if not actor.may_studio(permission):
            raise Denied(_("Only an admin of the studio may do this."))
        return
    workspace = target.workspace
    if actor.may(permission, workspace):
        return
    if any(actor.may(read, workspace) for read in READS):
        raise Denied(_("Your role in the workspace %(workspace)s does not allow this.") % {"workspace": workspace.name})
    raise NotFound(_("There is no such thing here, or it is not yours to see."))


Row = TypeVar("Row", bound=models.Model)


def fetch(actor: Actor, rows: models.QuerySet[Row], **lookup: Any) -> Row:
    """Give the one row that the actor may see, or raise NotFound with the same words for absent and hidden."""
    try:
        return rows.visible_to(actor).get(**lookup)  # type: ignore[attr-defined, no-any-return]
    except ObjectDoesNotExist:
        name = str(rows.model._meta.verbose_name).capitalize()
        wanted = ", ".join(str(value) for value in lookup.values())[:200]
        raise NotFound(_("%(kind)s “%(name)s” does not exist.") % {"kind": name, "name": wanted}) from None


def visible_workspaces(actor: Actor) -> models.QuerySet[Workspace]:
    """List the workspaces in which the actor has any role."""
    rows = Workspace.objects.filter(state=LifeState.ACTIVE).select_related("group").order_by("name")
    if actor.only_workspace is not None:
        rows = rows.filter(pk=actor.only_workspace)
    if actor.kind in ("system", "job") or actor.is_admin:
        return rows if actor.kind != "job" or actor.only_workspace else rows.none()
    return rows.filter(pk__in=list(actor.roles))


# ---- Operations -----------------------------------------------------------------------------------------------------

P = ParamSpec("P")
T = TypeVar("T")
Operation = Callable[Concatenate[Actor, Any, P], T]

OPERATIONS: dict[str, Callable[..., Any]] = {}


def operation(
    permission: str, *, audit: bool = True, is_one_statement: bool = False
) -> Callable[[Operation[P, T]], Operation[P, T]]:
    """Make a function the one way to change something.

    It asks `require(actor, permission, target)`, runs in a transaction, and leaves an audit row unless `audit=False`
    (for high-volume logging). `is_one_statement` leaves the transaction to the database. The function is
    `fn(actor, target, *, keywords)`.
    """

    def decorate(function: Operation[P, T]) -> Operation[P, T]:
        app = function.__module__.split(".")[0]
        name = f"{app}.{function.__name__}"

        @wraps(function)
        def call(actor: Actor, target: Any, *args: P.args, **keywords: P.kwargs) -> T:
            require(actor, permission, target)
            if is_one_statement and not audit:
                return function(actor, target, *args, **keywords)
            with transaction.atomic():
                if not audit:
                    return function(actor, target, *args, **keywords)
                from workspaces.audit import record  # the log imports models of this app only; kept out of the hot path

                where = target if isinstance(target, ResourceGroup) else target.workspace
                subject = str(target)
                result = function(actor, target, *args, **keywords)
                record(actor, name, where=where, target=subject, details=keywords)
                return result

        call.permission = permission  # type: ignore[attr-defined]
        call.audited = audit  # type: ignore[attr-defined]
        OPERATIONS[name] = call
        return cast("Operation[P, T]", call)

    return decorate


# ---- What a route needs ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RouteAccess:
    """What a view declares: `kind`, and for `needs` the permission by HTTP method ("*" for any)."""

    kind: Literal["open", "signed_in", "admin", "node", "needs"]
    permissions: Mapping[str, str] = field(default_factory=dict)

    def permission(self, method: str) -> str | None:
        method = "GET" if method in ("HEAD", "OPTIONS") and "*" not in self.permissions else method
        return self.permissions.get(method) or self.permissions.get("*")


View = TypeVar("View", bound=Callable[..., Any])


def _declare(view: View, access: RouteAccess) -> View:
    view.access = access  # type: ignore[attr-defined]
    return view


def open_route(view: View) -> View:
    """Let everybody in: the sign-in page, health, the errors."""
    return _declare(view, RouteAccess("open"))


def signed_in(view: View) -> View:
    """Let in whoever is known, whatever the workspace: the account's pages."""
    return _declare(view, RouteAccess("signed_in"))


def admin(view: View) -> View:
    return _declare(view, RouteAccess("admin"))


def node(view: View) -> View:
    """Let in compute nodes, by their token."""
    return _declare(view, RouteAccess("node"))


def needs(permission: str | None = None, /, **by_method: str) -> Callable[[View], View]:
    """Let in who has the permission in the request's workspace: `needs("jobs.read")`, `needs(GET="…", POST="…")`."""
    permissions = {"*": permission} if permission else by_method

    def decorate(view: View) -> View:
        return _declare(view, RouteAccess("needs", permissions))

    return decorate
