"""The listening sockets, and serving the application on them.

The runner is made and set up by the caller, with

    web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.5, keepalive_timeout=30)

`handler_cancellation`, so that a viewer who leaves during a launch ends it; no `access_log`, because it writes queries
and referrers; `keepalive_timeout` also bounds a second request of which only a part arrives, because aiohttp counts it
from the end of the answer before. To stop: `close()` each `Listening`, then `runner.cleanup()`.

aiohttp itself gives a first request as long as it likes. Here a connection that has not sent a whole one within
`header_timeout` of its beginning is aborted (the guard times the body); a TLS handshake is part of that time.

With `tls` every TCP socket speaks it, also one that systemd passes: a port is plain or not by the configuration alone.
Unix sockets stay plain: nobody else reads there, and ssh tunnels and commands know of no certificate.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import stat
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from aiohttp import web

from launcher.config.listen import Address, PassedAddress, TcpAddress, UnixAddress
from launcher.errors import ListenError
from launcher.systemd import Passed
from launcher.web.accepting import BUSY, UNLIMITED, Acceptor, Nobody, Reception
from launcher.web.bound import Bound, inode_of, listen_error, open_socket
from launcher.web.connections import Connections
from launcher.web.loopback import BACKLOG, bind_loopback, check_partners, end_of
from launcher.web.passed import Offered
from launcher.web.records import RecordsProtocol

HEADER_TIMEOUT: Final = 10.0
"""Seconds for a connection's first request."""
SOCKET_MODE: Final = 0o660


@dataclass(frozen=True, slots=True)
class Listening:
    """One address that is being served."""

    where: str
    """`http://127.0.0.1:6080`, `https://…` with TLS, or the path of a Unix socket."""
    _server: Acceptor
    _bound: Bound

    @property
    def sock(self) -> socket.socket:
        """The socket itself, which is open until this is closed."""
        return self._bound.sock

    def close(self) -> None:
        """Accept no more connections; those that are there stay until the runner is cleaned up."""
        self._bound.unlink()
        self._server.close()


async def listen(
    runner: web.AppRunner,
    addresses: Iterable[Address],
    *,
    passed: Sequence[Passed] = (),
    tls: ssl.SSLContext | None = None,
    header_timeout: float = HEADER_TIMEOUT,
    reception: Reception | None = None,
) -> list[Listening]:
    """Serve a runner that is set up on every address, or on none.

    A port of 127.0.0.1, ::1 or `localhost` is taken at both addresses (see `launcher.web.loopback`). Of the sockets
    that systemd `passed`, those that no address takes are closed. `reception` says how many connections there may be;
    without it there is no limit.

    Raises:
        ListenError: an address is taken, beyond loopback, or otherwise not to be had; or one of the two addresses of
            loopback was passed without the other.
    """
    server = runner.server
    if server is None:
        raise RuntimeError("set the runner up first: await runner.setup()")
    reception = reception or Reception(Connections(UNLIMITED), Nobody())
    deadline = _Deadline(server, header_timeout, reception)
    with ExitStack() as undo:
        offered = Offered(passed)
        undo.callback(offered.close)
        bound = _bind_all(tuple(addresses), offered, undo)
        offered.refuse_rest()
        listening = [_serve(deadline, one, tls, undo) for one in bound]
        undo.pop_all()
    return listening


def _serve(deadline: _Deadline, bound: Bound, tls: ssl.SSLContext | None, undo: ExitStack) -> Listening:
    """Raises ListenError: that a port is taken may come out only now."""
    is_unix = bound.sock.family == socket.AF_UNIX
    factory = deadline.connection if tls is None or is_unix else partial(deadline.tls_connection, tls)
    busy = BUSY if tls is None or is_unix else b""
    try:
        server = deadline.reception.accept(bound.sock, factory, backlog=BACKLOG, busy=busy)
    except OSError as error:
        raise listen_error(bound.where, error) from error
    scheme = "http" if tls is None else "https"
    listening = Listening(bound.where if is_unix else f"{scheme}://{bound.where}", server, bound)
    undo.callback(listening.close)
    return listening


def _bind_all(addresses: Sequence[Address], offered: Offered, undo: ExitStack) -> list[Bound]:
    """In the order of `addresses`. What systemd passed comes first into `held`: its partners are not taken twice."""
    passed = {one: _taken(one, offered, undo) for one in addresses if isinstance(one, PassedAddress)}
    ends = [end_of(one.sock) for taken in passed.values() for one in taken if one.sock.family != socket.AF_UNIX]
    held, bound = set(ends), list[Bound]()
    for address in addresses:
        match address:
            case PassedAddress():
                bound += passed[address]
            case UnixAddress(path=path):
                bound += _undone(undo, [bind_unix(path)])
            case TcpAddress():
                taken = _undone(undo, bind_loopback(address, held))
                held |= {end_of(one.sock) for one in taken}
                bound += taken
    check_partners(ends, held)
    return bound


