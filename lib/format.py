"""Numbers, sizes and times as people read them: units always, a real minus, four significant digits."""

from __future__ import annotations

import math
import unicodedata
import zlib
from datetime import UTC, datetime

from django.utils.translation import gettext as _

MISSING = "—"
MINUS = "\u2212"
THIN = "\u202f"


def number(value: float | str | None, digits: int = 4) -> str:
    """Show a number with `digits` significant digits; NaN and the infinities by name, None as a dash."""
    if value is None or value == "":
        return MISSING
    figure = float(value)
    if math.isnan(figure):
        return "NaN"
    if math.isinf(figure):
        return "∞" if figure > 0 else f"{MINUS}∞"
    return _plain(figure, digits).replace("-", MINUS)


def _plain(figure: float, digits: int) -> str:
    size = abs(figure)
    if figure == int(figure) and size < 1e15:
        return f"{int(figure):,}"
    if size >= 1e9 or size < 1e-4:
        mantissa, _e, exponent = f"{figure:.{digits - 1}e}".partition("e")
        return f"{mantissa}e{int(exponent)}"
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    return f"{figure:,.{decimals}f}"


def count(value: int | None) -> str:
    """Show a count with thousands set apart."""
    return MISSING if value is None else f"{value:,}"


def size(size_bytes: float | None) -> str:
    """Show bytes in the decimal unit that fits: 6.4 kB."""
    if size_bytes is None:
        return MISSING
    amount = float(size_bytes)
    shown = "B"
    if amount < 1000:
        return f"{int(amount)} {shown}"
    units = iter(("kB", "MB", "GB", "TB"))
    while amount >= 999.95 and (unit := next(units, None)):
        amount, shown = amount / 1000, unit
    return f"{amount:.1f} {shown}"


def duration(milliseconds: float | None) -> str:
    """Show a length of time: 18 ms, 8.4 s, 1 min 12 s, 2 h 5 min, 3 d 4 h."""
    if milliseconds is None:
        return MISSING
    if milliseconds < 1000:
        return f"{max(0, int(milliseconds))} ms"
    seconds = milliseconds / 1000
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def age(then_ms: int, now_ms: int) -> str:
    """Say how long ago something was, in one unit; from a month on, the date."""
    seconds = (now_ms - then_ms) / 1000
    if seconds < 0:
        return exact(then_ms)
    if seconds < 5:
        return _("just now")
    for limit, unit, text in (
        (60, 1, _("%(n)d s ago")),
        (3600, 60, _("%(n)d min ago")),
        (86_400, 3600, _("%(n)d h ago")),
        (2_592_000, 86_400, _("%(n)d d ago")),
    ):
        if seconds < limit:
            return text % {"n": int(seconds // unit)}
    return day(then_ms)


def moment(milliseconds: int) -> datetime:
    """Turn milliseconds since the epoch into an aware datetime in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def day(milliseconds: int) -> str:
    """Show a date: 2 Oct 2026."""
    then = moment(milliseconds)
    return f"{then.day} {then:%b %Y}"


def exact(milliseconds: int) -> str:
    """Show an exact time in UTC."""
    return f"{moment(milliseconds):%Y-%m-%d %H:%M:%S} UTC"


def one_line(text: str) -> str:
    """Show a log line where only one fits: without pictographs, which few fonts can draw."""
    kept = "".join(" " if unicodedata.category(sign) in ("So", "Cs", "Co", "Cn", "Cc", "Cf") else sign for sign in text)
    return " ".join(kept.split())


def slot(run_id: str) -> int:
    """Give a run its colour slot, 1 to 10; the same run looks the same everywhere, for ever.

    FNV-1a over the id's characters: the chart module computes the same number (`static/js/metric-chart.js`).
    """
    digest = 0x811C9DC5
    for letter in run_id:
        digest = ((digest ^ ord(letter)) * 0x01000193) & 0xFFFFFFFF
    return digest % 10 + 1


def mark(text: str) -> str:
    """Stand for a text where only a short plain word can be: in ids and lists of an address."""
    return f"{zlib.crc32(text.encode()):08x}"
