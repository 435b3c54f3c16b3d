"""Page: other credentials for a datastore of an object store, tried before they are kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import messages
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from experiments.data import operations
from experiments.data.drivers import Connection, Secret, driver
from experiments.data.forms import secret_field
from experiments.data.models import Datastore
from experiments.data.store_views import OWN, fetch, folder_url
from lib.errors import NotFound, StudioError
from lib.html import FORM_ERROR, done
from workspaces import access
from workspaces.request import Request


class CredentialsForm(forms.Form):
    """The credentials that a store of this kind takes; `act` says whether they are tried, kept, or taken away."""

    act = forms.ChoiceField(choices=[(one, one) for one in ("test", "replace", "remove")], widget=forms.HiddenInput)

    def __init__(self, *args: Any, kind: str, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self.secrets = [name for way in driver(kind).secrets for name in way]
        for name in self.secrets:
            self.fields[name] = secret_field(name)

    @property
    def secret(self) -> Secret:
        said = self.cleaned_data
        return Secret({name: said[name].strip() for name in self.secrets if said[name].strip()})

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("act") == "replace" and not self.secret:
            raise forms.ValidationError(_("Fill the credentials in: without any the store is read as anybody may."))
        return said


@never_cache
@access.needs(OWN)
@require_http_methods(["GET", "HEAD", "POST"])
def store_credentials(request: Request, name: str) -> HttpResponseBase:
    """Try credentials, put them in the place of those that are kept, or take these away."""
    store = fetch(request, name)
    if not store.is_remote:
        raise NotFound(_("This datastore has no credentials."))
    form = CredentialsForm(request.POST if request.method == "POST" else None, kind=store.kind)
    found = None
    if request.method == "POST" and form.is_valid():
        try:
            if form.cleaned_data["act"] != "test":
                return replaced(request, store, form)
            connection = replace(connection_without(store), secret=form.secret)
            found = operations.check_datastore(request.actor, request.workspace, connection=connection, path=store.path)
        except StudioError as error:
            form.add_error(None, error.message)
    context = {"store": store, "form": form, "found": found}
    status = FORM_ERROR if form.errors else 200
    return render(request, "experiments/data_store_credentials.html", context, status=status)


def connection_without(store: Datastore) -> Connection:
    """Say how the store is reached, without its kept credentials: those that cannot be read any more do not matter."""
    return Connection(store.kind, store.container, store.account, store.endpoint, store.region)


def replaced(request: Request, store: Datastore, form: CredentialsForm) -> HttpResponseBase:
    is_removal = form.cleaned_data["act"] == "remove"
    operations.replace_credentials(request.actor, store, secret=Secret() if is_removal else form.secret)
    messages.success(request, _("The credentials are taken away") if is_removal else _("The credentials are replaced"))
    return done(request, folder_url(request, store))
