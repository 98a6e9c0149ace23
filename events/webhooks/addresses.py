"""Resolve the hosts of endpoints, and refuse addresses inside the installation's networks.

A caller chooses the host, and could let its name resolve to this machine, to another machine of its network, or to the
metadata service of a cloud. So every address is checked, and the connection goes to an address that was checked: a
second resolution could give another one.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from django.conf import settings

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

NAT64: Final = ip_network("64:ff9b::/96")
"""The IPv6 addresses that a gateway translates to IPv4 (RFC 6052)."""

SPECIAL: Final = tuple(map(ip_network, ("192.0.0.0/24", "192.88.99.0/24", "64:ff9b:1::/48")))
"""Networks for special purposes that Python takes for public ones (RFC 6890, RFC 7526, RFC 8215)."""


class Unresolved(Exception):
    """Raised for a host whose name has no address now."""


class ForbiddenAddress(Exception):
    """Raised for a host with an address that no endpoint may have."""


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host, each of which was checked. Raises Unresolved and ForbiddenAddress."""
    try:
        socket_addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unresolved from error
    addresses = list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in socket_addresses))
    if not addresses:
        raise Unresolved
    if not all(is_allowed(address, settings.WEBHOOK_ALLOWED_NETWORKS) for address in addresses):
        raise ForbiddenAddress
    return addresses


def is_allowed(text: str, networks: Sequence[Network]) -> bool:
    """Return whether a connection may go to an address: a public one, or one in the networks of the settings."""
    address = _meant_by(ip_address(text.partition("%")[0]))
    if any(address.version == network.version and address in network for network in networks):
        return True
    return all(_is_public(target) for target in (address, *_tunnelled_by(address)))


def _is_public(address: Address) -> bool:
    is_special = any(address.version == network.version and address in network for network in SPECIAL)
    return address.is_global and not address.is_multicast and not is_special


def _meant_by(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for, or the address itself."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address in NAT64:
            return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _tunnelled_by(address: Address) -> list[IPv4Address]:
    """Return the IPv4 addresses to which a tunnel would bring packets for an IPv6 address (6to4 and Teredo)."""
    if isinstance(address, IPv4Address):
        return []
    return [target for target in (address.sixtofour, *(address.teredo or ())) if target]
