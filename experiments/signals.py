"""Facts that rooms above need to hear, in the past tense."""

from django.dispatch import Signal

run_finished = Signal()  # run=
