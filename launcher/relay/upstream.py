"""Our connection to a console proxy or a VNC server, which is believed only once its first bytes are those of a screen.

A console proxy answers the upgrade with `101` before it looks at the console token, and hangs up without a close frame
when the token is bad: only payload that begins with `RFB ` proves a console.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from launcher.egress import Gate
from launcher.errors import UpstreamError, UpstreamProtocolError, UpstreamUnreachableError
from launcher.model import Carrier, Target
from launcher.relay.basin import LARGE, MIDDLE, REST, SMALL, Draught, Pace, basin
from launcher.relay.dial import called, connect, speak, who
from launcher.relay.frames import BINARY, CLOSE, PING, PONG, client_frame
from launcher.relay.openings import Opening, opening_of
from launcher.relay.sockets import close

_WRITE_HIGH_WATER = 64 * 1024


@dataclass(frozen=True, slots=True)
class DialLimits:
    """How long dialling may take, in seconds, and how large a frame may be, in bytes."""

    connect: float = 10.0
    first_bytes: float = 30.0
    """Generous: a busy compute host greets seconds after the 101."""
    frame: int = 1024**2


class UpstreamReceiver(Protocol):
    """Who is told what comes from an upstream, once it has been believed."""

    def upstream_bytes(self, chunk: bytes | memoryview) -> None:
        """A view is good for this call, and for longer only where `holds` says so behind it."""
        ...

    def holds(self) -> bool:
        """Whether something of what came has not left yet."""
        ...

    def upstream_finished(self) -> None: ...
    def upstream_lost(self) -> None: ...
    def upstream_full(self) -> None: ...
    def upstream_drained(self) -> None: ...


class UpstreamEnd(asyncio.BufferedProtocol):
    """One upstream: its opening, then whatever its receiver makes of it.

    What a viewer says goes out by `message`, `ping`, `pong` and `say_goodbye`, in the form that the carrier has for it:
    raw RFB knows messages alone.
    """

    __slots__ = (
        "_basin",
        "_draught",
        "_finished",
        "_held_up",
        "_loop",
        "_name",
        "_opening",
        "_pace",
        "_receive",
        "_receiver",
        "_rest",
        "_transport",
        "called",
        "carrier",
        "framed",
        "proven",
        "signed_in",
    )

    def __init__(self, target: Target, opening: Opening) -> None:
        self._loop = asyncio.get_running_loop()
        self.proven: asyncio.Future[bytes] = self._loop.create_future()
        """The raw bytes to pass on first; or UpstreamStaleError, UpstreamProtocolError."""
        self.called = called(target)
        """As sentences for its viewer begin: they need no address."""
        self.carrier = target.carrier
        self.framed = target.carrier is Carrier.WEBSOCKET
        """Whether its bytes are WebSocket frames."""
        self.signed_in = opening.signed_in
        """Whether the gateway has done version and security: the server waits for the viewer's ClientInit."""
        self._name = who(target)
        self._basin = basin()
        self._draught = Draught(SMALL)
        self._pace = Pace()
        self._held_up = False
        self._rest: asyncio.TimerHandle | None = None
        self._finished = False
        self._opening: Opening | None = opening
        self._receive: Callable[[bytes | memoryview], None] = self._open
        self._receiver: UpstreamReceiver | None = None
        self._transport: asyncio.Transport | None = None

    def attach(self, receiver: UpstreamReceiver, *, copied: bool = True) -> None:
        """From now on everything goes to the receiver; reading goes on where the first bytes stopped it.

        `copied`: whether the receiver makes something else of the bytes, rather than write them as they are.
        """
        self._receiver = receiver
        self._draught = Draught(MIDDLE if copied else LARGE)
        self._receive = receiver.upstream_bytes
        self._opening = None
        if self._transport is None:
            self._loop.call_soon(receiver.upstream_lost)
        elif self._transport.is_closing():
            self._transport.abort()  # `connection_lost` follows, and tells the receiver
        else:
            self.resume()

    def detach(self) -> None:
        """The session is over and both its connections are closed: nothing more is told to anybody."""
        self._receiver = None
        self._receive = _drop

    def message(self, payload: bytes) -> None:
        """One message in, one message out: Nova hangs when a client's early ones are joined."""
        self._pace.spoken()
        if self._rest is not None:
            self._rested()
        self._write(client_frame(BINARY, payload, os.urandom(4)) if self.framed else payload)

    def ping(self, payload: bytes = b"") -> None:
        if self.framed:
            self._write(client_frame(PING, payload, os.urandom(4)))

    def pong(self, payload: bytes) -> None:
        if self.framed:
            self._write(client_frame(PONG, payload, os.urandom(4)))

    def say_goodbye(self, code: int = 1000) -> None:
        """A close frame, where there are frames."""
        if self.framed:
            self._write(client_frame(CLOSE, code.to_bytes(2), os.urandom(4)))

    def finish(self) -> bool:
        """Tell the server that the viewer sends no more, where that can be told without ending the other direction."""
        if self.framed or self._transport is None or not self._transport.can_write_eof():
            return False
        self._transport.write_eof()
        self._finished = True  # asyncio takes a write after it for an error
        return True

    @property
    def unsent(self) -> int:
        """Bytes that wait for the upstream to read."""
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    def pause(self) -> None:
        self._held_up = True
        if self._transport is not None:
            self._transport.pause_reading()

    def resume(self) -> None:
        self._held_up = False
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
        if self._opening is not None:
            self._write(self._opening.begin())

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 -- asyncio hints at nothing
        return self._basin.view[: self._draught.room]

    def buffer_updated(self, nbytes: int) -> None:
        room = self._draught.room
        chunk = self._basin.view[:nbytes]
        small = nbytes <= SMALL
        self._receive(bytes(chunk) if small else chunk)
        if nbytes >= SMALL:
            self._see_whether_it_left(nbytes, viewed=not small)
        if nbytes < room and self._receiver is not None and self._pace.rests(nbytes, self._loop.time()):
            self._begin_rest()

    def _see_whether_it_left(self, nbytes: int, *, viewed: bool) -> None:
        """What waits for the viewer decides how much is read next; a view that waits is left to it."""
        held = self._receiver is not None and self._receiver.holds()
        if held and viewed:
            self._basin.renew()
        self._draught.drawn(nbytes, passed_on=not held)

    def _begin_rest(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()
            self._rest = self._loop.call_later(REST, self._rested)

    def _rested(self) -> None:
        """Read again, unless the viewer holds it up."""
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None
        if not self._held_up and self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def eof_received(self) -> bool:
        """The upstream sends no more: a session ends in order, behind the last byte."""
        if self._receiver is not None:
            self._receiver.upstream_finished()
        return False  # asyncio closes our direction, too: a screen that is gone has nobody to listen

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio calls it with the cause
        self._transport = None
        if self._rest is not None:
            self._rested()
        if self._receiver is not None:
            self._receiver.upstream_lost()
        elif self._opening is not None:
            self._fail(self._opening.hung_up())

    def pause_writing(self) -> None:
        if self._receiver is not None:
            self._receiver.upstream_full()

    def resume_writing(self) -> None:
        if self._receiver is not None:
            self._receiver.upstream_drained()

    def _write(self, chunk: bytes) -> None:
        if self._transport is not None and chunk and not self._finished:
            self._transport.write(chunk)

    def _open(self, chunk: bytes | memoryview) -> None:
        opening = self._opening
        assert opening is not None
        try:
            self._write(opening.feed(bytes(chunk)))
        except UpstreamError as error:
            self._fail(error)
            return
        if opening.proven:
            self.pause()
            if not self.proven.done():
                self.proven.set_result(opening.first)

    def _fail(self, error: UpstreamError) -> None:
        self._receive = _drop
        if not self.proven.done():
            self.proven.set_exception(type(error)(f"{self._name} {error}"))


def _drop(chunk: bytes | memoryview) -> None:
    """What arrives after the end concerns nobody."""


async def open_upstream(
    target: Target,
    *,
    gate: Gate,
    tls: ssl.SSLContext,
    limits: DialLimits,
    switched: Callable[[], None] = lambda: None,
    gateways: Sequence[str] = (),
) -> tuple[UpstreamEnd, bytes]:
    """Dial a console; returns the open end (reading paused) and the raw bytes it began with.

    `switched` is called when a console proxy has let us through, which proves nothing yet; `gateways` are the ids of
    those that the session has passed, this one last.
    Raises UpstreamUnreachableError, UpstreamStaleError or UpstreamProtocolError; then, and when cancelled, nothing is
    left open.
    """
    try:
        opening = opening_of(target, limits.frame, switched, gateways)
    except UpstreamProtocolError as error:
        raise UpstreamProtocolError(f"{who(target)} {error}") from None
    sock = await connect(target, gate=gate, limit=limits.connect)
    end = UpstreamEnd(target, opening)
    try:
        async with asyncio.timeout(limits.first_bytes):
            await speak(end, sock, target, tls)
            return end, await end.proven
    except TimeoutError as error:
        end.give_up()
        raise UpstreamUnreachableError(
            f"{who(target)} took the connection and showed no screen for {limits.first_bytes:g} s."
        ) from error
    except BaseException:
        end.give_up()
        raise
