"""Names into addresses, once, within a time."""

from __future__ import annotations

import socket
import threading
from ipaddress import ip_address

from lib.outbound.urls import Address


class Unresolved(Exception):
    """The name has no address now."""


def resolve(host: str, timeout_s: float) -> list[Address]:
    """Ask the system for a name's addresses, in its order of preference. Raises Unresolved.

    The system's resolver knows no time-out, so it runs in a thread that is left behind when it takes too long.
    """
    found: list[Address] = []

    def ask() -> None:
        try:
            rows = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        except (OSError, UnicodeError):
            return
        # A zone (fe80::1%eth0) is dropped: such an address is refused anyway.
        found.extend(ip_address(str(row[4][0]).partition("%")[0]) for row in rows)

    thread = threading.Thread(target=ask, name="outbound-resolve", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if thread.is_alive() or not found:
        raise Unresolved(host)
    return list(dict.fromkeys(found))
