"""The times of a cron expression of five fields in a time zone.

When the clocks change, Debian's rule holds, by `cronsim`: a time that is skipped comes right after the gap, one that is
there twice comes once; expressions that run every hour or minute go on evenly.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from django.utils.translation import gettext as _

from lib.errors import InvalidValue

COUNTED_MAX = 1000


def check(cron: str, time_zone: str) -> None:
    """Raise InvalidValue for an expression or a time zone that cannot be read, or that never comes."""
    zone(time_zone)
    if len(cron.split()) != 5:
        raise InvalidValue(_("A cron expression has five fields: minute, hour, day, month, weekday."), field="cron")
    try:
        if next_ms(cron, time_zone, 0) is None:
            raise InvalidValue(_("“%s” never comes.") % cron[:100], field="cron")
    except CronSimError:
        raise InvalidValue(_("“%s” is not a cron expression.") % cron[:100], field="cron") from None


def zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise InvalidValue(_("“%s” is not a time zone.") % name[:100], field="time_zone") from None


def moment(milliseconds: int, time_zone: str) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone(zone(time_zone))


def as_ms(when: datetime) -> int:
    return int(when.timestamp() * 1000)


def next_ms(cron: str, time_zone: str, after_ms: int) -> int | None:
    """Give the first tick after a moment; None when none comes in the next decades."""
    return next(iter(following(cron, time_zone, after_ms, 1)), None)


def following(cron: str, time_zone: str, after_ms: int, count: int) -> list[int]:
    """Give the next ticks after a moment."""
    return [as_ms(when) for when in islice(CronSim(cron, moment(after_ms, time_zone)), count)]


def due(cron: str, time_zone: str, first_ms: int, now_ms: int) -> tuple[int, int]:
    """Give the newest tick that has come of those from `first_ms` on, and how many came before it (counted to 1000)."""
    newest, before = first_ms, 0
    for when in islice(CronSim(cron, moment(first_ms, time_zone)), COUNTED_MAX):
        if as_ms(when) > now_ms:
            return newest, before
        newest, before = as_ms(when), before + 1
    backward = CronSim(cron, moment(now_ms + 1000, time_zone), reverse=True)
    return as_ms(next(iter(backward))), before
