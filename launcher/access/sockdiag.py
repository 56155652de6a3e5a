"""Asks the kernel for one TCP socket of this host: whose is the other end of a connection over loopback?

The question goes over netlink (sock_diag(7)) and names the connection's four numbers, so the kernel looks up one entry
of its table, where `/proc/net/tcp` makes it walk the whole of it. Not every process may ask: where netlink is shut
off, or the kernel has no `inet_diag`, there is no answer.
"""

from __future__ import annotations

import ipaddress
import socket
import struct

from launcher.access.proctcp import Address
from launcher.egress import parse_address

_SOCK_DIAG = 4
"""NETLINK_SOCK_DIAG of linux/netlink.h; Python has no name for it."""
_BY_FAMILY = 20
"""SOCK_DIAG_BY_FAMILY of linux/sock_diag.h: the type of question and answer."""
_REQUEST = 1
"""NLM_F_REQUEST of linux/netlink.h; without NLM_F_DUMP it asks for one socket."""
_ESTABLISHED = 1
_HEAD = struct.Struct("=IHHII")
"""`struct nlmsghdr`: length, type, flags, sequence number, port id."""
_ASKED = struct.Struct("=BBBxI")
"""The beginning of `struct inet_diag_req_v2`: family, protocol, extensions, states."""
_ID_PORTS, _ID_REST = struct.Struct("!HH"), struct.Struct("=III")
"""`struct inet_diag_sockid`: its two ports, two addresses of 16 bytes each, then interface and cookie."""
_NO_COOKIE = 0xFFFFFFFF
_ANSWER = struct.Struct("=BBxx48xIIIII")
"""`struct inet_diag_msg`: family, state, the id, expires, both queues, user id, inode."""
_MOST = 4096


def asked_uid(local: Address, remote: Address) -> int | None:
    """The user id that owns the socket at the other end of `local` ← `remote`; None without an answer."""
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, _SOCK_DIAG) as netlink:
            netlink.send(question(local, remote))
            return owner(netlink.recv(_MOST))  # the kernel has answered before `send` comes back
    except OSError:
        return None


def question(local: Address, remote: Address) -> bytes:
    """The message that asks for the peer's socket: its local address is our remote one."""
    ours, theirs = parse_address(local[0]), parse_address(remote[0])
    family = socket.AF_INET if isinstance(ours, ipaddress.IPv4Address) else socket.AF_INET6
    body = _ASKED.pack(family, socket.IPPROTO_TCP, 0, 0xFFFFFFFF)
    body += _ID_PORTS.pack(remote[1], local[1]) + theirs.packed.ljust(16, b"\0") + ours.packed.ljust(16, b"\0")
    body += _ID_REST.pack(0, _NO_COOKIE, _NO_COOKIE)
    return _HEAD.pack(_HEAD.size + len(body), _BY_FAMILY, _REQUEST, 0, 0) + body


def owner(answer: bytes) -> int | None:
    """The owner that an answer names.

    None for an error, for a socket that is not established (a listener is what the kernel offers where no connection
    has these numbers), and for one that its owner has closed: the kernel shows inode 0 and user id 0, root's, then.
    """
    if len(answer) < _HEAD.size + _ANSWER.size or _HEAD.unpack_from(answer)[1] != _BY_FAMILY:
        return None
    _, state, *_, uid, inode = _ANSWER.unpack_from(answer, _HEAD.size)
    return int(uid) if state == _ESTABLISHED and inode else None
