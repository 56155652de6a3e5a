"""Accepts connections within their limits, and goes on accepting where the process may open no more files.

asyncio's own accept loop goes on at that limit until its whole backlog has failed, and logs each failure: 20,000 lines
a second. It also says nothing of a connection before its first byte. Here each connection's account is asked for at
once (a Unix socket tells it, and of a loopback connection the kernel mostly does); it is counted until its socket is
closed, also by a later protocol; and where `launcher.web.connections` has no room for it, it is told so.

Where accepting fails it waits a moment. What happens again and again is logged seldom, with how often it happened.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from asyncio.trsock import TransportSocket
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from launcher.audit.log import describe
from launcher.errors import TooManyConnectionsError
from launcher.model import Actor
from launcher.web.connections import Caps, Connection, Connections, Standing

_LOG = logging.getLogger(__name__)

_WORDS: Final = b"This gateway holds as many connections as it may, of this account or in all. Try again.\n"
BUSY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nServer: console-launcher\r\nContent-Type: text/plain\r\n"
    b"Retry-After: 5\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(_WORDS), _WORDS)
)
"""What a newcomer is told over HTTP."""
UNLIMITED: Final = Caps(admitted=1 << 20, account=1 << 20, pending=1 << 20, stranger=1 << 20)

_AT_ONCE = 64
"""Connections accepted in one turn of the event loop: what those before have sent is read between turns."""
_PAUSE = 0.25
"""Seconds that accepting waits after it failed."""
_SELDOM = 10.0
"""Seconds between two log lines of one kind."""
_REMEMBERED = 256
"""Accounts that were let in, the latest."""
_ROOT = 0

Socket = socket.socket | TransportSocket
Factory = Callable[[], asyncio.BaseProtocol]


class Tells(Protocol):
    """Names the account at the other end without waiting: `launcher.access.peer.Peers`."""

    def uid_now(self, sock: Socket) -> int | None:
        """None where the kernel does not tell at once."""
        ...


class Nobody:
    """Knows no account."""

    def uid_now(self, sock: Socket) -> int | None:  # noqa: ARG002 -- of `Tells`
        return None


class Reception:
    """Every connection of a gateway, on all its listeners."""

    def __init__(
        self, connections: Connections, peers: Tells, lets_in: Callable[[int, str], bool] = lambda *_: False
    ) -> None:
        """`lets_in` says whether an account may use the gateway now: by user id, and name where that is known."""
        self.connections = connections
        self._peers = peers
        self._lets_in = lets_in
        self._admitted: dict[int, None] = {}
        """Accounts that were let in lately, as not every one is known by its user id alone."""
        self._by_file: dict[int, Connection] = {}
        self._transports: dict[Connection, asyncio.BaseTransport] = {}
        self._refused = _Seldom("%d connections were turned away, the last of %s: there are as many as there may be")
        self._failed = _Seldom("connections could not be accepted (%d times, each a moment apart), the last time: %s")

    def accept(self, sock: socket.socket, factory: Factory, *, backlog: int, busy: bytes = b"") -> Acceptor:
        """Listen on a bound socket; `busy` is what a newcomer is told for whom there is no room. Raises OSError."""
        return Acceptor(self, sock, factory, backlog=backlog, busy=busy)

    def take(self, sock: socket.socket) -> tuple[socket.socket, Connection] | None:
        """Count a connection that was just accepted; None: there is no room for it."""
        uid = self._peers.uid_now(sock)
        free = uid == _ROOT and sock.family == socket.AF_UNIX
        admitted = uid is not None and (uid in self._admitted or self._lets_in(uid, ""))
        connection, gone = self.connections.begin(uid, admitted=admitted, free=free)
        if gone is not None:
            self._push_out(gone)
        if connection is None:
            self._refused.say("an account that is not known yet" if uid is None else f"user id {uid}")
            return None
        counted = _CountedSocket(sock, self, connection)
        self._by_file[counted.fileno()] = connection
        return counted, connection

    def arrived(self, connection: Connection, transport: asyncio.BaseTransport) -> None:
        """The connection has its transport; by which it is aborted if it must give way while it is pending."""
        if connection.standing is Standing.PENDING:
            self._transports[connection] = transport
        elif connection.standing is Standing.OVER and isinstance(transport, asyncio.Transport):
            transport.abort()

    def failed(self, error: BaseException) -> None:
        """Accepting did not work."""
        known = error.strerror if isinstance(error, OSError) else None
        self._failed.say(known or describe(error))

    def of(self, sock: Socket | None) -> Connection | None:
        """The connection of an open socket; None where it came in by no listener of ours."""
        return None if sock is None else self._by_file.get(sock.fileno())

    def uid(self, sock: Socket) -> int | None:
        """The account at the other end; None where the kernel did not tell it at once."""
        connection = self.of(sock)
        return None if connection is None else connection.uid

    def admit(self, sock: Socket, uid: int) -> None:
        """The account at the other end may use the gateway. Raises TooManyConnectionsError."""
        connection = self.of(sock)
        if connection is None:
            return
        if not self.connections.admit(connection, uid):
            raise TooManyConnectionsError("This gateway holds as many connections as it may, for you or in all.")
        self._transports.pop(connection, None)
        self._remember(uid)

    def _remember(self, uid: int) -> None:
        """The account's next connections have its own share from the start; each request is judged all the same."""
        self._admitted.pop(uid, None)
        self._admitted[uid] = None
        if len(self._admitted) > _REMEMBERED:
            del self._admitted[next(iter(self._admitted))]

    def admit_if_let_in(self, sock: Socket, actor: Actor | None) -> None:
        """Admit an account where no guard did; others stay pending. Raises TooManyConnectionsError."""
        if actor is not None and self._lets_in(actor.uid, actor.name):
            self.admit(sock, actor.uid)

    def _push_out(self, connection: Connection) -> None:
        transport = self._transports.pop(connection, None)
        if isinstance(transport, asyncio.Transport):
            transport.abort()

    def ended(self, number: int, connection: Connection) -> None:
        """The connection with this descriptor is about to be closed, before the number can be another's."""
        self.connections.end(connection)
        self._transports.pop(connection, None)
        if self._by_file.get(number) is connection:
            del self._by_file[number]


