"""The shape of what the pages of compute send; the rules are in the operations."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from compute.models import ComputeTarget
from compute.sizes import DEFAULT, SIZES


def size_choices() -> list[tuple[str, str]]:
    return [(size.name, f"{size.name} · {size.cores:g} CPU · {size.memory_gib:g} GB") for size in SIZES.values()]


class ScaleForm(forms.Form):
    min_nodes = forms.IntegerField(label=_("Fewest nodes"), initial=0, min_value=0)
    max_nodes = forms.IntegerField(label=_("Most nodes"), initial=1, min_value=0)
    idle_s = forms.IntegerField(
        label=_("Idle seconds"), initial=120, min_value=0, help_text=_("So long a node without work is kept.")
    )


class ClusterForm(ScaleForm):
    name = forms.CharField(
        label=_("Name"),
        max_length=16,
        help_text=_("2–16 letters, digits and “-”."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    kind = forms.ChoiceField(
        label=_("For"),
        choices=[(ComputeTarget.Kind.CLUSTER, _("Jobs")), (ComputeTarget.Kind.INFERENCE, _("Endpoints"))],
        initial=ComputeTarget.Kind.CLUSTER,
        required=False,
        help_text=_("A cluster for endpoints has “most nodes” agents, always; replicas must fit on them."),
    )
    vm_size = forms.ChoiceField(
        label=_("VM size"),
        choices=size_choices,
        initial=DEFAULT,
        help_text=_("What a job may use of its node, or replicas of an agent: processors and memory."),
    )
    joins_only = forms.BooleanField(
        label=_("Only machines that join"),
        required=False,
        help_text=_("The studio starts no nodes on its own machine."),
    )

    field_order = ["name", "kind", "vm_size", "min_nodes", "max_nodes", "idle_s", "joins_only"]

    def values(self) -> dict[str, Any]:
        said = dict(self.cleaned_data)
        said.pop("kind")
        if said.pop("joins_only"):
            said["min_nodes"], said["max_nodes"] = 0, None
        return said

    @property
    def is_inference(self) -> bool:
        return bool(self.cleaned_data["kind"] == ComputeTarget.Kind.INFERENCE)

    def agents(self) -> dict[str, Any]:
        """Give what a cluster for endpoints is made of."""
        said = self.cleaned_data
        return {"name": said["name"], "vm_size": said["vm_size"], "agent_count": said["max_nodes"]}


class EnvironmentForm(forms.Form):
    """A definition: one of the files that say what to install."""

    FILES = (
        ("conda.yaml", "conda.yaml"),
        ("requirements.txt", "requirements.txt"),
        ("python_env.yaml", "python_env.yaml"),
    )
    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        help_text=_("The same name again makes its next version."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    kind = forms.ChoiceField(label=_("Written as"), choices=FILES)
    text = forms.CharField(
        label=_("What it holds"),
        strip=False,
        max_length=200_000,
        widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false"}),
    )

    def definition(self) -> dict[str, Any]:
        said = self.cleaned_data
        return {"files": {said["kind"]: said["text"].replace("\r\n", "\n")}}
