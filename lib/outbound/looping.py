"""An event loop that connects to checked addresses only, for libraries that bring their own connections.

Whatever a library makes of an address (a redirect, a region's own host, a second resolution of the name), the socket
is connected by the loop, and there each address is judged: a public one, or one that the operator allows.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from ipaddress import ip_address
from typing import Any

from lib.outbound.addresses import is_public
from lib.outbound.allowing import Allowed
from lib.outbound.urls import DEFAULT_PORTS, Address, Target

PERMITTED_MAX = 1000

logger = logging.getLogger(__name__)


class ConnectionRefusedHere(OSError):
    """The studio does not connect to this address; the words never tell what a name resolved to."""


class GuardedLoop(asyncio.SelectorEventLoop):
    """A loop whose sockets reach the public internet and what is allowed. Names that the operator allows by name are
    remembered by the addresses they had, for a socket knows no name.
    """

    def __init__(self, allowed: Allowed) -> None:
        super().__init__()
        self.allowed = allowed
        self.permitted: set[tuple[Address, int]] = set()

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        """Note what libraries leave behind, such as connections that are open when the process ends."""
        logger.info("outbound loop: %s", context.get("message"))

    async def getaddrinfo(self, host: Any, port: Any, **keywords: Any) -> Any:
        rows = await super().getaddrinfo(host, port, **keywords)
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
        for row in rows:
            self.admit(name.lower().rstrip("."), row[4])
        return rows

    def admit(self, name: str, place: tuple[Any, ...]) -> None:
        """Remember an address that is allowed by its name. Raises ConnectionRefusedHere for one that is refused."""
        address, port = ip_address(str(place[0]).partition("%")[0]), int(place[1])
        target = Target("https", name, port or DEFAULT_PORTS["https"], "/", None)
        if self.allowed.covers(target, address):
            if len(self.permitted) >= PERMITTED_MAX:
                self.permitted.clear()
            self.permitted.add((address, port))
        elif not is_public(address):
            raise refused()

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        if sock.family not in (socket.AF_INET, socket.AF_INET6):
            raise refused()
        self.require(address)
        await super().sock_connect(sock, address)

    def require(self, place: tuple[Any, ...]) -> None:
        address, port = ip_address(str(place[0]).partition("%")[0]), int(place[1])
        target = Target("https", str(address), port, "/", address)
        if not (is_public(address) or (address, port) in self.permitted or self.allowed.covers(target, address)):
            raise refused()


def refused() -> ConnectionRefusedHere:
    return ConnectionRefusedHere("The address is not on the public internet; the studio's operator can allow it.")


def started(allowed: Allowed) -> GuardedLoop:
    """Start a loop in a thread of its own, which lives as long as the process."""
    loop = GuardedLoop(allowed)
    threading.Thread(target=loop.run_forever, name="outbound-loop", daemon=True).start()
    return loop
