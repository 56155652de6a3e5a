"""Knows on which addresses and Unix sockets this process listens, so that it is never made to dial itself."""

from __future__ import annotations

import os
import socket
import weakref
from ipaddress import IPv4Address

from launcher.egress import Address, leads_to, parse_address


class OwnListeners:
    """The sockets that were added, as long as they are open. May be asked from any thread."""

    def __init__(self) -> None:
        self._tcp: tuple[tuple[weakref.ref[socket.socket], Address, int], ...] = ()
        self._unix = weakref.WeakValueDictionary[tuple[int, int], socket.socket]()
        """By device and inode: a path may be a link, or be mounted elsewhere as well."""

    def add(self, sock: socket.socket) -> None:
        """Remember a bound socket, until it is closed."""
        where = sock.getsockname()
        if sock.family == socket.AF_UNIX:
            inode = _inode(where)
            if inode is not None:
                self._unix[inode] = sock
            return
        open_ones = tuple(one for one in self._tcp if _is_open(one[0]()))
        self._tcp = (*open_ones, (weakref.ref(sock), parse_address(where[0]), where[1]))

    def at(self, address: str, port: int) -> bool:
        """Whether a connection to the IP address and port would reach this process."""
        there = [host for sock, host, own in self._tcp if own == port and _is_open(sock())]
        if not there:
            return False
        ip = parse_address(address)
        return any(leads_to(ip, host, local=host.is_unspecified and _is_local(ip)) for host in there)

    def at_path(self, path: str) -> bool:
        """Whether a connection to the Unix socket would; links are followed."""
        inode = _inode(path)
        return inode is not None and _is_open(self._unix.get(inode))


def _is_open(sock: socket.socket | None) -> bool:
    return sock is not None and sock.fileno() != -1


def _inode(path: str | bytes) -> tuple[int, int] | None:
    """None for one in the abstract namespace, which no target names, and for one that is gone."""
    try:
        found = os.stat(path)  # noqa: PTH116 -- bytes, too
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


def _is_local(ip: Address) -> bool:
    """Whether the address is one of this host: only these can be bound to. Nothing is sent."""
    family = socket.AF_INET if isinstance(ip, IPv4Address) else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(ip), 0))
    except OSError:
        return False
    return True
