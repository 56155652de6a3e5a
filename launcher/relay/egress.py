"""Which addresses a console proxy may have.

Checked on the address a connection is really made to: a name may resolve to anything, and what the API returned is the
cloud's word, not the operator's.
"""

from __future__ import annotations

import ipaddress

_METADATA = frozenset({ipaddress.ip_address("fd00:ec2::254"), ipaddress.ip_address("100.100.100.200")})


def refusal(address: str, *, loopback: bool) -> str | None:
    """Why an IP address must not be dialled, in words, or None.

    `loopback` says whether the cloud's own endpoint is on loopback: only then may its console proxy be.
    """
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if ip.is_link_local or ip in _METADATA:
        return "a link-local or metadata address"
    if ip.is_multicast or ip.is_unspecified:
        return "not an address of a host"
    if ip.is_loopback and not loopback:
        return "an address of this host itself, while the cloud's API is elsewhere"
    return None
