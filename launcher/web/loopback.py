"""Takes TCP ports of loopback: 127.0.0.1 and ::1 together, so that no other account can have one of the two.

Browsers look for `localhost` and `*.localhost` at both addresses, ::1 first (RFC 6761 §6.3, RFC 6724 §2.1). A page that
another account serves at the one that we leave has an origin of ours, and its WebSockets would come in as the person
who looks at it. Other addresses (127.0.0.2) are only ever dialled by their number, and need no partner.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Iterable, Set
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from launcher.config.listen import TcpAddress
from launcher.egress import parse_address
from launcher.errors import ListenError
from launcher.web.bound import Bound, listen_error, open_socket

BACKLOG: Final = 512
"""A thousand bookmarks may be opened at once; the kernel queues what we have not accepted yet."""
_FOUR, _SIX = "127.0.0.1", "::1"
_PARTNER: Final = {_FOUR: _SIX, _SIX: _FOUR}
_ABSENT: Final = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})
"""What the kernel says of an address that this machine does not have: nobody can listen there."""
_INTERFACES: Final = Path("/proc/self/net/if_inet6")
_TRIES: Final = 50
"""Ports that the kernel may choose for one address and that are taken at the other."""


def bind_loopback(address: TcpAddress, held: Set[TcpAddress] = frozenset()) -> list[Bound]:
    """Take a port at the address that is named, and at its partner where there is one.

    `localhost` names both. What is in `held` is ours already, and left out; the rest is taken whole or not at all.

    Raises:
        ListenError: beyond loopback, taken by another program at either address, or otherwise not to be had.
    """
    named = _FOUR if address.host == "localhost" else _plain(address.host)
    hosts = [named, _PARTNER[named]] if named in _PARTNER else [named]
    wanted = [host for host in hosts if TcpAddress(host, address.port) not in held]
    for _ in range(_TRIES):
        try:
            return _bind_together(wanted, address.port, named)
        except ListenError as error:
            if address.port or not _is_of(error, frozenset({errno.EADDRINUSE})):
                raise
    raise ListenError(f"the kernel found no port that is free at both {_FOUR} and [{_SIX}]: name one.")


def end_of(sock: socket.socket) -> TcpAddress:
    """The address and port of a TCP socket; an IPv4 address where an IPv6 socket has it mapped."""
    host, port = sock.getsockname()[:2]
    return TcpAddress(_plain(host), port)


def check_partners(passed: Iterable[TcpAddress], held: Set[TcpAddress]) -> None:
    """Raises ListenError for an address that systemd passed, whose partner is not in `held` and can be had."""
    for end in passed:
        partner = _PARTNER.get(end.host)
        if partner is None or TcpAddress(partner, end.port) in held or not _is_there(partner):
            continue
        raise ListenError(
            f"systemd passed the socket {end} without {TcpAddress(partner, end.port)}, where another account could "
            "serve pages that browsers take for the gateway's: they look for localhost at both. Write both lines into "
            f"the socket unit: ListenStream={_FOUR}:{end.port} and ListenStream=[{_SIX}]:{end.port}"
        )


def _bind_together(hosts: Iterable[str], port: int, named: str) -> list[Bound]:
    bound: list[Bound] = []
    with ExitStack() as undo:
        for host in hosts:
            try:
                one = _bind(TcpAddress(host, end_of(bound[0].sock).port if bound else port))
            except ListenError as error:
                if host == named:
                    raise
                if _is_nobodys(error):
                    continue
                raise _without_partner(TcpAddress(named, port), error) from error.__cause__
            undo.callback(one.close)
            bound.append(one)
        undo.pop_all()
    return bound


def _bind(address: TcpAddress) -> Bound:
    """One address and port, listening: two programs may bind the same, and only listening shows it."""
    sock = open_socket(_family(address), str(address))
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((address.host, address.port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise listen_error(str(address), error) from error
    return Bound(sock, str(end_of(sock)))


def _family(address: TcpAddress) -> socket.AddressFamily:
    """Raises ListenError beyond loopback."""
    try:
        found = ipaddress.ip_address(address.host)
    except ValueError:
        found = None
    if found is None or not found.is_loopback:
        raise ListenError(
            f"{address} is not a loopback address, and this gateway does not listen beyond loopback: "
            "use 127.0.0.1, [::1] or a Unix socket."
        )
    return socket.AF_INET if found.version == 4 else socket.AF_INET6


def _without_partner(named: TcpAddress, error: ListenError) -> ListenError:
    if not _is_of(error, frozenset({errno.EADDRINUSE})):
        return error
    partner = TcpAddress(_PARTNER[named.host], named.port)
    return ListenError(
        f"{partner} is in use by another program, and {named} is not safe beside it: browsers look for localhost at "
        "both, and would take that program's pages for the gateway's. Stop it, or listen on another port."
    )


def _is_nobodys(error: ListenError) -> bool:
    """Whether an address could not be had because this machine does not have it, so that nobody can listen there.

    A service may be kept from IPv6 (RestrictAddressFamilies=) on a machine that has it: others may listen there then.
    """
    if _is_of(error, frozenset({errno.EAFNOSUPPORT})):
        return not _has_six()
    return _is_of(error, _ABSENT)


def _has_six() -> bool:
    """Whether an interface of this process's network has ::1 (proc(5), /proc/net/if_inet6)."""
    try:
        return any(line.startswith(f"{1:032x} ") for line in _INTERFACES.read_text().splitlines())
    except OSError:
        return False


def _is_of(error: ListenError, numbers: Set[int]) -> bool:
    return isinstance(error.__cause__, OSError) and error.__cause__.errno in numbers


def _is_there(host: str) -> bool:
    """Whether anybody could listen on an address of loopback."""
    try:
        with open_socket(_family(TcpAddress(host, 0)), host) as probe:
            probe.bind((host, 0))
    except OSError as error:
        return error.errno not in _ABSENT
    except ListenError as error:
        return not _is_nobodys(error)
    return True


def _plain(host: str) -> str:
    """An address in the one spelling that the kernel has for it; what is none stays as it is."""
    try:
        return str(parse_address(host))
    except ValueError:
        return host
