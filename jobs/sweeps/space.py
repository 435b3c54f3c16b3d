"""What a sweep tries: parameters with expressions, drawn at random by a seed or walked as a grid.

The n-th draw is a function of the seed and n alone, so whoever draws it again draws the same. The expressions and what
they mean are those of HyperDrive: `loguniform(a, b)` is exp(uniform(a, b)), `quniform(a, b, q)` is rounded to
multiples of q, `randint(n)` is one of 0 … n-1.
"""

from __future__ import annotations

import ast
import json
import math
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from lib.errors import InvalidValue

Drawn = list[tuple[str, str]]

NAME = re.compile(r"-{0,2}[A-Za-z_][A-Za-z0-9_.-]{0,248}")
PARAMETERS_MAX = 50
CHOICES_MAX = 1000
VALUE_MAX = 6000
# A space with more points than that is as good as endless: draws are not kept from repeating.
COUNTED_MAX = 1_000_000


# Beyond it the exponential is no number any more.
EXPONENT_MAX = 700.0


def rounded(value: float, q: float) -> float:
    steps = value / q
    return round(steps) * q if math.isfinite(steps) else value


def exponential(value: float) -> float:
    return math.exp(min(value, EXPONENT_MAX))


# Each takes the source of chance and its arguments; (how many arguments, function).
DRAWS: dict[str, tuple[int, Callable[..., float]]] = {
    "uniform": (2, lambda chance, low, high: chance.uniform(low, high)),
    "quniform": (3, lambda chance, low, high, q: rounded(chance.uniform(low, high), q)),
    "loguniform": (2, lambda chance, low, high: exponential(chance.uniform(low, high))),
    "qloguniform": (3, lambda chance, low, high, q: rounded(exponential(chance.uniform(low, high)), q)),
    "normal": (2, lambda chance, mu, sigma: chance.gauss(mu, sigma)),
    "qnormal": (3, lambda chance, mu, sigma, q: rounded(chance.gauss(mu, sigma), q)),
    "lognormal": (2, lambda chance, mu, sigma: exponential(chance.gauss(mu, sigma))),
    "qlognormal": (3, lambda chance, mu, sigma, q: rounded(exponential(chance.gauss(mu, sigma)), q)),
}
KINDS = ("choice", "randint", *DRAWS)


@dataclass(frozen=True)
class Parameter:
    """One parameter and its expression; of a `choice` the arguments are what is chosen from."""

    name: str
    kind: str
    arguments: tuple[Any, ...]

    @property
    def size(self) -> int | None:
        """How many values it can have; None where that is not a count."""
        if self.kind == "choice":
            return len(self.arguments)
        return int(self.arguments[0]) if self.kind == "randint" else None

    def at(self, place: int) -> str:
        """Give the value at a place of a parameter that can be counted."""
        return written(self.arguments[place] if self.kind == "choice" else place)

    def draw(self, chance: random.Random) -> str:
        if self.size is not None:
            return self.at(chance.randrange(self.size))
        return written(DRAWS[self.kind][1](chance, *self.arguments))

    def __str__(self) -> str:
        return f"{self.kind}({', '.join(repr(one) for one in self.arguments)})"


@dataclass(frozen=True)
class Space:
    """All parameters, in the order in which they are appended to the command."""

    parameters: tuple[Parameter, ...]

    @property
    def size(self) -> int | None:
        """How many points the space has; None for one that is not counted."""
        sizes = [one.size for one in self.parameters]
        count = math.prod(size or 0 for size in sizes)
        return None if None in sizes or count > COUNTED_MAX else count

    def point(self, place: int) -> Drawn:
        """Give a point of a counted space: the last parameter changes fastest."""
        found: Drawn = []
        for one in reversed(self.parameters):
            place, rest = divmod(place, one.size or 1)
            found.insert(0, (one.name, one.at(rest)))
        return found

    def draw(self, seed: int, number: int) -> Drawn:
        """Give the n-th random point. In a counted space none comes twice before all have come."""
        if self.size is not None:
            return self.point(shuffled(self.size, seed, number))
        # A source for each parameter: another one added to the space leaves the draws of the rest as they were.
        return [(one.name, one.draw(random.Random(f"{seed}/{number}/{one.name}"))) for one in self.parameters]  # noqa: S311

    def as_json(self) -> list[list[Any]]:
        return [[one.name, one.kind, list(one.arguments)] for one in self.parameters]

    @classmethod
    def from_json(cls, rows: Sequence[Sequence[Any]]) -> Space:
        return cls(tuple(Parameter(name, kind, tuple(arguments)) for name, kind, arguments in rows))


def shuffled(size: int, seed: int, number: int) -> int:
    """Give the n-th place of a seeded order of all places, begun again after its end."""
    round_of, place = divmod(number, size)
    return random.Random(f"{seed}/{round_of}").sample(range(size), place + 1)[place]  # noqa: S311


