"""A bound on the time that a search may take: what a filter costs depends on the data, so no parser can tell it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext as _

from lib.errors import InvalidValue

LONGEST_S = 20.0
# PostgreSQL's code for a statement that was canceled, here because its time was up.
CANCELED = "57014"
SET = "SELECT set_config('statement_timeout', %s, true)"


@contextmanager
def limited(seconds: float = LONGEST_S) -> Iterator[None]:
    """Evaluate querysets inside for at most so long each. Raises InvalidValue when the time is up.

    The bound outlives the caller: PostgreSQL would otherwise go on after a client that went away.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout')")
            [(before,)] = cursor.fetchall()
            cursor.execute(SET, [f"{round(seconds * 1000)}ms"])
            yield
            # The transaction may be the caller's, and go on.
            cursor.execute(SET, [before])
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", "") != CANCELED:
            raise
        message = _("The search took longer than %(seconds)s seconds. Ask for fewer runs or with fewer comparisons.")
        raise InvalidValue(message % {"seconds": f"{seconds:g}"}) from None
