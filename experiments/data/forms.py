"""The shape of what the pages of data send; the rules are in the operations."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from experiments.data.models import DatasetKind
from experiments.data.tables import ENCODINGS

PLAIN = {"autocomplete": "off", "spellcheck": "false"}


class SeveralFiles(forms.FileField):
    """Several files from one field; none where none was chosen."""

    widget = type("SeveralFilesInput", (forms.FileInput,), {"allow_multiple_selected": True})

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        single = super().clean
        return [single(one, initial) for one in data or []]


class VersionForm(forms.Form):
    """Where a version's files come from: this form, or a datastore; and how a table of text is read."""

    uploads = SeveralFiles(
        label=_("Upload files"),
        required=False,
        help_text=_("Up to 64 MB together; store larger ones by the API first, and name them below."),
        widget=SeveralFiles.widget(attrs={"multiple": True}),
    )
    datastore = forms.ChoiceField(label=_("Or take them from"), required=False)
    paths = forms.CharField(
        label=_("Paths in the datastore"),
        required=False,
        max_length=100_000,
        help_text=_("One a line: a file, a folder, or a pattern such as raw/**/*.csv."),
        widget=forms.Textarea(attrs={"rows": 2, **PLAIN}),
    )
    separator = forms.CharField(
        label=_("Separator"),
        required=False,
        strip=False,
        max_length=2,
        widget=forms.TextInput(attrs={"placeholder": _("by the file"), **PLAIN}),
    )
    encoding = forms.ChoiceField(label=_("Encoding"), required=False, choices=[(one, one) for one in ENCODINGS])
    has_header = forms.BooleanField(label=_("The first row names the columns"), required=False, initial=True)
    description = forms.CharField(
        label=_("Description"), required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, datastores: list[str], **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self.fields["datastore"].choices = [(name, name) for name in datastores]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if not said.get("uploads") and not said.get("paths", "").strip():
            raise forms.ValidationError(_("Choose files, or name paths in a datastore."))
        return said

    @property
    def options(self) -> dict[str, Any]:
        """Give how a table is read; a tab may be written as it is in programs."""
        said = self.cleaned_data
        separator = "\t" if said["separator"] == "\\t" else said["separator"]
        return {"separator": separator, "encoding": said["encoding"], "has_header": said["has_header"]}


class DatasetForm(VersionForm):
    name = forms.CharField(label=_("Name"), max_length=255, widget=forms.TextInput(attrs=PLAIN))
    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=[(DatasetKind.TABULAR, _("Table: csv, tsv or parquet")), (DatasetKind.FILE, _("Files of any kind"))],
    )
    field_order = ["name", "kind"]


class DatastoreForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=100, widget=forms.TextInput(attrs=PLAIN))
    folder = forms.ChoiceField(label=_("Folder of the studio's machine"))
    path = forms.CharField(
        label=_("Below it"),
        required=False,
        max_length=2000,
        help_text=_("A folder in it; empty takes all."),
        widget=forms.TextInput(attrs=PLAIN),
    )

    def __init__(self, *args: Any, folders: list[str], **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self.fields["folder"].choices = [(name, name) for name in folders]  # type: ignore[attr-defined]
