"""Check an address, and send one request to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpcore
from django.utils.translation import gettext as _

from lib.errors import InvalidValue, Unavailable
from lib.outbound.addresses import is_public
from lib.outbound.allowing import Allowed
from lib.outbound.connecting import Deadline, PinnedNetwork, trust
from lib.outbound.resolving import Unresolved, resolve
from lib.outbound.urls import Address, Target, parse, refused

Resolver = Callable[[str, float], list[Address]]

RESOLVE_S = 3.0
MOST_ADDRESSES = 4


class NoAnswer(Unavailable):
    """The other side could not be reached or did not answer; another time it may."""


@dataclass(frozen=True)
class Limits:
    connect_s: float = 4.0
    read_s: float = 8.0
    total_s: float = 10.0
    answer_bytes: int = 16 * 1024


@dataclass(frozen=True)
class Answer:
    """What came back; header names in lower case; `body` is cut at the limit."""

    status: int
    body: bytes
    is_cut: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


def check(url: str, *, allowed: Allowed, resolver: Resolver = resolve) -> Target:
    """Raise InvalidValue for an address that would be refused when used.

    A name that does not resolve now passes: it is checked again at each use.
    """
    target = parse(url)
    try:
        destination(target, allowed, resolver)
    except NoAnswer:
        if target.scheme == "http" and not allowed.covers_name(target):
            raise needs_https() from None
    return target


def destination(target: Target, allowed: Allowed, resolver: Resolver) -> list[Address]:
    """Give the addresses to connect to, all of them checked.

    Raises InvalidValue when a single one is refused (a name with a public and a private address is a trick), NoAnswer
    when the name has none. The words never tell what a name resolved to: they would draw a map of the private network.
    """
    addresses = [target.literal] if target.literal else resolved(target, resolver)
    for address in addresses:
        if allowed.covers(target, address):
            continue
        if target.scheme == "http":
            raise needs_https()
        if not is_public(address):
            raise refused(_("“%s” is not on the public internet; the studio's operator can allow it.") % target.host)
    return addresses[:MOST_ADDRESSES]


def resolved(target: Target, resolver: Resolver) -> list[Address]:
    try:
        return resolver(target.host, RESOLVE_S)
    except Unresolved:
        raise NoAnswer(_("The host name “%s” could not be resolved.") % target.host) from None


def needs_https() -> InvalidValue:
    return refused(_("The URL must begin with https://; plain http is for hosts that the studio's operator allows."))


def send(
    url: str,
    *,
    body: bytes,
    headers: Mapping[str, str],
    allowed: Allowed,
    method: str = "POST",
    limits: Limits | None = None,
    resolver: Resolver = resolve,
    network: httpcore.NetworkBackend | None = None,
) -> Answer:
    """Send one request and give the answer, whatever its status: redirects are not followed.

    Raises InvalidValue for an address that is refused, NoAnswer when nothing came back in time.
    """
    limits = limits or Limits()
    deadline = Deadline(limits.total_s)
    target = parse(url)
    addresses = destination(target, allowed, resolver)
    pinned = PinnedNetwork(network or httpcore.SyncBackend(), addresses, deadline)
    try:
        return exchange(target, pinned, method, body, headers, limits)
    except httpcore.TimeoutException:
        raise NoAnswer(_("“%s” did not answer in time.") % target.host) from None
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
        raise NoAnswer(reason(target, error)) from None


def reason(target: Target, error: Exception) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return _("“%s” showed a certificate that is not valid for it.") % target.host
    if isinstance(error, httpcore.ConnectError):
        return _("“%s” could not be reached.") % target.host
    return _("The connection to “%s” broke.") % target.host


def exchange(
    target: Target, network: PinnedNetwork, method: str, body: bytes, headers: Mapping[str, str], limits: Limits
) -> Answer:
    """Talk HTTP/1.1 over a connection of its own; the parsed parts are used, the text of the URL is not read again."""
    url = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
    # No compressed answers: what is read is what was sent, and no small answer unpacks into a large one.
    given = {"Host": target.host_header, "Accept-Encoding": "identity", "Connection": "close", **headers}
    times = {"connect": limits.connect_s, "read": limits.read_s, "write": limits.read_s, "pool": limits.connect_s}
    with (
        httpcore.ConnectionPool(ssl_context=trust(), max_connections=1, network_backend=network) as pool,
        pool.stream(method, url, headers=list(given.items()), content=body, extensions={"timeout": times}) as response,
    ):
        content, is_cut = read_up_to(response, limits.answer_bytes)
        return Answer(response.status, content, is_cut, plain_headers(response))


def read_up_to(response: httpcore.Response, most: int) -> tuple[bytes, bool]:
    content = bytearray()
    for chunk in response.iter_stream():
        content += chunk
        if len(content) > most:
            return bytes(content[:most]), True
    return bytes(content), False


def plain_headers(response: httpcore.Response) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
