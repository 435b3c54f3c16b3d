"""A bound on the time that a search may take: what a filter costs depends on the data, so no parser can tell it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext as _

from lib.errors import InvalidValue

LONGEST_S = 20.0
# PostgreSQL's code for a statement that was canceled, here because its time was up.
CANCELED = "57014"
# A search is one process's work: to start others, or a compiler, costs more than nearly any search does.
ALONE = {"max_parallel_workers_per_gather": "0", "jit": "off"}
NAMES = ("statement_timeout", *ALONE)
READ = ", ".join(f"current_setting('{name}')" for name in NAMES)
WRITE = ", ".join(f"set_config('{name}', %s, true)" for name in NAMES)


@contextmanager
def limited(seconds: float = LONGEST_S) -> Iterator[None]:
    """Evaluate querysets inside for at most so long each. Raises InvalidValue when the time is up.

    The bound outlives the caller: PostgreSQL would otherwise go on after a client that went away. They are evaluated
    as a whole: a cursor of the server's (`iterator()`) is refused inside, by a syntax error.
    """
    milliseconds = round(seconds * 1000)
    try:
        with within_transaction(milliseconds) if connection.in_atomic_block else prefixed(milliseconds):
            yield
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", "") != CANCELED:
            raise
        message = _("The search took longer than %(seconds)s seconds. Ask for fewer runs or with fewer comparisons.")
        raise InvalidValue(message % {"seconds": f"{seconds:g}"}) from None


@contextmanager
def prefixed(milliseconds: int) -> Iterator[None]:
    """Send the bounds with each statement: PostgreSQL makes one transaction of all, and the way there is gone once."""
    bounds = "".join(f"SET LOCAL {name} = {value}; " for name, value in settings(milliseconds).items())

    def execute(run: Callable[..., Any], statement: str, *rest: Any) -> Any:
        return run(bounds + statement, *rest)

    with connection.execute_wrapper(execute):
        yield


@contextmanager
def within_transaction(milliseconds: int) -> Iterator[None]:
    """Bound the caller's transaction until the end of the block; it goes on with the bounds that it had."""
    wanted = settings(milliseconds)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT {READ}, {WRITE}", list(wanted.values()))
        [found] = cursor.fetchall()
        yield
        cursor.execute(f"SELECT {WRITE}", found[: len(wanted)])


def settings(milliseconds: int) -> dict[str, str]:
    return {"statement_timeout": str(milliseconds), **ALONE}
