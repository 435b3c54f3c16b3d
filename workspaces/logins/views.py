"""The page on which a person confirms the code that a terminal shows."""

from __future__ import annotations

from django.contrib import messages
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from lib.errors import StudioError
from workspaces import access
from workspaces.logins import operations
from workspaces.request import Request


@access.signed_in
@require_http_methods(["GET", "POST"])
def confirm(request: Request) -> HttpResponseBase:
    if request.method == "POST" and "decision" in request.POST:
        return decide(request)
    code = (request.POST.get("code") or request.GET.get("code", ""))[:20]
    context: dict[str, object] = {"code": code}
    status = 200
    if code:
        try:
            context["login"] = operations.waiting_login(request.actor, user_code=code)
        except StudioError as error:
            context["error"], status = error.message, 422
    return render(request, "workspaces/login_confirm.html", context, status=status)


def decide(request: Request) -> HttpResponseBase:
    code, is_confirmed = request.POST.get("code", "")[:20], request.POST["decision"] == "confirm"
    try:
        found = operations.decide_login(request.actor, user_code=code, is_confirmed=is_confirmed)
    except StudioError as error:
        return render(request, "workspaces/login_confirm.html", {"code": "", "error": error.message}, status=422)
    said = _("“%s” is signed in. Go back to the terminal.") if is_confirmed else _("“%s” was refused.")
    messages.success(request, said % found.client_name)
    return redirect("workspaces:account")
