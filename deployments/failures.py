"""Say in a sentence why a replica did not come up, from how it ended and what it wrote."""

from __future__ import annotations

import signal

from django.utils.translation import gettext as _

from deployments.drivers.base import ReplicaSeen

TRACEBACK = "Traceback (most recent call last):"
LONGEST = 20_000


def sentence(replica: ReplicaSeen, lines: list[str], memory_bytes: int) -> str:
    """Explain the end of a replica that never was ready."""
    if replica.is_out_of_memory:
        size = f"{memory_bytes / (1 << 30):g}"
        return _("The replica needed more than its %s GB of memory. Deploy it with more.") % size
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    if TRACEBACK in "\n".join(lines):
        return _("The model could not be loaded: %s") % last
    return _("The replica ended while starting (%(how)s). %(last)s") % {"how": _how(replica.exit_code), "last": last}


def trace(lines: list[str]) -> str:
    """Give the part of the log that explains: the last traceback with those that led to it, else the end."""
    text = "\n".join(lines)
    first = text.find(TRACEBACK)
    return text[first:][-LONGEST:] if first >= 0 else "\n".join(lines[-40:])[-LONGEST:]


def _how(code: int | None) -> str:
    if code is None:
        return _("nobody saw how")
    if code < 0:
        return _("killed by %s") % _signal(-code)
    return _("exit code %s") % code


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
