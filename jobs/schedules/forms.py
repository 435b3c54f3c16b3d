"""The shape of what the pages of schedules send."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class TimesForm(forms.Form):
    """When, and what becomes of a tick that cannot be taken as it comes."""

    cron = forms.CharField(
        label=_("Cron expression"),
        max_length=100,
        help_text=_("Minute, hour, day, month, weekday: “0 6 * * 1-5” is at six on working days."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    time_zone = forms.CharField(
        label=_("Time zone"), max_length=60, initial="UTC", help_text=_("As Europe/Berlin, or UTC.")
    )
    catches_up = forms.BooleanField(label=_("Make missed ticks good by one"), required=False, initial=True)
    overlaps = forms.BooleanField(label=_("Also while an earlier job still runs"), required=False)


class ScheduleForm(TimesForm):
    name = forms.CharField(label=_("Name"), max_length=100)

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self.order_fields(["name"])
