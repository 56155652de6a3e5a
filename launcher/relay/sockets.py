"""Options of a session's sockets: they find a peer that is gone or reads no more."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import select
import socket
import sys
import termios

_DEAD_AFTER = 60
"""Seconds without an acknowledgement, or of a closed window, after which the kernel gives a connection up."""


def close(transport: asyncio.Transport) -> None:
    """Close what is not closing yet.

    asyncio's TLS transport (3.11 to 3.14) lets go of its connection at a second `close`, and nothing aborts it any
    more; it counts as closed from the peer's own goodbye on.
    """
    if not transport.is_closing():
        transport.close()


def sends_no_more(transport: asyncio.Transport) -> bool:
    """Whether the peer has ended its direction; asyncio does not look while reading is paused."""
    return _polled(transport, select.POLLRDHUP)


def has_gone(transport: asyncio.Transport) -> bool:
    """Whether the peer has ended both directions: of a Unix socket the kernel tells it at once, of others it may not.

    asyncio reports the end of one direction alike.
    """
    return _polled(transport, select.POLLHUP)


def _polled(transport: asyncio.Transport, event: int) -> bool:
    sock = transport.get_extra_info("socket")
    if sock is None or sock.fileno() < 0:
        return transport.is_closing()
    poll = select.poll()
    poll.register(sock.fileno(), event)
    return any(found & event for _, found in poll.poll(0))


def unread(transport: asyncio.Transport) -> int:
    """Bytes that the kernel has received and nobody has read; of TLS, before they are deciphered."""
    sock = transport.get_extra_info("socket")
    if sock is None or sock.fileno() < 0:
        return 0
    return int.from_bytes(fcntl.ioctl(sock.fileno(), termios.FIONREAD, bytes(4)), sys.byteorder)


def guard_against_dead_peers(sock: socket.socket) -> None:
    """TCP keepalive and TCP_USER_TIMEOUT; a Unix socket has neither (there the pump watches its viewer)."""
    if sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    with contextlib.suppress(OSError):  # the peer may be gone already: reading will tell
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _DEAD_AFTER // 2)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _DEAD_AFTER * 1000)
