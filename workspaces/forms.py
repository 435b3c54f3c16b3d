"""The shape of what pages send; the rules are in the operations."""

from django import forms
from django.utils.translation import gettext_lazy as _


class SignInForm(forms.Form):
    username = forms.CharField(label=_("User name"), max_length=150)
    password = forms.CharField(label=_("Password"), max_length=1000, widget=forms.PasswordInput)


class TokenForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=100)
    days = forms.IntegerField(label=_("Days until it expires"), required=False, min_value=1, max_value=3650)


class PasswordForm(forms.Form):
    password = forms.CharField(label=_("New password"), max_length=1000, widget=forms.PasswordInput)


class NameForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=90)


class QuotaForm(forms.Form):
    cpu_cores = forms.FloatField(label=_("CPU cores"), required=False, min_value=0)
    memory_gb = forms.FloatField(label=_("Memory, GB"), required=False, min_value=0)
    replicas = forms.IntegerField(label=_("Replicas"), required=False, min_value=0)


class ConfirmForm(forms.Form):
    confirm = forms.CharField(label=_("Name of the resource group"), max_length=90, strip=False)
