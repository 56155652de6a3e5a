"""Which addresses the gateway may connect to on behalf of a cloud.

Judged is the address of each connection, after the name was resolved: a name may resolve to anything, and what a
catalog or the Compute API says is the cloud's word, not the operator's. Private ranges (RFC 1918, RFC 4193, RFC 6598)
are always allowed: most clouds live there. Loopback is allowed where the operator's own words have that form.

An IPv6 address that carries an IPv4 address is judged by that one: mapped and compatible (RFC 4291 §2.5.5), translated
(RFC 2765 §2.1), NAT64 (RFC 6052, RFC 8215), 6to4 (RFC 3056), Teredo (RFC 4380) and ISATAP (RFC 5214 §6.1).
"""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_network
from typing import Final, Protocol
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address

_METADATA: Final = tuple(
    ip_network(network)
    for network in (
        "100.100.100.200/32",  # Alibaba Cloud: www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata
        "168.63.129.16/32",  # Azure's wire server: learn.microsoft.com, what-is-ip-address-168-63-129-16
        "192.0.0.192/32",  # Oracle Cloud Classic: docs.oracle.com/en/cloud/iaas-classic/compute-iaas-cloud (metadata)
        "fd00:ec2::/32",  # Amazon: ::254 metadata, ::253 DNS, ::123 time, ::23 credentials of pods (EC2 and EKS guides)
        "fd20:ce::254/128",  # Google: cloud.google.com/compute/docs/metadata/querying-metadata
        "fd00:c1::a9fe:a9fe/128",  # Oracle Cloud: cloud-init, DataSourceOracle (METADATA_ROOT_IPV6)
        "fd00:42::42/128",  # Scaleway: cloud-init, DataSourceScaleway
    )
)
"""Metadata services outside 169.254.0.0/16 and fe80::/10, which hold all others: 169.254.169.254 of nearly every cloud
(fe80::a9fe:a9fe in OpenStack), 169.254.170.2 and 169.254.170.23 of Amazon's containers, 169.254.0.23 of Tencent."""
_THIS_NETWORK: Final = ipaddress.IPv4Network("0.0.0.0/8")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL: Final = IPv6Network("64:ff9b:1::/48")
_LAST_32: Final = (IPv6Network("::/96"), IPv6Network("::ffff:0:0/96"), IPv6Network("::ffff:0:0:0/96"), _NAT64)
_ISATAP: Final = frozenset({0x00005EFE, 0x02005EFE})
_REMEMBERED: Final = 1024
"""Addresses whose judgement is remembered: each launch asks for one, and again and again for the same few."""
_SHORT_PREFIXES: Final = (48, 56, 64)
"""Of 64:ff9b:1::/48: prefixes behind which the IPv4 address does not stand at the end (RFC 6052 §2.2)."""


class Refusal(enum.StrEnum):
    """Why an address is not dialled: the end of a sentence that begins with the address and `is`."""

    METADATA = "a link-local or metadata address"
    NO_HOST = "not an address of a host"
    LOOPBACK = "an address of this host itself, which no address of the configuration is"
    OWN = "where this gateway itself listens"


class AddressRefusedError(OSError):
    """No address of a host may be dialled; `refused` says why, by address."""

    def __init__(self, refused: dict[str, Refusal]) -> None:
        super().__init__(", ".join(f"{address} is {why}" for address, why in refused.items()))
        self.refused = refused


class Listeners(Protocol):
    """Where this process listens."""

    def at(self, address: str, port: int) -> bool:
        """Whether a connection to the address and port would reach this process."""
        ...

    def at_path(self, path: str) -> bool:
        """Whether a connection to the Unix socket would."""
        ...


class NoListeners:
    """Of a process that listens nowhere."""

    def at(self, _address: str, _port: int) -> bool:
        return False

    def at_path(self, _path: str) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Egress:
    """What is allowed of the forms that are allowed to no cloud by itself."""

    loopback: bool
    plain: bool
    """`http` and `ws`, not `https` and `wss`."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Judges the addresses that are dialled for one cloud."""

    loopback: bool
    own: Listeners = field(default_factory=NoListeners)

    def refusal(self, address: str, port: int, *, named: bool = False) -> Refusal | None:
        """Why an IP address must not be dialled; one that the operator has `named` may be any but our own."""
        if self.own.at(address, port):
            return Refusal.OWN
        return None if named else refusal(address, loopback=self.loopback)

    def allowed(self, addresses: Iterable[str], port: int, *, named: bool = False) -> list[str]:
        """Those of a host's addresses that may be dialled. Raises AddressRefusedError where there is none."""
        judged = {address: self.refusal(address, port, named=named) for address in addresses}
        allowed = [address for address, why in judged.items() if why is None]
        if not allowed:
            raise AddressRefusedError({address: why for address, why in judged.items() if why is not None})
        return allowed


