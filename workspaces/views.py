"""Pages: signing in, the account, resource groups."""

from __future__ import annotations

from django.contrib.auth import authenticate, login, logout
from django.core.cache import cache
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from lib.errors import Denied, StudioError, TooMany
from workspaces import access, forms, operations, queries, quotas
from workspaces.models import User
from workspaces.request import Request

BACKEND = "django.contrib.auth.backends.ModelBackend"
TRIES_A_MINUTE = 10


def next_url(request: Request) -> str:
    """Give the local address to go on to; anything that leaves the studio becomes the home page."""
    wanted = request.POST.get("next") or request.GET.get("next") or "/"
    safe = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None, require_https=request.is_secure())
    return wanted if safe else "/"


@access.open_route
def sign_in(request: Request) -> HttpResponseBase:
    if request.method != "POST":
        return render(request, "workspaces/sign_in.html", {"form": forms.SignInForm(), "next": next_url(request)})
    form = forms.SignInForm(request.POST)
    try:
        if form.is_valid():
            login(request, check_password(request, **form.cleaned_data), backend=BACKEND)
            return redirect(next_url(request))
    except StudioError as error:
        form.add_error(None, error.message)
    return render(request, "workspaces/sign_in.html", {"form": form, "next": next_url(request)}, status=422)


def check_password(request: Request, *, username: str, password: str) -> User:
    """Give the user, with the same answer and the same work for a wrong name and a wrong password."""
    key = f"sign-in:{username.lower()[:150]}"
    cache.add(key, 0, 60)
    if cache.incr(key) > TRIES_A_MINUTE:
        raise TooMany(_("Too many tries. Wait a minute."))
    user = authenticate(request, username=username, password=password)
    if user is None:
        raise Denied(_("User name or password is wrong."))
    assert isinstance(user, User)
    return user


@access.open_route
@require_GET
def use_link(request: Request, secret: str) -> HttpResponseBase:
    login(request, operations.use_sign_in_link(secret), backend=BACKEND)
    return redirect("/")


@access.signed_in
@require_POST
def sign_out(request: Request) -> HttpResponseBase:
    logout(request)
    return redirect("workspaces:sign-in")


@access.signed_in
@require_GET
def switcher(request: Request) -> HttpResponse:
    """Answer the navigation's menu, which asks when it opens."""
    return render(request, "workspaces/_switcher.html", {"workspaces": access.visible_workspaces(request.actor)})


@access.signed_in
@require_GET
def account(request: Request) -> HttpResponse:
    return account_page(request)


def account_page(request: Request, *, secret: str = "", status: int = 200, **bound: object) -> HttpResponse:
    context = {
        "tokens": queries.personal_tokens(request.actor),
        "token_form": forms.TokenForm(),
        "password_form": forms.PasswordForm(),
        "secret": secret,
        **bound,
    }
    return render(request, "workspaces/account.html", context, status=status)


@access.signed_in
@require_POST
def token_create(request: Request) -> HttpResponse:
    form = forms.TokenForm(request.POST)
    try:
        if form.is_valid():
            user = queries.person(request.actor)
            _token, secret = operations.create_personal_token(request.actor, user, **form.cleaned_data)
            return account_page(request, secret=secret)
    except StudioError as error:
        form.add_error(error.field, error.message)
    return account_page(request, status=422, token_form=form)


@access.signed_in
@require_POST
def token_revoke(request: Request, token_id: int) -> HttpResponseBase:
    operations.revoke_token(request.actor, token_id=token_id)
    return redirect("workspaces:account")


@access.signed_in
@require_POST
def password(request: Request) -> HttpResponseBase:
    form = forms.PasswordForm(request.POST)
    try:
        if form.is_valid():
            user = queries.person(request.actor)
            operations.set_password(request.actor, user, **form.cleaned_data)
            login(request, user, backend=BACKEND)  # the password's change ended the session
            return redirect("workspaces:account")
    except StudioError as error:
        form.add_error(error.field, error.message)
    return account_page(request, status=422, password_form=form)


@access.admin
@require_GET
def group_list(request: Request) -> HttpResponse:
    groups = queries.groups(request.actor)
    return render(request, "workspaces/group_list.html", {"groups": groups, "form": forms.NameForm()})


@access.admin
@require_POST
def group_create(request: Request) -> HttpResponseBase:
    form = forms.NameForm(request.POST)
    try:
        if form.is_valid():
            group = operations.create_group(request.actor, **form.cleaned_data)
            return redirect("workspaces:group-detail", group.name)
    except StudioError as error:
        form.add_error(error.field, error.message)
    groups = queries.groups(request.actor)
    return render(request, "workspaces/group_list.html", {"groups": groups, "form": form}, status=422)


@access.admin
@require_GET
def group_detail(request: Request, name: str) -> HttpResponse:
    group = queries.group(request.actor, name)
    context = {"group": group, "contents": queries.group_contents(group), "form": forms.NameForm()}
    return render(request, "workspaces/group_detail.html", context)


@access.admin
@require_POST
def workspace_create(request: Request, name: str) -> HttpResponseBase:
    group = queries.group(request.actor, name)
    form = forms.NameForm(request.POST)
    try:
        if form.is_valid():
            operations.create_workspace(request.actor, group, **form.cleaned_data)
            return redirect("workspaces:group-detail", group.name)
    except StudioError as error:
        form.add_error(error.field, error.message)
    context = {"group": group, "contents": queries.group_contents(group), "form": form}
    return render(request, "workspaces/group_detail.html", context, status=422)


@access.admin
def quota(request: Request, name: str, which: str) -> HttpResponseBase:
    """Show what the endpoints of a workspace may take together, and set it."""
    group = queries.group(request.actor, name)
    workspace = queries.workspace_in(group, which)
    limits = quotas.quota_of(workspace)
    shown = {field: getattr(limits, field) for field in ("cpu_cores", "memory_gb", "replicas")}
    form = forms.QuotaForm(request.POST or None, initial=shown)
    try:
        if request.method == "POST" and form.is_valid():
            quotas.set_quota(request.actor, workspace, **form.cleaned_data)
            return redirect("workspaces:group-detail", group.name)
    except StudioError as error:
        form.add_error(error.field, error.message)
    context = {"group": group, "held": workspace, "form": form}
    return render(request, "workspaces/quota.html", context, status=422 if form.errors else 200)


@access.admin
def group_delete(request: Request, name: str) -> HttpResponseBase:
    group = queries.group(request.actor, name)
    form = forms.ConfirmForm(request.POST or None)
    try:
        if request.method == "POST" and form.is_valid():
            operations.delete_group(request.actor, group, **form.cleaned_data)
            return redirect("workspaces:group-list")
    except StudioError as error:
        form.add_error(error.field, error.message)
    context = {"group": group, "contents": queries.group_contents(group), "form": form}
    return render(
        request, "workspaces/group_confirm_delete.html", context, status=422 if request.method == "POST" else 200
    )
