"""The part of a job's form that asks for datasets: rows of a name and a version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from experiments.data.runs import INPUTS_MAX, Wanted

BLANK = 2
PLAIN = {"autocomplete": "off", "spellcheck": "false"}


class InputsForm(forms.Form):
    """`datasets` are offered while one types; `given` are filled in, and some rows are left blank."""

    def __init__(
        self, *args: Any, datasets: Sequence[str] = (), given: Mapping[str, Wanted] | None = None, **keywords: Any
    ) -> None:
        super().__init__(*args, **keywords)
        self.datasets = datasets
        first = list((given or {}).items())
        sent = sum(name.startswith("input-data-") for name in self.data)
        for at in range(min(INPUTS_MAX, max(len(first) + BLANK, sent))):
            name, wanted = first[at] if at < len(first) else ("", None)
            self.fields[f"input-data-{at}"] = forms.CharField(
                label=gettext_lazy("Dataset"), required=False, max_length=300,
                initial=wanted.dataset if wanted else "",
                widget=forms.TextInput(attrs={**PLAIN, "list": "job-datasets", "placeholder": _("name@version")}),
            )  # fmt: skip
            self.fields[f"input-name-{at}"] = forms.CharField(
                label=gettext_lazy("As"), required=False, max_length=100, initial=name,
                widget=forms.TextInput(attrs={**PLAIN, "placeholder": "training"}),
            )  # fmt: skip

    input_word = "${{inputs.NAME}}"  # a template cannot write it

    def input_rows(self) -> list[tuple[BoundField, BoundField]]:
        count = sum(name.startswith("input-data-") for name in self.fields)
        return [(self[f"input-data-{at}"], self[f"input-name-{at}"]) for at in range(count)]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        names = [said.get(f"input-name-{at}", "") for at in range(len(self.input_rows()))]
        for at, name in enumerate(names):
            if bool(name) != bool(said.get(f"input-data-{at}")):
                self.add_error(f"input-data-{at}", _("Give a dataset and the name that the job knows it by."))
            elif name and name in names[:at]:
                self.add_error(f"input-name-{at}", _("Two inputs have this name."))
        return said

    @property
    def inputs(self) -> dict[str, Wanted]:
        said = self.cleaned_data
        rows = range(len(self.input_rows()))
        return {said[f"input-name-{at}"]: Wanted(said[f"input-data-{at}"]) for at in rows if said[f"input-name-{at}"]}
