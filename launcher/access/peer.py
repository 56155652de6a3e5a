"""Who is at the other end of a connection, by the kernel's word.

A Unix socket carries its peer's credentials from the moment of `connect` (SO_PEERCRED, unix(7)). A TCP connection over
loopback does not; there the kernel is asked who owns the peer's socket, and where it may not be asked, its tables are
read. The order makes that sure: the connection is established when it comes to us, the owner is looked up, and *then*
the kernel is asked whether our end is still established. A connection that has left that state never returns to it, so
its four numbers (two addresses, two ports) belonged to it, and to nobody else, all the while that we looked. It is done
when the connection is accepted, as far as the kernel answers at once, and at its first request: the longer we wait, the
likelier the peer has gone, and its socket then shows user id 0.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from asyncio.trsock import TransportSocket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from launcher.access.accountnames import AccountNames
from launcher.access.proctcp import Address, tcp_uid
from launcher.access.sockdiag import asked_uid
from launcher.model import Actor

Socket = socket.socket | TransportSocket
Tables = tuple[bytes, ...]

_UCRED = struct.Struct("=iII")
"""`struct ucred` of unix(7): process, user and group id."""
_TABLES = (Path("/proc/self/net/tcp"), Path("/proc/self/net/tcp6"))
_STATE_ESTABLISHED = 1
"""`tcpi_state`, the first byte of `struct tcp_info` (tcp(7))."""
_READINGS = 2
"""The kernel hands the tables out page by page; a row can slip through between two while others come and go."""


def unix_uid(sock: Socket) -> int:
    """The user id that connected to our Unix socket."""
    _, uid, _ = _UCRED.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    return int(uid)


def read_tables() -> Tables:
    """The text of the TCP tables of this process's network; a kernel without IPv6 has only one."""
    return tuple(table.read_bytes() for table in _TABLES if table.exists())


class Peers:
    """Names the actor at the other end of a connection.

    Asking the kernel for one socket takes it microseconds. Reading the tables takes it 4 ms on an idle machine and
    20 ms with 4,000 connections, so it happens only where the kernel did not answer, in a worker thread, and all who
    ask while one reading is under way share the next: a thousand connections at once cost two readings.
    """

    def __init__(
        self,
        read: Callable[[], Tables] = read_tables,
        ask: Callable[[Address, Address], int | None] = asked_uid,
        names: AccountNames | None = None,
    ) -> None:
        """`names` are to know the same policy that the actors are judged by."""
        self._read = read
        self._ask = ask
        self._names = names or AccountNames()
        # A thread of its own: a name server that does not answer may hold all of the event loop's.
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="peers")
        self._turn = asyncio.Lock()
        self._begun = 0
        self._last: tuple[int, Tables] = (0, ())
        self._asking = 0

    def close(self) -> None:
        """Let the thread go."""
        self._reader.shutdown(wait=False, cancel_futures=True)

    def uid_now(self, sock: Socket) -> int | None:
        """The user id at the other end; None where the kernel does not tell it at once."""
        if sock.family == socket.AF_UNIX:
            return unix_uid(sock)
        try:
            asked = self._ask(sock.getsockname()[:2], sock.getpeername()[:2])
            return asked if asked is not None and _is_established(sock) else None
        except OSError:  # the connection is gone
            return None

    async def actor(self, sock: Socket, known: int | None = None) -> Actor | None:
        """The account that connected; None where the kernel does not tell, or no longer.

        `known`: what `uid_now` said of this very connection, where it was asked before.
        """
        via = "unix" if sock.family == socket.AF_UNIX else "tcp"
        uid = known
        if uid is None:
            uid = unix_uid(sock) if via == "unix" else await self._tcp_uid(sock)
        return None if uid is None else Actor(uid=uid, name=await self._names.name(uid), via=via)

    async def _tcp_uid(self, sock: Socket) -> int | None:
        try:
            local, remote = sock.getsockname()[:2], sock.getpeername()[:2]
            asked = self._ask(local, remote)
            if asked is not None and _is_established(sock):
                return asked
            for _ in range(_READINGS):
                tables = await self._tables()
                if not _is_established(sock):
                    return None
                uid = tcp_uid(local, remote, *tables)
                if uid is not None:
                    return uid
        except OSError:  # the connection, or its descriptor, is gone
            return None
        return None

    async def _tables(self) -> Tables:
        """The tables as read after this call: one reading for all who wait."""
        begun = self._begun
        self._asking += 1
        try:
            async with self._turn:
                if self._last[0] <= begun:
                    self._begun += 1
                    number = self._begun
                    self._last = (number, await asyncio.get_running_loop().run_in_executor(self._reader, self._read))
                return self._last[1]
        finally:
            self._asking -= 1
            if not self._asking:
                self._last = (0, ())  # megabytes on a busy host, and of no use to whoever asks later


def _is_established(sock: Socket) -> bool:
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
    return info[0] == _STATE_ESTABLISHED
