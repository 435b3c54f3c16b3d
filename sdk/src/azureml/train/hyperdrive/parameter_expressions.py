"""What a parameter may be. An expression is `[kind, [argument, …]]`, as the original writes it."""

from __future__ import annotations

import math
import numbers
from typing import Any

from azureml.train.hyperdrive.exceptions import HyperDriveConfigException

Expression = list[Any]


def choice(*options: Any) -> Expression:
    """One of the options, given one by one, or as one list or range."""
    alone = options[0] if len(options) == 1 else None
    found = list(alone) if isinstance(alone, (list, tuple, range)) else list(options)
    if not found:
        raise HyperDriveConfigException("choice takes at least one option.")
    return ["choice", [[plain(one) for one in found]]]


def randint(upper: int) -> Expression:
    """A whole number from 0 to `upper` - 1."""
    if isinstance(upper, bool) or not isinstance(upper, numbers.Integral) or upper < 1:
        raise HyperDriveConfigException(f"randint takes a whole number above 0, not “{upper}”.")
    return ["randint", [int(upper)]]


def uniform(min_value: float, max_value: float) -> Expression:
    """Any number between the two."""
    return ordered("uniform", min_value, max_value)


def quniform(min_value: float, max_value: float, q: float) -> Expression:
    """A number between the two, rounded to multiples of `q`."""
    return stepped(ordered("quniform", min_value, max_value), q)


def loguniform(min_value: float, max_value: float) -> Expression:
    """A number e^x, x between the two."""
    return ordered("loguniform", min_value, max_value)


def qloguniform(min_value: float, max_value: float, q: float) -> Expression:
    """A number e^x, x between the two, rounded to multiples of `q`."""
    return stepped(ordered("qloguniform", min_value, max_value), q)


def normal(mu: float, sigma: float) -> Expression:
    """A number of the normal distribution."""
    return spread("normal", mu, sigma)


def qnormal(mu: float, sigma: float, q: float) -> Expression:
    """A number of the normal distribution, rounded to multiples of `q`."""
    return stepped(spread("qnormal", mu, sigma), q)


def lognormal(mu: float, sigma: float) -> Expression:
    """A number e^x, x of the normal distribution."""
    return spread("lognormal", mu, sigma)


def qlognormal(mu: float, sigma: float, q: float) -> Expression:
    """A number e^x, x of the normal distribution, rounded to multiples of `q`."""
    return stepped(spread("qlognormal", mu, sigma), q)


# ---- Checks ----------------------------------------------------------------------


def ordered(kind: str, low: Any, high: Any) -> Expression:
    ends = [number(kind, low), number(kind, high)]
    if ends[0] >= ends[1]:
        raise HyperDriveConfigException(f"{kind}: the lower end comes first, not {low}, {high}.")
    return [kind, ends]


def spread(kind: str, mu: Any, sigma: Any) -> Expression:
    found = [number(kind, mu), number(kind, sigma)]
    if found[1] <= 0:
        raise HyperDriveConfigException(f"{kind}: sigma is above 0, not {sigma}.")
    return [kind, found]


def stepped(expression: Expression, q: Any) -> Expression:
    kind, arguments = expression
    step = number(kind, q)
    if step <= 0:
        raise HyperDriveConfigException(f"{kind}: q is above 0, not {q}.")
    return [kind, [*arguments, step]]


def number(kind: str, value: Any) -> float:
    """Give a number as JSON has it, NumPy's too. Raises HyperDriveConfigException for what is none."""
    found = plain(value)
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not math.isfinite(found):
        raise HyperDriveConfigException(f"{kind} takes numbers, not “{value}”.")
    return found


def plain(value: Any) -> Any:
    """Give NumPy's scalars as Python's."""
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 else value