class Acceptor:
    """One listening socket."""

    def __init__(
        self, reception: Reception, sock: socket.socket, factory: Factory, *, backlog: int, busy: bytes
    ) -> None:
        """Raises OSError."""
        self._reception = reception
        self._sock = sock
        self._factory = factory
        self._busy = busy
        self._loop = asyncio.get_running_loop()
        self._retry: asyncio.TimerHandle | None = None
        self._arriving: set[asyncio.Task[None]] = set()
        sock.setblocking(False)
        sock.listen(backlog)
        self._begin()

    def close(self) -> None:
        """Accept no more, and close the socket; connections that are there, or arrive in this turn, stay."""
        if self._retry is not None:
            self._retry.cancel()
        if self._sock.fileno() >= 0:
            self._loop.remove_reader(self._sock)
        self._sock.close()

    def _begin(self) -> None:
        self._loop.add_reader(self._sock, self._accept)

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                sock, _ = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # no more files, or no memory
                self._reception.failed(error)
                self._loop.remove_reader(self._sock)
                self._retry = self._loop.call_later(_PAUSE, self._begin)
                return
            self._take(sock)

    def _take(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        taken = self._reception.take(sock)
        if taken is None:
            with suppress(OSError), sock:
                sock.send(self._busy)
            return
        task = self._loop.create_task(self._arrive(*taken), name="arriving connection")
        self._arriving.add(task)
        task.add_done_callback(self._arriving.discard)

    async def _arrive(self, sock: socket.socket, connection: Connection) -> None:
        try:
            transport, _ = await self._loop.connect_accepted_socket(self._factory, sock)
        except BaseException as error:
            sock.close()
            if not isinstance(error, Exception):
                raise
            self._reception.failed(error)
            return
        self._reception.arrived(connection, transport)


class _CountedSocket(socket.socket):
    """Takes another socket's place, and tells when it is closed."""

    __slots__ = ("_connection", "_reception")

    def __init__(self, sock: socket.socket, reception: Reception, connection: Connection) -> None:
        super().__init__(sock.family, sock.type, sock.proto, fileno=sock.detach())
        self._reception = reception
        self._connection = connection

    def close(self) -> None:
        if self.fileno() >= 0:
            self._reception.ended(self.fileno(), self._connection)
        super().close()


class _Seldom:
    """A warning that is logged at most once in a while, with how often it was due."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._count = 0
        self._next = 0.0

    def say(self, what: str) -> None:
        self._count += 1
        now = asyncio.get_running_loop().time()
        if now >= self._next:
            _LOG.warning(self._text, self._count, what)
            self._count, self._next = 0, now + _SELDOM
