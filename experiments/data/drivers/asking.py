"""Asks a library that connects by itself: in the guarded loop, for so long and no longer, in words of ours."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Iterator
from functools import cache
from typing import TypeVar

from django.conf import settings
from django.utils.translation import gettext as _

from experiments.data.drivers import Connection, driver
from lib.errors import Conflict, InvalidValue, NotFound, Unavailable
from lib.outbound.looping import ConnectionRefusedHere, GuardedLoop, started

Result = TypeVar("Result")

logger = logging.getLogger(__name__)

# Stores that hang hold no more of a process's threads than this.
AT_ONCE = threading.BoundedSemaphore(8)
TURN_S = 10
REFUSALS = {401, 403}


def loop() -> GuardedLoop:
    return loop_of(os.getpid())


@cache
def loop_of(_pid: int) -> GuardedLoop:
    """Start the process's own loop: a thread does not outlive a fork."""
    return started(settings.OUTBOUND_ALLOWED)


def ask(connection: Connection, question: Callable[[], Awaitable[Result]], *, seconds: float) -> Result:
    """Give the answer to a question that runs in the loop.

    Raises NotFound for an object that is not there, Conflict when the store refuses the credentials, InvalidValue for
    an address that the studio refuses, Unavailable when nothing sensible came in time.
    """

    async def asked() -> Result:
        return await question()

    if not AT_ONCE.acquire(timeout=TURN_S):
        raise Unavailable(_("Too many questions wait for slow stores. Try again."))
    try:
        return answer(asyncio.run_coroutine_threadsafe(asked(), loop()), seconds)
    except concurrent.futures.TimeoutError:
        raise Unavailable(_("The store did not answer in %s seconds.") % round(seconds)) from None
    except errors_of(connection) as error:
        raise translated(error) from error
    finally:
        AT_ONCE.release()


def answer(future: concurrent.futures.Future[Result], seconds: float) -> Result:
    try:
        return future.result(seconds)
    finally:
        future.cancel()  # does nothing to one that has ended


def errors_of(connection: Connection) -> tuple[type[Exception], ...]:
    from aiohttp import ClientError

    # The last ones: what is no such store answers things over which the libraries stumble.
    stumbles = (AttributeError, KeyError, TypeError)
    return (OSError, ValueError, ClientError, *driver(connection.kind).errors(), *stumbles)


def translated(error: BaseException) -> Exception:
    """Say what a library's error means to the user."""
    chain = list(causes(error))
    if any(isinstance(one, ConnectionRefusedHere) for one in chain):
        return InvalidValue(
            _("The store's address is not on the public internet; the studio's operator can allow it."),
            field="endpoint",
        )
    if any(isinstance(one, FileNotFoundError) or status(one) == 404 for one in chain):
        return NotFound(_("The store has nothing there: check bucket, container and path."))
    if any(isinstance(one, PermissionError) or status(one) in REFUSALS for one in chain):
        return Conflict(_("The store refuses the credentials, or they may not read it."))
    if isinstance(error, AttributeError | KeyError | TypeError):
        logger.warning("a store answers what its library cannot read", exc_info=error)
        return Unavailable(_("What answers there is no store of this kind."))
    return Unavailable(_("The store could not be read: %s") % said(error))


def status(error: BaseException) -> int:
    """Give the HTTP status that a library's error tells of, in whichever way it does; 0 for none."""
    response = getattr(error, "response", None)
    found = response.get("ResponseMetadata", {}).get("HTTPStatusCode") if isinstance(response, dict) else None
    for one in (found, getattr(error, "status_code", None), getattr(error, "code", None), getattr(error, "status", 0)):
        if isinstance(one, int | str) and str(one).isdigit():
            return int(one)
    return 0


def causes(error: BaseException | None) -> Iterator[BaseException]:
    for _step in range(20):
        if error is None:
            return
        yield error
        inner = getattr(error, "os_error", None) or getattr(error, "inner_exception", None)
        error = error.__cause__ or error.__context__ or (inner if isinstance(inner, BaseException) else None)


def said(error: BaseException) -> str:
    """Give the first line of a library's words; a signed address in them loses its query."""
    line = (str(error).strip().splitlines() or [""])[0]
    return " ".join(word.partition("?")[0] for word in line.split())[:200] or type(error).__name__
