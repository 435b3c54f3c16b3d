"""The shape of what the registry's pages send; the rules are in the operations."""

from django import forms
from django.utils.translation import gettext_lazy as _

NOTE = forms.Textarea(attrs={"rows": 3})


class ModelForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=256)
    description = forms.CharField(label=_("Note"), max_length=5000, required=False, widget=NOTE)


class RenameForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=256)


class RegisterForm(forms.Form):
    name = forms.CharField(
        label=_("Model"), max_length=256, widget=forms.TextInput(attrs={"list": "model-names", "autocomplete": "off"})
    )
    description = forms.CharField(label=_("What changed"), max_length=5000, required=False, widget=NOTE)
    path = forms.CharField(max_length=4000, required=False, widget=forms.HiddenInput)


class AliasForm(forms.Form):
    alias = forms.CharField(label=_("Alias"), max_length=255)


class TagForm(forms.Form):
    key = forms.CharField(max_length=250)
    value = forms.CharField(max_length=5000, required=False)


class DescriptionForm(forms.Form):
    description = forms.CharField(max_length=5000, required=False)


class ConfirmForm(forms.Form):
    confirm = forms.CharField(max_length=256, strip=False)