def _taken(address: PassedAddress, offered: Offered, undo: ExitStack) -> list[Bound]:
    return _undone(undo, [Bound(sock, _where(sock)) for sock in offered.take(address.name)])


def _undone(undo: ExitStack, bound: list[Bound]) -> list[Bound]:
    for one in bound:
        undo.callback(one.close)
    return bound


def _where(sock: socket.socket) -> str:
    """Address and port, or path of a Unix socket (`@name` in the abstract namespace)."""
    if sock.family != socket.AF_UNIX:
        return str(end_of(sock))
    address = sock.getsockname()
    return f"@{address[1:].decode(errors='replace')}" if isinstance(address, bytes) else str(address)


def bind_unix(path: str) -> Bound:
    """A socket file of ours, connectable for its owner and group from the moment that it can be connected to."""
    _make_way(path)
    sock = open_socket(socket.AF_UNIX, path)
    try:
        sock.bind(path)
        bound = Bound(sock, path, inode_of(path))
        Path(path).chmod(SOCKET_MODE)
    except OSError as error:
        sock.close()
        raise listen_error(path, error) from error
    return bound


def _make_way(path: str) -> None:
    """Remove a socket that nobody answers on any more. Raises ListenError for whatever else is in the way."""
    if not Path(path).parent.is_dir():
        raise ListenError(f"{path} cannot be made: there is no directory {Path(path).parent}. Create it first.")
    try:
        mode = Path(path).lstat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise listen_error(path, error) from error
    if not stat.S_ISSOCK(mode):
        raise ListenError(f"{path} is there and is not a socket: move it away, or listen on another path.")
    if _answers(path):
        raise ListenError(f"Somebody already answers on {path}: another console-launcher? Stop it first.")
    with suppress(FileNotFoundError):
        Path(path).unlink()


def _answers(path: str) -> bool:
    """Whether a socket file has a listener. Raises ListenError if that cannot be told."""
    with open_socket(socket.AF_UNIX, path) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except BlockingIOError:  # it listens, and its queue is full
            return True
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError as error:
            raise listen_error(path, error) from error
    return True


class _Deadline:
    """Gives every connection of a server its time to send one whole request."""

    def __init__(self, server: web.Server, timeout: float, reception: Reception) -> None:
        self.reception = reception
        self._server = server
        self._timeout = timeout
        self._answer = server.request_handler
        server.request_handler = self._heard

    def connection(self) -> asyncio.Protocol:
        """The protocol of a connection that has just been accepted."""
        return _FirstRequest(self._server(), asyncio.get_running_loop().time() + self._timeout)

    def tls_connection(self, context: ssl.SSLContext) -> asyncio.BaseProtocol:
        """The same with TLS before it, whose handshake has no more time than all of it."""
        return RecordsProtocol(asyncio.get_running_loop(), self.connection(), context, self._timeout)

    async def _heard(self, request: web.BaseRequest) -> web.StreamResponse:
        first = None if request.transport is None else request.transport.get_protocol()
        if isinstance(first, _FirstRequest):
            first.step_aside()
        connection = None if request.transport is None else self.reception.of(request.get_extra_info("socket"))
        if connection is None:
            return await self._answer(request)
        connection.busy = True
        try:
            return await self._answer(request)
        finally:
            connection.busy = False


class _FirstRequest(asyncio.Protocol):
    """Stands before aiohttp's protocol until a connection's first request is whole, then leaves it the connection."""

    def __init__(self, protocol: asyncio.Protocol, due: float) -> None:
        """`due` is when it must be there, by the event loop's clock: with TLS, the connection is made only later."""
        self._protocol = protocol
        self._due = due
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._timer = asyncio.get_running_loop().call_at(self._due, transport.abort)
        self._protocol.connection_made(transport)

    def step_aside(self) -> None:
        """The request is whole: from now on the connection is the protocol's own, and may be handed on."""
        self._cancel()
        if self._transport is not None:
            self._transport.set_protocol(self._protocol)

    def data_received(self, data: bytes) -> None:
        self._protocol.data_received(data)

    def eof_received(self) -> bool | None:
        return self._protocol.eof_received()

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel()
        self._protocol.connection_lost(exc)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