def written(value: Any) -> str:
    """Write a value as a word of a command: as Python's float and int read it back, lists as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, list | dict) or value is None else str(value)


def flag(name: str) -> str:
    """Give the argument that a parameter is passed by."""
    return name if name.startswith("-") else f"--{name}"


def with_arguments(command: Sequence[str], drawn: Drawn) -> list[str]:
    """Append parameters to a command; an equal one that stands there already goes, with its value."""
    flags = {flag(name) for name, _value in drawn}
    kept: list[str] = []
    words = iter(command)
    follows = next(words, None)
    while follows is not None:
        word, follows = follows, next(words, None)
        if word in flags:
            if follows is not None and not follows.startswith("--"):
                follows = next(words, None)
        elif word.partition("=")[0] not in flags:
            kept.append(word)
    return kept + [part for name, value in drawn for part in (flag(name), value)]


# ---- Checks ---------------------------------------------------------------------------------------------------------


def make_space(asked: Sequence[tuple[str, Sequence[Any]]]) -> Space:
    """Check expressions, each a name and [kind, argument, …]. Raises InvalidValue with the parameter's name."""
    if not 1 <= len(asked) <= PARAMETERS_MAX:
        raise InvalidValue(_("A sweep has 1–%d parameters.") % PARAMETERS_MAX, field="parameters")
    found = tuple(make_parameter(name, words) for name, words in asked)
    if len({flag(one.name) for one in found}) < len(found):
        raise InvalidValue(_("A parameter is named twice."), field="parameters")
    return Space(found)


def make_parameter(name: str, words: Sequence[Any]) -> Parameter:
    if not NAME.fullmatch(name):
        raise InvalidValue(_("“%s” is not a name of a parameter.") % name[:100], field="parameters")
    kind, arguments = str(words[0]) if words else "", list(words[1:])
    if kind == "choice" and len(arguments) == 1 and isinstance(arguments[0], list | tuple):
        arguments = list(arguments[0])
    if complaint := wrong(kind, arguments):
        raise InvalidValue(f"{name}: {complaint}", field="parameters")
    return Parameter(name, kind, tuple(arguments))


def wrong(kind: str, arguments: list[Any]) -> str:
    """Say what is wrong with an expression; empty when nothing is."""
    if kind not in KINDS:
        return _("“%(kind)s” is none of %(kinds)s.") % {"kind": kind[:40], "kinds": ", ".join(KINDS)}
    if kind == "choice":
        return wrong_choice(arguments)
    numbers = [one for one in arguments if isinstance(one, int | float) and not isinstance(one, bool)]
    wanted = 1 if kind == "randint" else DRAWS[kind][0]
    if len(numbers) != wanted or len(arguments) != wanted or not all(map(math.isfinite, numbers)):
        return _("%(kind)s takes numbers: %(count)d.") % {"kind": kind, "count": wanted}
    if kind == "randint":
        return "" if numbers[0] == int(numbers[0]) and numbers[0] >= 1 else _("randint takes a whole number above 0.")
    return wrong_numbers(kind, numbers)


def wrong_choice(values: list[Any]) -> str:
    if not 1 <= len(values) <= CHOICES_MAX:
        return _("a choice has 1–%d values.") % CHOICES_MAX
    try:
        # "\u0000" is how JSON writes what neither a command nor the database can hold.
        is_plain = "\\u0000" not in json.dumps(values, allow_nan=False)
    except (TypeError, ValueError):
        is_plain = False
    is_plain = is_plain and all(len(written(one)) <= VALUE_MAX for one in values)
    return "" if is_plain else _("a choice is made of texts, numbers, true and false, none longer than 6000.")


def wrong_numbers(kind: str, numbers: list[float]) -> str:
    if wanted_step(kind) and numbers[2] <= 0:
        return _("the step is more than 0.")
    if "uniform" in kind and numbers[0] >= numbers[1]:
        return _("the lower end comes first.")
    if "normal" in kind and numbers[1] <= 0:
        return _("the deviation is more than 0.")
    if "log" in kind and max(abs(one) for one in numbers[:2]) > 300:
        return _("the ends are exponents: %s is too far.") % "e³⁰⁰"
    return ""


def wanted_step(kind: str) -> bool:
    return DRAWS[kind][0] == 3


def read_lines(text: str) -> list[tuple[str, list[Any]]]:
    """Read what a person writes: `name = kind(argument, …)`, one a line. Raises InvalidValue for a line that is not."""
    return [read_line(line) for line in text.splitlines() if line.strip()]


def read_line(line: str) -> tuple[str, list[Any]]:
    name, _equals, expression = line.partition("=")
    try:
        call = ast.parse(expression.strip(), mode="eval").body
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and not call.keywords:
            return name.strip(), [call.func.id, *(ast.literal_eval(one) for one in call.args)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        pass
    raise InvalidValue(
        _("Write “%s” as: name = choice(1, 2, 3), or another expression.") % line.strip()[:80], field="parameters"
    )


def shown_lines(rows: Sequence[Sequence[Any]]) -> list[tuple[str, str]]:
    """Give (name, expression) of a stored space, as a person writes them."""
    return [(one.name, str(one)) for one in Space.from_json(rows).parameters]
