"""Which addresses are the public internet's.

Tables of IANA's special-purpose registries (RFC 6890 and its successors), written out: `ipaddress.is_global` changed
its mind between patch releases of Python, and a wall should not move with them.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address

REFUSED_4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",         # this network; 0.0.0.0 connects to loopback
        "10.0.0.0/8",        # private
        "100.64.0.0/10",     # carrier-grade NAT; one cloud's metadata
        "127.0.0.0/8",       # loopback
        "168.63.129.16/32",  # a cloud's host agent, on a public address
        "169.254.0.0/16",    # link-local; the other clouds' metadata
        "172.16.0.0/12",     # private
        "192.0.0.0/24",      # protocol assignments; one cloud's metadata
        "192.0.2.0/24",      # documentation
        "192.88.99.0/24",    # relays to 6to4
        "192.168.0.0/16",    # private
        "198.18.0.0/15",     # benchmarks
        "198.51.100.0/24",   # documentation
        "203.0.113.0/24",    # documentation
        "224.0.0.0/4",       # multicast
        "240.0.0.0/4",       # reserved, and broadcast
    )
)  # fmt: skip

# All that is handed out lies here; loopback, mapped IPv4, unique local, link-local and multicast lie outside.
GLOBAL_6 = IPv6Network("2000::/3")
REFUSED_6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",      # protocol assignments, among them Teredo, which carries any IPv4 address
        "2001:db8::/32",  # documentation
        "2002::/16",      # 6to4, which carries any IPv4 address
        "3fff::/20",      # documentation
    )
)  # fmt: skip
# A network without IPv4 reaches the public one by this prefix (RFC 6052), so what it carries is judged.
NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Say whether anybody on the internet may be meant; everything special, private or doubtful is not."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in REFUSED_4)
    if address in NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    return address in GLOBAL_6 and not any(address in network for network in REFUSED_6)
