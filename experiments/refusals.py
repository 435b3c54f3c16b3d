"""What is said of a run that is not there, or in the bin; the words are those that MLflow's users search for."""

from __future__ import annotations

from django.utils.translation import gettext as _

from lib.errors import InvalidValue, NotFound


def absent_run(run_id: str) -> NotFound:
    return NotFound(_("Run “%(name)s” does not exist.") % {"name": run_id[:200]})


def run_in_bin(run_id: str) -> InvalidValue:
    return InvalidValue(f"The run {run_id} must be in the 'active' state. Current state is deleted.")
