"""Who asks, and whether the route lets them in. Every request passes here; the default is no."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.db import InterfaceError, OperationalError
from django.db.models.base import ModelState
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.urls import reverse
from django.utils.translation import gettext as _

from lib import answers
from lib.errors import Denied, NotFound, StudioError, Unauthenticated
from lib.http import wants_page
from workspaces import access, authentication
from workspaces.models import Workspace

Handler = Callable[[HttpRequest], HttpResponseBase]

# Django turns what a middleware raises into a bare 500 before any other middleware sees it, so each answers for itself.
FORESEEN = (StudioError, OperationalError, InterfaceError)


class ActorMiddleware:
    """Make `request.actor` from a bearer token, basic auth or the login cookie, once."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            request.actor = authentication.actor_of(request)  # type: ignore[attr-defined]
        except FORESEEN as error:
            request.actor = access.Actor.anonymous()  # type: ignore[attr-defined]
            return answers.answer(request, error)
        return self.get_response(request)


class CsrfUnlessTokenMiddleware(CsrfViewMiddleware):
    """Ask every write that comes by cookie for its CSRF token, the API's too; a bearer token is proof enough."""

    def process_view(self, request: HttpRequest, callback: Any, args: Any, kwargs: Any) -> Any:
        if request.actor.by != "session" and is_api(callback):  # type: ignore[attr-defined]
            return None
        return super().process_view(request, checked, args, kwargs)


def checked(request: HttpRequest) -> HttpResponseBase:
    """Stand for a view that is not exempt: DRF marks all of its views exempt, which a cookie must not profit from."""
    raise AssertionError("only its attributes are looked at")


def is_api(callback: Any) -> bool:
    return bool(getattr(callback, "csrf_exempt", False))


class WallsMiddleware:
    """Enforce what the view declares (see `workspaces.access`) in the request's workspace."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.workspace = None  # type: ignore[attr-defined]
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: tuple[Any, ...], keywords: dict[str, Any]
    ) -> HttpResponseBase | None:
        declared: access.RouteAccess | None = getattr(view, "access", None)
        keywords.pop("protocol", None)
        claimed = {word: keywords.pop(word) for word in ("subscription", "resource_group") if word in keywords}
        try:
            answered = self.check(request, declared, keywords.pop("workspace", None))
            check_group(request, **claimed)
            return answered
        except FORESEEN as error:
            return answers.answer(request, error)

    def check(
        self, request: HttpRequest, declared: access.RouteAccess | None, name: str | None
    ) -> HttpResponseBase | None:
        if declared is None:
            raise Denied(_("This address is not open to anyone."))
        if declared.kind == "open":
            return None
        actor: access.Actor = request.actor  # type: ignore[attr-defined]
        if not actor.is_known:
            return ask_to_sign_in(request)
        self.enforce(request, actor, declared, name)
        return None

    def enforce(
        self, request: HttpRequest, actor: access.Actor, declared: access.RouteAccess, name: str | None
    ) -> None:
        if declared.kind == "node":
            if actor.kind != "node":
                raise NotFound(_("There is nothing at this address."))
            return
        if actor.kind == "node":
            raise Denied(_("A compute node's token does not open this address."))
        if declared.kind == "admin" and not actor.is_admin:
            raise NotFound(_("There is nothing at this address."))
        if declared.kind == "needs":
            self.enforce_permission(request, actor, declared, name)
        else:
            request.workspace = find_workspace(request, actor, name, required=bool(name))  # type: ignore[attr-defined]

    def enforce_permission(
        self, request: HttpRequest, actor: access.Actor, declared: access.RouteAccess, name: str | None
    ) -> None:
        workspace = find_workspace(request, actor, name, required=True)
        assert workspace is not None
        permission = declared.permission(request.method or "GET")
        if permission is not None:  # a method that the view does not know is its own 405
            access.require(actor, permission, workspace)
        request.workspace = workspace  # type: ignore[attr-defined]


def check_group(request: HttpRequest, *, subscription: str = "", resource_group: str = "") -> None:
    """Refuse an `azureml` address that names the workspace in another group than its own."""
    workspace: Workspace | None = request.workspace  # type: ignore[attr-defined]
    if workspace is None or not resource_group:
        return
    group = workspace.group
    if (group.subscription_id.lower(), group.name.lower()) != (subscription.lower(), resource_group.lower()):
        raise NotFound(
            _("Workspace “%(name)s” is not in the resource group “%(group)s” of this subscription.")
            % {"name": workspace.name, "group": resource_group[:100]}
        )


def find_workspace(request: HttpRequest, actor: access.Actor, name: str | None, *, required: bool) -> Workspace | None:
    """Take the workspace of the address, else of the header, else the actor's default, else its first."""
    name = name or request.headers.get("X-MLFLOW-WORKSPACE") or ""
    if (met := actor.met.get(name)) is not None:
        return twin(met)  # a view may change its own
    found = ask_for_workspace(actor, name, required=required)
    if found is not None:
        actor.met[name] = twin(found)
    return found


def twin(row: Workspace) -> Workspace:
    """Copy a row as `copy.copy` does, which goes by way of pickling: five times as long, at every request."""
    made = Workspace.__new__(Workspace)
    made.__dict__.update(row.__dict__)
    made._state = ModelState()
    made._state.__dict__.update(row._state.__dict__, fields_cache=dict(row._state.fields_cache))
    return made


def ask_for_workspace(actor: access.Actor, name: str, *, required: bool) -> Workspace | None:
    rows = access.visible_workspaces(actor)
    if name:
        found = rows.filter(name=name).first()
        if found is None and required:
            raise NotFound(_("Workspace “%(name)s” does not exist.") % {"name": name[:100]})
        return found
    found = rows.filter(pk=actor.default_workspace_id).first() if actor.default_workspace_id else None
    found = found or rows.first()
    if found is None and required:
        raise NotFound(_("You are not a member of any workspace."))
    return found


def ask_to_sign_in(request: HttpRequest) -> HttpResponseBase:
    if wants_page(request) and request.method in ("GET", "HEAD"):
        query = urlencode({"next": request.get_full_path()})
        return HttpResponseRedirect(f"{reverse('workspaces:sign-in')}?{query}")
    raise Unauthenticated(_("Say who you are: send a token of the studio as “Authorization: Bearer …”."))
