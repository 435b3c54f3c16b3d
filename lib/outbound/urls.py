"""An address as a user gives it, read by a grammar with one spelling for each thing.

The danger is two readers of one text: a check that sees a public name and a connection that goes elsewhere. So whatever
has a second reading is refused (user names, backslashes, `127.1`, octal, white space, non-ASCII letters), and only the
parts read here are used later.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from django.utils.translation import gettext as _

from lib.errors import InvalidValue

Address = IPv4Address | IPv6Address

LONGEST_URL = 2048
LONGEST_NAME = 253
DEFAULT_PORTS = {"https": 443, "http": 80}

URL = re.compile(
    r"""
    (?P<scheme>[A-Za-z][A-Za-z0-9+.-]*) ://
    (?P<host> \[ [0-9A-Fa-f:.]+ \] | [A-Za-z0-9._-]+ )
    (?: : (?P<port>[0-9]{1,5}) )?
    (?P<path> / [!$-.0-;=@-\[\]_a-z~%/]* )?
    (?P<query> \? [!$-;=?@-\[\]_a-z~%/]* )?
    """,
    re.VERBOSE,
)
LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
# What some reader takes for a number: then the whole host has to be an address in its one usual spelling.
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


@dataclass(frozen=True)
class Target:
    """Where to connect and what to ask for: `path` has the query in it, `literal` is the host if that is an address."""

    scheme: str
    host: str
    port: int
    path: str
    literal: Address | None

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if isinstance(self.literal, IPv6Address) else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def parse(url: str) -> Target:
    """Read an https or http address. Raises InvalidValue that says what is wrong with it."""
    if len(url) > LONGEST_URL:
        raise refused(_("The URL is longer than %s characters.") % LONGEST_URL)
    found = URL.fullmatch(url)
    scheme = url.partition(":")[0].lower()
    if scheme not in DEFAULT_PORTS:
        raise refused(_("The URL must begin with https://."))
    if found is None:
        raise refused(
            _("The URL cannot be read: write https://host[:port]/path, without user name, space, “#” or odd letters.")
        )
    host, literal = read_host(found["host"].lower())
    port = read_port(found["port"]) if found["port"] else DEFAULT_PORTS[scheme]
    path = (found["path"] or "/") + (found["query"] or "")
    return Target(scheme, host, port, path, literal)


def read_host(text: str) -> tuple[str, Address | None]:
    """Give the host, and the address if it is one. Raises InvalidValue for a second spelling of an address."""
    if text.startswith("["):
        return read_literal(text[1:-1])
    labels = text.split(".")
    if NUMBER.fullmatch(labels[-1]):
        return read_literal(text)
    if len(text) > LONGEST_NAME or not all(LABEL.fullmatch(label) for label in labels):
        raise refused(_("“%s” is not a host name.") % text[:100])
    return text, None


def read_literal(text: str) -> tuple[str, Address]:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        address = None
    if address is None or str(address) != text:
        raise refused(_("“%s” is not the usual spelling of an IP address.") % text[:100])
    return text, address


def read_port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65535 or str(port) != text:
        raise refused(_("“%s” is not a port.") % text)
    return port


def refused(message: str) -> InvalidValue:
    return InvalidValue(message, field="url")
