"""The shape of what endpoint pages send; the rules are in the operations."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from deployments.models import Endpoint

NEW = ""


class EndpointForm(forms.Form):
    """A new endpoint: its name, its size, who may call it."""

    name = forms.CharField(
        label=_("Name"),
        max_length=32,
        required=False,
        help_text=_("Part of the address. 3–32 small letters, digits and “-”."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    cpu_cores = forms.FloatField(
        label=_("CPU cores"), initial=0.5, help_text=_("A share of the machine, not a ceiling.")
    )
    memory_gb = forms.FloatField(label=_("Memory, GB"), initial=1.0, help_text=_("A limit for each replica."))
    auth = forms.ChoiceField(
        label=_("Who may call it"),
        choices=[(Endpoint.Auth.KEY, _("Whoever has a key")), (Endpoint.Auth.NONE, _("Everybody (public)"))],
        initial=Endpoint.Auth.KEY,
    )


class DeployForm(EndpointForm):
    """A model version onto a new endpoint, or as the next revision of one that exists."""

    version = forms.ChoiceField(label=_("Model version"))
    endpoint = forms.ChoiceField(label=_("Endpoint"), required=False)

    def __init__(self, *args: Any, versions: list[tuple[str, str]], endpoints: list[str], **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self.fields["version"].choices = versions  # type: ignore[attr-defined]
        choices = [(NEW, _("A new one")), *((name, name) for name in endpoints)]
        self.fields["endpoint"].choices = choices  # type: ignore[attr-defined]
        if not endpoints:
            self.fields["endpoint"].widget = forms.HiddenInput()


class RunDeployForm(EndpointForm):
    """The model that a run logged: registered and deployed in one step."""

    model = forms.CharField(
        label=_("Model"),
        max_length=256,
        help_text=_("A new name, or an existing one: then this is its next version."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class TrialForm(forms.Form):
    body = forms.CharField(
        label=_("Body"), strip=False, widget=forms.Textarea(attrs={"rows": 16, "spellcheck": "false"})
    )


class ConfirmForm(forms.Form):
    confirm = forms.CharField(max_length=64, strip=False)
