"""How many uploads a web worker takes at once: their senders may be slow, and each holds one of its threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.utils.translation import gettext as _

from lib.errors import Unavailable
from workspaces.request import Request

# Of the eight threads of a worker; the others answer what is short, however many uploads dawdle.
MOST = 5

SLOTS = threading.BoundedSemaphore(MOST)


@contextmanager
def upload(request: Request) -> Iterator[None]:
    """Hold a slot while a body is read. Raises Unavailable when none is free: the clients ask again by themselves."""
    if not SLOTS.acquire(blocking=False):
        raise Unavailable(_("Too many files are being sent at once. Try again in a moment."))
    try:
        yield
    finally:
        SLOTS.release()
        let_go(request)


def let_go(request: Request) -> None:
    """Drop the body. A request is part of a cycle, which waits for the garbage collector with a megabyte of buffers."""
    request.META.pop("wsgi.input", None)
    request.__dict__.pop("_stream", None)
