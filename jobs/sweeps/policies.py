"""When a try is given up before its end. Pure: curves in, a sentence out.

An interval is one report of the primary metric. A policy looks at every `evaluation_interval`-th, from
`delay_evaluation` on, at what all tries had by then. The rules are those of HyperDrive's early termination policies.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, median
from typing import Any, Literal

from django.utils.translation import gettext as _

from lib.errors import InvalidValue

Curve = Sequence[float | None]
Kind = Literal["none", "bandit", "median", "truncation"]
KINDS = ("none", "bandit", "median", "truncation")


@dataclass(frozen=True)
class Policy:
    """`slack_factor` or `slack_amount` are a bandit's, `truncation_percentage` is truncation's."""

    kind: Kind = "none"
    evaluation_interval: int = 1
    delay_evaluation: int = 0
    slack_factor: float | None = None
    slack_amount: float | None = None
    truncation_percentage: int | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def due(self, reports: int, judged: int) -> int | None:
        """Give the newest interval that is to be judged, or None."""
        newest = reports - reports % self.evaluation_interval
        is_due = self.kind != "none" and newest > judged and newest >= max(1, self.delay_evaluation)
        return newest if is_due else None


def make_policy(values: Mapping[str, Any]) -> Policy:
    """Check a policy. Raises InvalidValue for what it cannot be."""
    try:
        policy = Policy(**values)
    except TypeError:
        raise InvalidValue(_("A policy has no such field."), field="policy") from None
    if policy.kind not in KINDS:
        raise InvalidValue(_("A policy is one of %s.") % ", ".join(KINDS), field="policy")
    if policy.evaluation_interval < 1 or policy.delay_evaluation < 0:
        raise InvalidValue(_("A policy looks at every 1st, 2nd, … report, from the 0th on."), field="policy")
    slacks = [one for one in (policy.slack_factor, policy.slack_amount) if one is not None]
    if policy.kind == "bandit" and (len(slacks) != 1 or not slacks[0] > 0 or not math.isfinite(slacks[0])):
        raise InvalidValue(_("A bandit takes a slack factor or a slack amount, above 0."), field="slack_factor")
    if policy.kind == "truncation" and not 1 <= (policy.truncation_percentage or 0) <= 99:
        raise InvalidValue(_("Truncation takes a percentage of 1–99."), field="truncation_percentage")
    return policy


def verdict(policy: Policy, curve: Curve, others: Sequence[Curve], interval: int, *, is_more_better: bool) -> str:
    """Say why the try with this curve is to be stopped at an interval; empty when it goes on.

    `others` are the curves of the other tries, running or ended; those that have not come so far are left out.
    """
    sign = 1.0 if is_more_better else -1.0
    rivals = [values for one in others if len(one) >= interval and (values := signed(one[:interval], sign))]
    own = signed(curve[:interval], sign)
    if not rivals:
        return ""
    if not own:
        return _("No finite value of the metric in %d reports.") % interval
    if policy.kind == "bandit":
        return outside_slack(policy, own, rivals, interval, sign)
    if policy.kind == "median":
        return below_median(own, rivals, interval, sign)
    return among_last(policy, own, rivals, interval, sign) if policy.kind == "truncation" else ""


def outside_slack(policy: Policy, own: list[float], rivals: list[list[float]], interval: int, sign: float) -> str:
    best = max(own)
    floor = allowed(policy, max(best, *(max(one) for one in rivals)))
    said = _("Bandit at report %(at)d: %(own).6g is not within %(floor).6g.")
    return said % {"at": interval, "own": best * sign, "floor": floor * sign} if best < floor else ""


def below_median(own: list[float], rivals: list[list[float]], interval: int, sign: float) -> str:
    best, middle = max(own), median(fmean(one) for one in (own, *rivals))
    said = _("Median stopping at report %(at)d: %(own).6g is worse than the median %(middle).6g.")
    return said % {"at": interval, "own": best * sign, "middle": middle * sign} if best < middle else ""


def among_last(policy: Policy, own: list[float], rivals: list[list[float]], interval: int, sign: float) -> str:
    best = max(own)
    cut = (len(rivals) + 1) * (policy.truncation_percentage or 0) // 100
    # Equals are not cut, or a start where all report the same would stop whoever is judged first.
    is_cut = sum(max(one) <= best for one in rivals) < cut
    said = _("Truncation at report %(at)d: %(own).6g is among the last %(cut)d.")
    return said % {"at": interval, "own": best * sign, "cut": cut} if is_cut else ""


def signed(values: Curve, sign: float) -> list[float]:
    """Give the finite values so that more is better."""
    return [value * sign for value in values if value is not None]


def allowed(policy: Policy, best: float) -> float:
    """Give the least value, more being better, that a bandit lets go on beside the best one."""
    if policy.slack_amount is not None:
        return best - policy.slack_amount
    factor = policy.slack_factor or 0.0
    # best / (1 + factor) above zero; below it the same share further away, as a cost times (1 + factor).
    return best / (1 + factor) if best > 0 else best * (1 + factor)
