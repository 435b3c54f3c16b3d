"""How an endpoint answers and grows: the fields one may set, their limits, and what goes together.

What is wrong is told all at once, not one field after the other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from deployments.models import Endpoint, Target
from lib.errors import InvalidValue

LIMITS: dict[str, tuple[float, float]] = {
    "scoring_timeout_ms": (100, 3_600_000),
    "max_concurrent": (1, 64),
    "max_queued": (0, 10_000),
    "max_wait_ms": (0, 3_600_000),
    "min_replicas": (1, 32),
    "max_replicas": (1, 32),
    "target_utilization": (1, 100),
    "refresh_s": (1, 3600),
    "standby_s": (0, 7 * 24 * 3600),
    "sample_rate": (0.0, 1.0),
    "replicas": (1, 32),
}
AUTOSCALE = ("min_replicas", "max_replicas", "target_utilization", "refresh_s")
DNS_LABEL = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class Policy:
    """Checked values: those of the endpoint's row, and how many replicas a revision begins with."""

    fields: dict[str, Any]
    replicas: int | None


def checked(given: dict[str, Any], target: str, current: Endpoint | None = None) -> Policy:
    """Check what was given (fields not named stay as they are). Raises InvalidValue that names all that is wrong."""
    problems = [*_out_of_limits(given), *_contradictions(given, target, current), *_texts(given)]
    if problems:
        raise InvalidValue(" ".join(problems), field=next(iter(given)) if len(given) == 1 else None)
    fields = {name: value for name, value in given.items() if name != "replicas"}
    return Policy(fields, given.get("replicas"))


def _out_of_limits(given: dict[str, Any]) -> list[str]:
    found = []
    for name, (low, high) in LIMITS.items():
        if name in given and not low <= given[name] <= high:
            words = {"name": name, "low": low, "high": high}
            found.append(_("“%(name)s” is between %(low)s and %(high)s.") % words)
    return found


def _contradictions(given: dict[str, Any], target: str, current: Endpoint | None) -> list[str]:
    """Name what does not go together, with what the endpoint has already."""
    found = []
    is_autoscaled = given.get("is_autoscaled", current.is_autoscaled if current else False)
    if target == Target.INSTANCE:
        if given.get("replicas", 1) != 1 or is_autoscaled:
            found.append(_("An instance has one replica; choose the cluster target for more."))
        if given.get("auth") == Endpoint.Auth.TOKEN:
            found.append(_("An instance is opened by keys; choose the cluster target for tokens."))
        return found
    if "replicas" in given and is_autoscaled:
        found.append(_("A number of replicas and autoscaling exclude each other."))
    named = [name for name in AUTOSCALE if name in given]
    if named and not is_autoscaled:
        found.append(_("Without autoscaling, %s has no meaning.") % ", ".join(named))
    low = given.get("min_replicas", current.min_replicas if current else 1)
    high = given.get("max_replicas", current.max_replicas if current else 10)
    if low > high:
        found.append(_("The least number of replicas is above the most."))
    return found


def _texts(given: dict[str, Any]) -> list[str]:
    found = []
    if given.get("auth", Endpoint.Auth.KEY) not in Endpoint.Auth.values:
        found.append(_("“auth” is one of key, token, none."))
    if (label := given.get("dns_label")) and not DNS_LABEL.fullmatch(label):
        found.append(_("A DNS label has small letters, digits and “-”, and begins with a letter."))
    if len(given.get("location", "")) > 60:
        found.append(_("A location has at most 60 characters."))
    return found
