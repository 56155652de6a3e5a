"""Dials a console proxy and believes it only once its first bytes are those of a screen.

A console proxy answers the upgrade with `101` before it looks at the console token, and hangs up without a close frame
when the token is bad: only payload that begins with `RFB ` proves a console.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from aiohappyeyeballs import AddrInfoType, start_connection

from launcher.errors import UpstreamError, UpstreamProtocolError, UpstreamStaleError, UpstreamUnreachableError
from launcher.model import Target
from launcher.relay import handshake
from launcher.relay.egress import refusal
from launcher.relay.firstbytes import FirstBytes, FirstVerdict
from launcher.relay.frames import PONG, client_frame
from launcher.relay.sockets import close, guard_against_dead_peers

_WRITE_HIGH_WATER = 64 * 1024


@dataclass(frozen=True, slots=True)
class DialLimits:
    """How long dialling may take, in seconds, and how large a frame may be, in bytes."""

    connect: float = 10.0
    first_bytes: float = 30.0
    """Generous: a busy compute host greets seconds after the 101."""
    frame: int = 1024**2


class UpstreamReceiver(Protocol):
    """Who is told what comes from a console proxy, once it has been believed."""

    def upstream_bytes(self, chunk: bytes) -> None: ...
    def upstream_lost(self) -> None: ...
    def upstream_full(self) -> None: ...
    def upstream_drained(self) -> None: ...


class UpstreamEnd(asyncio.Protocol):
    """Our connection to a console proxy: handshake, first bytes, then whatever its receiver makes of it."""

    def __init__(
        self,
        name: str,
        request: bytes,
        reader: handshake.ResponseReader,
        judge: FirstBytes,
        switched: Callable[[], None] = lambda: None,
    ) -> None:
        self.proven: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        """The raw bytes to pass on first; or UpstreamStaleError, UpstreamProtocolError."""
        self._name = name
        self._request = request
        self._switched = switched
        self._reader: handshake.ResponseReader | None = reader
        self._judge: FirstBytes | None = judge
        self._receive: Callable[[bytes], None] = self._read_response
        self._receiver: UpstreamReceiver | None = None
        self._transport: asyncio.Transport | None = None

    def attach(self, receiver: UpstreamReceiver) -> None:
        """From now on everything goes to the receiver; reading goes on where the first bytes stopped it."""
        self._receiver = receiver
        self._receive = receiver.upstream_bytes
        self._reader = self._judge = None
        if self._transport is None:
            asyncio.get_running_loop().call_soon(receiver.upstream_lost)
        elif self._transport.is_closing():
            self._transport.abort()  # `connection_lost` follows, and tells the receiver
        else:
            self._transport.resume_reading()

    def send(self, frame: bytes) -> None:
        """Write one whole frame of ours."""
        if self._transport is not None:
            self._transport.write(frame)

    def pause(self) -> None:
        if self._transport is not None:
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._transport is not None:
            self._transport.resume_reading()

    def close(self) -> None:
        """Close after what is written has left; what still arrives is dropped."""
        self._receive = _drop
        if self._transport is not None:
            close(self._transport)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def give_up(self) -> None:
        """Nobody waits for the first bytes any more."""
        if not self.proven.cancel() and not self.proven.cancelled():
            self.proven.exception()  # decided in the same moment: read here, or asyncio reports it as unread
        self.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=_WRITE_HIGH_WATER)
        transport.write(self._request)
        self._request = b""

    def data_received(self, data: bytes) -> None:
        self._receive(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio calls it with the cause
        self._transport = None
        self._fail(UpstreamStaleError(f"The console proxy {self._name} hung up before the first bytes of a screen."))
        if self._receiver is not None:
            self._receiver.upstream_lost()

    def pause_writing(self) -> None:
        if self._receiver is not None:
            self._receiver.upstream_full()

    def resume_writing(self) -> None:
        if self._receiver is not None:
            self._receiver.upstream_drained()

    def _read_response(self, chunk: bytes) -> None:
        assert self._reader is not None
        try:
            response = self._reader.feed(chunk)
        except UpstreamProtocolError as error:
            self._fail(UpstreamProtocolError(f"The console proxy {self._name} {error}"))
            return
        if response is not None:
            self._switched()
            self._receive = self._judge_bytes
            self._judge_bytes(response.leftover)

    def _judge_bytes(self, chunk: bytes) -> None:
        judge = self._judge
        assert judge is not None
        verdict = judge.feed(chunk)
        while judge.pings:
            self.send(client_frame(PONG, judge.pings.pop(0), os.urandom(4)))
        match verdict:
            case FirstVerdict.WAITING:
                pass
            case FirstVerdict.PROVEN:
                self.pause()
                if not self.proven.done():
                    self.proven.set_result(judge.raw)
            case FirstVerdict.ENDED:
                self._fail(
                    UpstreamStaleError(f"The console proxy {self._name} closed before the first bytes of a screen.")
                )
            case FirstVerdict.NOT_RFB:
                self._fail(UpstreamProtocolError(f"The console proxy {self._name} shows no screen: {judge.why}."))
            case FirstVerdict.FAULT:
                self._fail(
                    UpstreamProtocolError(f"The console proxy {self._name} breaks the WebSocket protocol: {judge.why}.")
                )

    def _fail(self, error: UpstreamError) -> None:
        self._receive = _drop if self._receiver is None else self._receive
        if not self.proven.done():
            self.proven.set_exception(error)


def _drop(chunk: bytes) -> None:
    """What arrives after the end concerns nobody."""


async def open_upstream(
    target: Target,
    *,
    loopback: bool,
    tls: ssl.SSLContext,
    limits: DialLimits,
    switched: Callable[[], None] = lambda: None,
) -> tuple[UpstreamEnd, bytes]:
    """Dial a console; returns the open end (reading paused) and the raw bytes it began with.

    `switched` is called when the console proxy has answered 101, which proves nothing yet.
    Raises UpstreamUnreachableError, UpstreamStaleError or UpstreamProtocolError; then, and when cancelled, nothing is
    left open.
    """
    name = target.origin
    key = os.urandom(16)
    request = _request(target, key)
    sock = await _connect(target, loopback=loopback, limit=limits.connect)
    end = UpstreamEnd(name, request, handshake.ResponseReader(key), FirstBytes(limits.frame), switched)
    try:
        async with asyncio.timeout(limits.first_bytes):
            await _start(end, sock, target, tls)
            return end, await end.proven
    except TimeoutError as error:
        end.give_up()
        raise UpstreamUnreachableError(
            f"The console proxy {name} took the connection and showed no screen for {limits.first_bytes:g} s."
        ) from error
    except BaseException:
        end.give_up()
        raise


def _request(target: Target, key: bytes) -> bytes:
    host = f"[{target.host}]" if ":" in target.host else target.host
    default_port = target.port == (443 if target.tls else 80)
    try:
        return handshake.request(host if default_port else f"{host}:{target.port}", target.path, key)
    except UpstreamProtocolError as error:
        raise UpstreamProtocolError(f"The console proxy {target.origin} {error}") from None


async def _start(end: UpstreamEnd, sock: socket.socket, target: Target, tls: ssl.SSLContext) -> None:
    loop = asyncio.get_running_loop()
    try:
        if target.tls:
            await loop.create_connection(lambda: end, sock=sock, ssl=tls, server_hostname=target.host)
        else:
            await loop.create_connection(lambda: end, sock=sock)
    except ssl.SSLCertVerificationError as error:
        raise UpstreamUnreachableError(
            f"The certificate of the console proxy {target.origin} is not trusted: {error.verify_message}. "
            "If it is signed by an authority of your own, name that in the cloud's cacert."
        ) from error
    except OSError as error:
        raise UpstreamUnreachableError(
            f"The console proxy {target.origin} broke off the TLS handshake: {error.strerror or type(error).__name__}."
        ) from error


async def _connect(target: Target, *, loopback: bool, limit: float) -> socket.socket:
    name = target.origin
    try:
        async with asyncio.timeout(limit):
            addresses = _allowed(target, await _resolve(target.host, target.port), loopback=loopback)
            sock = await start_connection(addresses, happy_eyeballs_delay=0.25)
    except TimeoutError as error:
        raise UpstreamUnreachableError(
            f"The console proxy {name} did not take a connection within {limit:g} s."
        ) from error
    except (socket.gaierror, UnicodeError) as error:
        raise UpstreamUnreachableError(f"The console proxy {name} has a name that does not resolve.") from error
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else "no connection"
        raise UpstreamUnreachableError(f"The console proxy {name} takes no connection: {why}.") from error
    guard_against_dead_peers(sock)
    return sock


async def _resolve(host: str, port: int) -> Sequence[AddrInfoType]:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)


def _allowed(target: Target, addresses: Sequence[AddrInfoType], *, loopback: bool) -> Sequence[AddrInfoType]:
    """Those of a host's addresses that may be dialled."""
    refused = {str(address[4][0]): refusal(str(address[4][0]), loopback=loopback) for address in addresses}
    allowed = [address for address in addresses if refused[str(address[4][0])] is None]
    if not allowed:
        found = ", ".join(f"{address} is {why}" for address, why in refused.items())
        raise UpstreamUnreachableError(f"The console proxy {target.origin} is not dialled: {found}.")
    return allowed
