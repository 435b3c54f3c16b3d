"""A token into the value that stands for it, as the field beside it wants it."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from django.utils.translation import gettext as _

from lib.search.dialects import Dialect, FieldType
from lib.search.errors import SearchError
from lib.search.tokens import Token
from lib.search.tree import Ago, Scalar

# How a value is read. Params and tags are texts, and may hold numbers.
Wanted = FieldType | Literal["text or number", "exact number"]

UNIT_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
# Python refuses to read longer numbers (int max str digits), and none is meant.
LONGEST_NUMBER = 100
# PostgreSQL's numeric reads exponents of this size without an overflow.
LARGEST_EXPONENT = 400
LARGEST_AGE_MS = 1000 * 366 * UNIT_MS["d"]
DIGITS = re.compile(r"[0-9]{1,18}")
WHOLE = re.compile(r"[-+]?[0-9]+")


def value(token: Token, wanted: Wanted, dialect: Dialect) -> Scalar:
    """Read one value. Raises SearchError naming what was expected there."""
    if wanted == "text or number":
        wanted = "exact number" if token.kind == "number" else "text"
    if wanted == "text":
        return text(token, dialect)
    if wanted == "exact number":
        return exact_number(token)
    if wanted == "digits":
        return digits(token, dialect)
    if wanted == "number":
        return number(token)
    return moment(token, dialect)


def text(token: Token, dialect: Dialect) -> str:
    if token.kind != "text":
        raise SearchError(token.column, _("a text in quotes, as in 'text'"), token.found)
    return unquoted(token, dialect)


def exact_number(token: Token) -> Decimal:
    """Read a number that stands against a text, digit by digit."""
    if token.kind != "number":
        raise SearchError(token.column, _("a number"), token.found)
    exact = Decimal(bounded(token))
    if exact and abs(exact.adjusted()) > LARGEST_EXPONENT:
        raise SearchError(token.column, _("a number of ordinary size"), token.found)
    return exact


def unquoted(token: Token, dialect: Dialect) -> str:
    """Take the quotes off. MLflow takes what is inside as it stands; SQL's doubled quote is the studio's."""
    quote, inside = token.text[0], token.text[1:-1]
    return inside if dialect.is_mlflow else inside.replace(quote * 2, quote)


def digits(token: Token, dialect: Dialect) -> int:
    given = unquoted(token, dialect) if token.kind == "text" else token.text
    is_possible = token.kind == "text" or (token.kind == "number" and not dialect.is_mlflow)
    if not (is_possible and DIGITS.fullmatch(given)):
        raise SearchError(token.column, _("a whole number in quotes, as in '12'"), token.found)
    return int(given)


def number(token: Token) -> float:
    if token.kind != "number":
        raise SearchError(token.column, _("a number"), token.found)
    return float(bounded(token))


def moment(token: Token, dialect: Dialect) -> int | float | Ago:
    """Read milliseconds since the epoch; in the studio's dialect also `-7d` and `2026-11-01T12:00`, quoted or not."""
    if token.kind == "number":
        given = bounded(token)
        return int(given) if WHOLE.fullmatch(given) else float(given)
    if dialect.is_mlflow:
        raise SearchError(token.column, _("a number (milliseconds since 1970)"), token.found)
    if token.kind == "age":
        return age(token)
    if token.kind in ("date", "text"):
        return date(token, unquoted(token, dialect) if token.kind == "text" else token.text)
    raise SearchError(token.column, _("a time, as in -7d, 2026-11-01 or 2026-11-01T12:00"), token.found)


def age(token: Token) -> Ago:
    ms = float(token.text[:-1]) * UNIT_MS[token.text[-1]] if len(token.text) <= LONGEST_NUMBER else math.inf
    if abs(ms) > LARGEST_AGE_MS:
        raise SearchError(token.column, _("a span of at most a thousand years"), token.found)
    return Ago(-round(ms))


def date(token: Token, given: str) -> int:
    """Read an ISO date; without an offset it is UTC."""
    try:
        read = datetime.fromisoformat(given)
        aware = read if read.tzinfo else read.replace(tzinfo=UTC)
        return round(aware.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise SearchError(token.column, _("a date, as in 2026-11-01 or 2026-11-01T12:00"), token.found) from None


def bounded(token: Token) -> str:
    if len(token.text) > LONGEST_NUMBER:
        raise SearchError(token.column, _("a number of at most %s characters") % LONGEST_NUMBER, token.found)
    return token.text
