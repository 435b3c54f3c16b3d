"""The shape of what the pages of experiments and runs send; the rules are in the operations."""

from django import forms
from django.utils.translation import gettext_lazy as _


class ExperimentForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=500)


class NewExperimentForm(ExperimentForm):
    note = forms.CharField(label=_("Description"), required=False, max_length=5000, widget=forms.Textarea({"rows": 4}))


class RunForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=250)


class TrashRuleForm(forms.Form):
    days = forms.IntegerField(label=_("Days in the trash"), min_value=0, max_value=3650)
