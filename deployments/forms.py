"""The shape of what endpoint pages send; the rules are in the operations."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from deployments.models import Deployment, Endpoint, Target

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
        choices=[
            (Endpoint.Auth.KEY, _("Whoever has a key")),
            (Endpoint.Auth.TOKEN, _("Whoever has a token (cluster only)")),
            (Endpoint.Auth.NONE, _("Everybody (public)")),
        ],
        initial=Endpoint.Auth.KEY,
    )


class TargetForm(EndpointForm):
    """Where it runs, and with how many replicas."""

    kind = forms.ChoiceField(
        label=_("Target"),
        choices=[(Target.INSTANCE, _("Instance: one replica")), (Target.CLUSTER, _("Cluster: replicas that scale"))],
        initial=Target.INSTANCE,
        required=False,
    )
    compute_name = forms.ChoiceField(label=_("Inference cluster"), required=False)
    replicas = forms.IntegerField(
        label=_("Replicas"), required=False, min_value=1, max_value=32, help_text=_("Of a cluster; two by default.")
    )

    def clean_kind(self) -> str:
        return self.cleaned_data["kind"] or Target.INSTANCE

    def __init__(self, *args: Any, clusters: list[str], **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        choices = [("", _("This machine")), *((name, name) for name in clusters)]
        self.fields["compute_name"].choices = choices  # type: ignore[attr-defined]
        if not clusters:
            self.fields["compute_name"].widget = forms.HiddenInput()


class ScaleForm(forms.Form):
    """How many replicas, and who decides that."""

    is_autoscaled = forms.BooleanField(label=_("Scale by load"), required=False)
    replicas = forms.IntegerField(label=_("Replicas"), required=False, min_value=1, max_value=32)
    min_replicas = forms.IntegerField(label=_("At least"), required=False, min_value=1, max_value=32)
    max_replicas = forms.IntegerField(label=_("At most"), required=False, min_value=1, max_value=32)
    target_utilization = forms.IntegerField(label=_("Busy, %"), required=False, min_value=1, max_value=100)

    @classmethod
    def of(cls, endpoint: Endpoint, serving: list[Deployment]) -> ScaleForm:
        names = ("is_autoscaled", "min_replicas", "max_replicas", "target_utilization")
        busiest = max(serving, key=lambda one: one.traffic, default=None)
        replicas = busiest.replicas if busiest else 1
        return cls(initial={**{name: getattr(endpoint, name) for name in names}, "replicas": replicas})

    def policy(self) -> dict[str, Any]:
        """Give what belongs to the choice: a number, or the limits of scaling."""
        given = {name: value for name, value in self.cleaned_data.items() if value is not None}
        if given["is_autoscaled"]:
            given.pop("replicas", None)
            return given
        return {name: given[name] for name in ("is_autoscaled", "replicas") if name in given}


class DeployForm(TargetForm):
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


class RunDeployForm(TargetForm):
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

    def sent(self) -> str:
        return str(self.cleaned_data["body"])

    def problem(self) -> str:
        return str(self.errors["body"][0])


class ConfirmForm(forms.Form):
    confirm = forms.CharField(max_length=64, strip=False)
