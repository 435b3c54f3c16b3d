"""What the operator allows beyond the public internet: STUDIO_OUTBOUND_ALLOW."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from lib.env import BadSetting
from lib.outbound.urls import Address, Target

ENTRY = re.compile(r"\[(?P<six>[0-9A-Fa-f:.]+)\](:(?P<six_port>\d+))?|(?P<host>[^:\[\]/]+)(:(?P<port>\d+))?")
NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")


@dataclass(frozen=True)
class Entry:
    """A host name or a network, at one port or (None) at all."""

    name: str | None
    network: IPv4Network | IPv6Network | None
    port: int | None

    def fits_name(self, target: Target) -> bool:
        return self.name is not None and self.name == target.host and self.port in (None, target.port)

    def fits(self, target: Target, address: Address) -> bool:
        if self.network is None:
            return self.fits_name(target)
        return address in self.network and self.port in (None, target.port)


@dataclass(frozen=True)
class Allowed:
    """Hosts that may be private and may be spoken to by plain http."""

    entries: tuple[Entry, ...] = ()

    @classmethod
    def read(cls, texts: Iterable[str]) -> Allowed:
        """Read `host`, `host:port`, an address or a network each. Raises BadSetting that quotes the faulty one."""
        return cls(tuple(read_entry(text.strip().lower()) for text in texts))

    def covers(self, target: Target, address: Address) -> bool:
        return any(entry.fits(target, address) for entry in self.entries)

    def covers_name(self, target: Target) -> bool:
        return any(entry.fits_name(target) for entry in self.entries)


def read_entry(text: str) -> Entry:
    if (network := as_network(text)) is not None:
        return Entry(None, network, None)
    found = ENTRY.fullmatch(text)
    if found is None:
        raise bad(text)
    host = found["six"] or found["host"]
    port = found["six_port"] or found["port"]
    if port is not None and not 1 <= int(port) <= 65535:
        raise bad(text)
    network = as_network(host)
    if network is None and (found["six"] or not NAME.fullmatch(host)):
        raise bad(text)
    return Entry(None if network else host, network, int(port) if port else None)


def as_network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text)
    except ValueError:
        return None


def bad(text: str) -> BadSetting:
    return BadSetting(
        f"STUDIO_OUTBOUND_ALLOW holds {text!r}, which is neither a host, host:port, an address nor a network such as "
        "10.0.0.0/8."
    )
