"""The shape of what the pages of data send; the rules are in the operations."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from experiments.data.drivers import Connection, Secret, driver
from experiments.data.models import DatasetKind, DatastoreKind
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
    """What every kind of datastore is asked for; `facts` are what the operations take."""

    kind = DatastoreKind.FOLDER
    name = forms.CharField(label=_("Name"), max_length=100, widget=forms.TextInput(attrs=PLAIN))
    path = forms.CharField(
        label=_("Below it"),
        required=False,
        max_length=2000,
        help_text=_("A folder in it; empty takes all."),
        widget=forms.TextInput(attrs=PLAIN),
    )

    @property
    def connection(self) -> Connection:
        return Connection(self.kind, "")

    @property
    def place(self) -> dict[str, str]:
        return {"folder": self.cleaned_data.get("folder", ""), "path": self.cleaned_data["path"]}


class FolderForm(DatastoreForm):
    folder = forms.ChoiceField(label=_("Folder of the studio's machine"))
    field_order = ["name", "folder", "path"]

    def __init__(self, *args: Any, folders: list[str], **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self.fields["folder"].choices = [(name, name) for name in folders]  # type: ignore[attr-defined]


FACTS = {"account": _("Storage account"), "region": _("Region"), "endpoint": _("Endpoint")}
HINTS = {
    "region": _("As the bucket's page says; empty finds it."),
    "endpoint": _(
        "Only for a store at an address of its own: https://host[:port]. "
        "One that is not on the public internet has to be allowed by the studio's operator."
    ),
}
SECRETS = {
    "access_key_id": _("Access key ID"),
    "secret_access_key": _("Secret access key"),
    "session_token": _("Session token, where there is one"),
    "account_key": _("Account key"),
    "sas_token": _("Or a shared access signature (SAS)"),
    "service_account": _("Key of a service account (JSON)"),
}


class ObjectStoreForm(DatastoreForm):
    """A container of an object store; its fields are those that the kind's driver names."""

    container = forms.CharField(max_length=255, widget=forms.TextInput(attrs=PLAIN))

    def __init__(self, *args: Any, kind: str, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self.kind = DatastoreKind(kind)
        self.driver = driver(kind)
        self.secrets = [name for way in self.driver.secrets for name in way]
        self.fields["container"].label = str(self.driver.container_label)
        for name in self.driver.facts:
            self.fields[name] = forms.CharField(
                label=FACTS[name], help_text=HINTS.get(name, ""), required=name == "account", max_length=2000,
                widget=forms.TextInput(attrs=PLAIN),
            )  # fmt: skip
        for name in self.secrets:
            self.fields[name] = secret_field(name)
        self.order_fields(["name", "account", "container", "path", "region", "endpoint", *self.secrets])

    @property
    def connection(self) -> Connection:
        said = self.cleaned_data
        facts = {name: said.get(name, "") for name in ("account", "endpoint", "region")}
        secret = Secret({name: said[name].strip() for name in self.secrets if said[name].strip()})
        return Connection(self.kind, said["container"], secret=secret, **facts)

    @property
    def first_secret(self) -> str:
        return self.secrets[0]


def secret_field(name: str) -> forms.CharField:
    """Make a field whose text is hidden while it is typed; what was typed stays through a test of the connection."""
    widget: forms.Widget = forms.PasswordInput(attrs={**PLAIN, "autocomplete": "new-password"}, render_value=True)
    if name == "access_key_id":  # a name, no secret by itself
        widget = forms.TextInput(attrs=PLAIN)
    if name == "service_account":
        widget = forms.Textarea(attrs={"rows": 4, **PLAIN})
    return forms.CharField(label=SECRETS[name], required=False, max_length=20_000, strip=False, widget=widget)
