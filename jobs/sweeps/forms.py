"""The shape of what the page of a new sweep sends."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from jobs.models import Goal, Sampling

POLICIES = [
    ("none", _("None")),
    ("bandit", _("Bandit")),
    ("median", _("Median stopping")),
    ("truncation", _("Truncation")),
]
EXAMPLE = "learning_rate = loguniform(-7, -1)\nbatch_size = choice(16, 32, 64)"
POLICY_FIELDS = (
    "evaluation_interval",
    "delay_evaluation",
    "slack_factor",
    "slack_amount",
    "truncation_percentage",
)


class SweepForm(forms.Form):
    """What varies, how it is drawn, what is best, and when a try is given up."""

    name = forms.CharField(
        label=_("Name"), max_length=250, required=False, help_text=_("One is found if you give none.")
    )
    parameters = forms.CharField(
        label=_("Parameters"),
        max_length=50_000,
        help_text=_("One a line: choice, uniform, loguniform, normal, randint, or their q forms."),
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "placeholder": EXAMPLE}),
    )
    sampling = forms.ChoiceField(
        label=_("Sampling"), choices=[one for one in Sampling.choices if one[0] != Sampling.BAYESIAN]
    )
    seed = forms.IntegerField(
        label=_("Seed"), required=False, min_value=0, help_text=_("The same seed draws the same.")
    )
    metric = forms.CharField(label=_("Primary metric"), max_length=250)
    goal = forms.ChoiceField(label=_("Goal"), choices=Goal.choices, initial=Goal.MINIMIZE)
    max_total_runs = forms.IntegerField(
        label=_("Children in all"), required=False, min_value=1, initial=20, help_text=_("A grid ends by itself.")
    )
    max_concurrent_runs = forms.IntegerField(label=_("At a time"), required=False, min_value=1, initial=4)
    max_duration_minutes = forms.IntegerField(label=_("Time limit, minutes"), required=False, min_value=1)
    policy = forms.ChoiceField(label=_("Early termination"), choices=POLICIES)
    evaluation_interval = forms.IntegerField(label=_("Every … reports"), required=False, min_value=1)
    delay_evaluation = forms.IntegerField(label=_("From report … on"), required=False, min_value=0)
    slack_factor = forms.FloatField(label=_("Slack factor"), required=False, help_text=_("Of a bandit, or"))
    slack_amount = forms.FloatField(label=_("Slack amount"), required=False)
    truncation_percentage = forms.IntegerField(label=_("Truncated, percent"), required=False)

    def policy_fields(self) -> list[Any]:
        return [self[name] for name in POLICY_FIELDS]

    def policy_values(self) -> dict[str, Any]:
        """Give the fields of a policy that were filled in."""
        said = {name: self.cleaned_data[name] for name in POLICY_FIELDS}
        return {
            "kind": self.cleaned_data["policy"],
            **{name: value for name, value in said.items() if value is not None},
        }
