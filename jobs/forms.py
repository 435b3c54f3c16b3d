"""The shape of what the pages of jobs send; the rules are in the operations."""

from __future__ import annotations

import shlex
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from jobs.input_forms import InputsForm
from jobs.projects import EntryPoint

PLAIN = {"autocomplete": "off", "spellcheck": "false"}


class ManyFiles(forms.FileField):
    """Several files from one field, each cleaned as one; none where none was chosen."""

    widget = type("ManyFilesInput", (forms.FileInput,), {"allow_multiple_selected": True})

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        single = super().clean
        return [single(one, initial) for one in data or []]


class CodeForm(forms.Form):
    """Where the code comes from: files, a zip of a folder, or a script that is pasted."""

    uploads = ManyFiles(
        label=_("Files, or a zip of a folder"),
        required=False,
        help_text=_("Of a zip, what .amlignore or .gitignore name is left out."),
        widget=ManyFiles.widget(attrs={"multiple": True}),
    )
    script = forms.CharField(
        label=_("Or a script"),
        required=False,
        strip=False,
        max_length=1_000_000,
        help_text=_("It becomes train.py."),
        widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false"}),
    )

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if not said.get("uploads") and not said.get("script", "").strip():
            raise forms.ValidationError(_("Choose files, or paste a script."))
        return said


class JobForm(InputsForm):
    """What runs, in which environment, where. An entry point of the project brings its parameters as fields."""

    experiment = forms.CharField(label=_("Experiment"), max_length=500, help_text=_("Made if there is none."))
    name = forms.CharField(
        label=_("Name of the run"), max_length=250, required=False, help_text=_("One is found if you give none.")
    )
    command = forms.CharField(
        label=_("Command"),
        max_length=30_000,
        help_text=_("“python” is the environment's own."),
        widget=forms.TextInput(attrs=PLAIN),
    )
    environment = forms.ChoiceField(label=_("Environment"))
    target = forms.ChoiceField(label=_("Compute"))
    packages = forms.CharField(
        label=_("Packages"),
        required=False,
        max_length=20_000,
        help_text=_("For “Packages given here”, one a line."),
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
    )
    time_limit_s = forms.IntegerField(label=_("Time limit, seconds"), required=False, min_value=1)
    attempts_allowed = forms.IntegerField(
        label=_("Attempts"), initial=1, min_value=1, max_value=10, help_text=_("If its node is lost, it is run again.")
    )
    env = forms.CharField(
        label=_("Environment variables"),
        required=False,
        max_length=50_000,
        help_text=_("NAME=value, one a line."),
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
    )

    def __init__(
        self,
        *args: Any,
        targets: list[str],
        environments: list[tuple[str, str]],
        entry_point: EntryPoint | None = None,
        **keywords: Any,
    ) -> None:
        super().__init__(*args, **keywords)
        self.fields["target"].choices = [(name, name) for name in targets]  # type: ignore[attr-defined]
        self.fields["environment"].choices = environments  # type: ignore[attr-defined]
        self.entry_point = entry_point
        if entry_point is None:
            return
        del self.fields["command"]
        for one in entry_point.parameters:
            self.fields[f"parameter-{one.name}"] = forms.CharField(
                label=one.name, required=one.default is None, initial=one.default, max_length=6000, help_text=one.kind
            )

    def parameter_fields(self) -> list[Any]:
        return [self[name] for name in self.fields if name.startswith("parameter-")]

    def parameters(self) -> dict[str, str]:
        """Give the parameters that were filled in; an empty one is left to its default."""
        said = self.cleaned_data
        given = {name.removeprefix("parameter-"): said[name] for name in said if name.startswith("parameter-")}
        return {name: value for name, value in given.items() if value != ""}

    def clean_command(self) -> list[str]:
        try:
            return shlex.split(self.cleaned_data["command"])
        except ValueError:
            raise forms.ValidationError(_("A quotation mark of the command is not closed.")) from None

    def clean_env(self) -> dict[str, str]:
        lines = [line for line in self.cleaned_data["env"].splitlines() if line.strip()]
        if not all("=" in line for line in lines):
            raise forms.ValidationError(_("Write each variable as NAME=value."))
        return {name.strip(): value for name, _equals, value in (line.partition("=") for line in lines)}
