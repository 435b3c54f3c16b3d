"""Facts that rooms above need to hear, in the past tense."""

from django.dispatch import Signal

version_created = Signal()  # version=