@lru_cache(_REMEMBERED)
def refusal(address: str, *, loopback: bool) -> Refusal | None:
    """Why an IP address must not be dialled, or None. `loopback`: whether the operator's own words are on loopback."""
    ip = parse_address(address)
    carried = tuple(_carried(ip)) if isinstance(ip, IPv6Address) and not _is_plain_v6(ip) else ()
    found = [why for one in (carried or (ip,)) if (why := _judged(one)) is not None]
    found += _hidden(ip)
    for why in (Refusal.METADATA, Refusal.NO_HOST):
        if why in found:
            return why
    return Refusal.LOOPBACK if found and not loopback else None


@lru_cache(_REMEMBERED)
def parse_address(address: str) -> Address:
    """The address without its scope, IPv4 where it is IPv4 mapped into IPv6. Raises ValueError."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    return ip.ipv4_mapped or ip if isinstance(ip, IPv6Address) else ip


def is_loopback_form(host: str) -> bool:
    """Whether a host is written as loopback: a literal address, or the name localhost. No name is resolved."""
    try:
        return parse_address(host).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost" or host.lower().rstrip(".").endswith(".localhost")


def how_to_allow(host: str, origin: str, key: str) -> str:
    """What to write so that a host is the operator's own word: a rule under `key`; for a name its line, too."""
    line = "" if is_loopback_form(host) else f", and put {host} into /etc/hosts"
    return f'name it in {key}, as in to: "{origin}"{line}'


def says_loopback(urls: Iterable[str], hosts: str = "") -> bool:
    """Whether one of the operator's own URLs is on loopback.

    `hosts` is the text of /etc/hosts, which is the operator's own word too: `127.0.1.1 controller` there makes
    http://controller:5000 one on loopback.
    """
    named = {host_of(url) for url in urls} - {""}
    return any(is_loopback_form(host) for host in named) or bool(named & _loopback_names(hosts))


def host_of(url: str) -> str:
    """The host of a URL in lower case, empty where it has none that can be read."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def leads_to(address: Address, listener: Address, *, local: bool) -> bool:
    """Whether a connection to an address reaches a listener on another, with the same port.

    Both are of `parse_address`; `local`: whether the address is one of this host. 127.0.0.1 and ::1 stand for each
    other. Linux takes the unspecified address, as one to connect to, for loopback.
    """
    if listener.is_unspecified:
        return local or address.is_loopback or address.is_unspecified
    first_two = {IPv4Address("127.0.0.1"), IPv6Address("::1"), IPv4Address("0.0.0.0"), IPv6Address("::")}  # noqa: S104 -- what is dialled
    return address == listener or (address in first_two and listener in first_two)


def _loopback_names(hosts: str) -> set[str]:
    """The names of a hosts file that stand behind a loopback address (hosts(5))."""
    found: set[str] = set()
    for line in hosts.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        if names and is_loopback_form(address):
            found.update(name.lower() for name in names)
    return found


def _judged(ip: Address) -> Refusal | None:
    """By the address itself, whatever it carries."""
    if ip.is_link_local or any(ip in network for network in _METADATA):
        return Refusal.METADATA
    if ip.is_loopback:
        return Refusal.LOOPBACK
    reserved = ip.is_reserved or (isinstance(ip, IPv4Address) and ip in _THIS_NETWORK)
    return Refusal.NO_HOST if ip.is_multicast or ip.is_unspecified or reserved else None


def _is_plain_v6(ip: IPv6Address) -> bool:
    """:: and ::1 stand in the range of compatible addresses, and carry none."""
    return ip.is_loopback or ip.is_unspecified


def _carried(ip: IPv6Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses that decide where the packets go; none for ordinary IPv6."""
    number = int(ip)
    if any(ip in network for network in _LAST_32):
        yield IPv4Address(number & 0xFFFFFFFF)
    elif ip in _NAT64_LOCAL:
        behind = _behind_short_prefixes(number)
        last = IPv4Address(number & 0xFFFFFFFF)
        if last not in _THIS_NETWORK or all(one in _THIS_NETWORK for one in behind):
            yield last
        else:
            yield from (one for one in behind if one not in _THIS_NETWORK)
    elif ip.sixtofour is not None:
        yield ip.sixtofour
    elif ip.teredo is not None:
        yield from ip.teredo


def _hidden(ip: Address) -> list[Refusal]:
    """What the forms add that leave the address good in itself: ISATAP, and NAT64 behind a prefix that is not known."""
    if not isinstance(ip, IPv6Address):
        return []
    number = int(ip)
    inside = list(_behind_short_prefixes(number)) if ip in _NAT64_LOCAL else []
    if (number >> 32) & 0xFFFFFFFF in _ISATAP:
        inside.append(IPv4Address(number & 0xFFFFFFFF))
    judged = (_judged(one) for one in inside if one not in _THIS_NETWORK)
    return [why for why in judged if why in {Refusal.METADATA, Refusal.LOOPBACK}]


def _behind_short_prefixes(number: int) -> tuple[IPv4Address, ...]:
    """The IPv4 address behind each prefix length, bits 64 to 71 left out (RFC 6052 §2.2)."""
    without = (number >> 64 << 56) | (number & (1 << 56) - 1)
    return tuple(IPv4Address(without >> (120 - length - 32) & 0xFFFFFFFF) for length in _SHORT_PREFIXES)
