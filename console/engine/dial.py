"""Connections to hosts that an admin named: one address, looked at before anything is sent, and a deadline.

A name is looked up once and the address that was looked at is the one that is connected to, so a name that changes
meanwhile leads nowhere else. Private and loopback addresses are allowed, for that is where private registries are; what
no registry has is refused: link-local ones (where clouds keep the credentials of a machine) and those like them.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Final

from console.engine.transport import KEEP_ALIVE

CONNECT_WITHIN: Final = 4.0  # seconds
# Metadata services of clouds that do not stand in a link-local range.
METADATA: Final = frozenset(
    ipaddress.ip_address(address) for address in ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254")
)


class Forbidden(OSError):
    """The name leads to an address that is never connected to."""


def refused(address: str) -> bool:
    """Whether nothing is ever sent to ``address``."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if inner is not None:
            return refused(str(inner))
    special = found.is_link_local or found.is_multicast or found.is_unspecified
    return special or found in METADATA or str(found) == "255.255.255.255"


def dial(host: str, port: int, seconds: float) -> socket.socket:
    """Connect to a TCP port. Raises ``OSError``; ``Forbidden`` if one of the addresses is not to be asked."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for *_, place in found:
        if refused(str(place[0])):
            raise Forbidden(f"{host} leads to {place[0]}, which no registry has")
    problem: OSError = OSError("no address")
    for family, kind, protocol, _, place in found[:4]:
        made = socket.socket(family, kind, protocol)
        try:
            made.settimeout(min(CONNECT_WITHIN, seconds))
            made.connect(place)
        except OSError as error:
            made.close()
            problem = error
            continue
        for level, option, value in KEEP_ALIVE:
            made.setsockopt(level, option, value)
        return made
    raise problem
