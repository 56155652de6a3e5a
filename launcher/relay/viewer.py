"""The viewer's end of a session, on the event loop.

Drives `ViewerEngine` with what the transport brings. Until a pump is attached it answers pings itself and holds the
little that a hasty viewer may send; from then on everything goes to the pump, which alone decides what is written.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from launcher.model import EndReason
from launcher.relay.engine import TOO_LARGE, Closed, Event, Message, Ping, Pong, ViewerEngine, Violation
from launcher.relay.sockets import close

_WRITE_HIGH_WATER = 64 * 1024
_EARLY_LIMIT = 4096
_EVENTS_PER_TURN = 64
CLOSING_TIME = 5.0
"""Seconds that a peer has to close in return; then its connection is aborted."""


class ViewerLeftError(Exception):
    """The viewer went while its launch was under way."""

    def __init__(self, reason: EndReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


def breach(code: int) -> EndReason:
    """The end reason of a viewer that broke the protocol in the way that a close code names."""
    return EndReason.VIEWER_FRAME_TOO_LARGE if code == TOO_LARGE else EndReason.VIEWER_PROTOCOL


class ViewerReceiver(Protocol):
    """Who is told what the viewer sends, once it is joined to an upstream."""

    def viewer_event(self, event: Event) -> None: ...
    def viewer_lost(self) -> None: ...
    def viewer_full(self) -> None: ...
    def viewer_drained(self) -> None: ...


class ViewerEnd(asyncio.Protocol):
    """One viewer, from its 101 to the end of its connection."""

    def __init__(self, transport: asyncio.Transport, engine: ViewerEngine) -> None:
        self.gone: EndReason | None = None
        """Why the viewer is not there any more."""
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done once the connection is closed."""
        self._transport = transport
        self._engine = engine
        self._receiver: ViewerReceiver | None = None
        self._early: list[bytes] = []
        self._leave: asyncio.Timeout | None = None
        self._paused = False
        self._full = False
        self._in_turn = False
        self._turn_due = False
        self._closing: asyncio.TimerHandle | None = None
        transport.set_write_buffer_limits(high=_WRITE_HIGH_WATER)

    @asynccontextmanager
    async def present(self) -> AsyncIterator[None]:
        """What is awaited inside ends with ViewerLeftError as soon as the viewer goes."""
        try:
            async with asyncio.timeout(None) as self._leave:
                if self.gone is not None:
                    self._leave.reschedule(0)
                yield
        except TimeoutError:
            if self.gone is None:
                raise
            raise ViewerLeftError(self.gone) from None
        finally:
            self._leave = None
        if self.gone is not None:  # it went in the very turn in which the work was done
            raise ViewerLeftError(self.gone)

    def attach(self, receiver: ViewerReceiver) -> None:
        """From now on everything goes to the receiver, what came early first."""
        self._receiver = receiver
        self._paused = False
        if self._full:
            receiver.viewer_full()
        early, self._early = self._early, []
        for payload in early:
            receiver.viewer_event(Message(payload))
        self._turn()

    def write(self, chunk: bytes | memoryview) -> None:
        """Bytes of frames as they are."""
        if not self._transport.is_closing():
            self._transport.write(chunk)

    def ping(self) -> None:
        """Keep every hop awake; only while no upstream is joined."""
        if self._receiver is None and self.gone is None:
            self._transport.write(self._engine.ping())

    @property
    def unsent(self) -> int:
        """Bytes that wait for the viewer to read."""
        return self._transport.get_write_buffer_size()

    def close(self, code: int, reason: str) -> None:
        """Write our close frame, once, and give the viewer a while to answer; only at a frame boundary."""
        if self._closing is not None or self.lost.done():
            return
        self._transport.write(self._engine.close(code, reason))
        self.expect_end()

    def end(self, reason: EndReason, code: int, text: str) -> None:
        """End the viewer's stay before an upstream is joined: its launch is given up."""
        self.close(code, text)
        self._early = []
        self._go(reason)

    def expect_end(self) -> None:
        """The closing handshake is under way: hang up with the viewer, or after a while without it."""
        if self._closing is None and not self.lost.done():
            self._closing = asyncio.get_running_loop().call_later(CLOSING_TIME, self._transport.abort)
            self.resume()

    def hang_up(self) -> None:
        """Close the connection once what is written has left, within the same while."""
        self.expect_end()
        close(self._transport)

    def abort(self) -> None:
        self._transport.abort()

    def pause(self) -> None:
        """Take no more from the viewer."""
        self._paused = True
        self._transport.pause_reading()

    def resume(self) -> None:
        self._paused = False
        self._turn()

    def data_received(self, data: bytes) -> None:
        self._engine.feed(data)
        self._turn()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio calls it with the cause
        if self._closing is not None:
            self._closing.cancel()
        self._go(EndReason.VIEWER_LOST)
        if not self.lost.done():
            self.lost.set_result(None)
        if self._receiver is not None:
            self._receiver.viewer_lost()

    def pause_writing(self) -> None:
        """The viewer does not read: before an upstream is joined, take nothing more from it that asks for answers."""
        self._full = True
        if self._receiver is not None:
            self._receiver.viewer_full()
        else:
            self.pause()

    def resume_writing(self) -> None:
        self._full = False
        if self._receiver is not None:
            self._receiver.viewer_drained()
        else:
            self.resume()

    def _turn(self) -> None:
        """One turn's share of what the viewer sent; the rest waits for the next turn, and so does the viewer."""
        if self._in_turn or self._paused:
            return
        self._in_turn = True
        try:
            for event in self._engine.take(_EVENTS_PER_TURN):
                self._dispatch(event)
        finally:
            self._in_turn = False
        self._see_what_is_left()

    def _see_what_is_left(self) -> None:
        """Go on with the rest in the next turn and take no more until then; or take more again."""
        if self._paused or self._transport.is_closing():
            return
        if not self._engine.pending:
            self._transport.resume_reading()
            return
        self._transport.pause_reading()
        if not self._turn_due:
            self._turn_due = True
            asyncio.get_running_loop().call_soon(self._next_turn)

    def _next_turn(self) -> None:
        self._turn_due = False
        self._turn()

    def _dispatch(self, event: Event) -> None:
        if self._closing is not None:
            if isinstance(event, Closed | Violation):
                close(self._transport)
        elif self._receiver is not None:
            self._receiver.viewer_event(event)
        else:
            self._before_the_upstream(event)

    def _before_the_upstream(self, event: Event) -> None:
        match event:
            case Message(payload):
                self._early.append(payload)
                if sum(map(len, self._early)) > _EARLY_LIMIT or len(self._early) > _EVENTS_PER_TURN:
                    self.end(EndReason.VIEWER_PROTOCOL, 1002, "The server speaks first in RFB.")
            case Ping(payload):
                self.write(self._engine.pong(payload))
            case Pong():
                pass
            case Closed(code):
                self.end(EndReason.VIEWER_CLOSED, 1000 if code == 1005 else code, "")
                close(self._transport)
            case Violation(code, reason):
                self.end(breach(code), code, reason)

    def _go(self, reason: EndReason) -> None:
        if self.gone is None:
            self.gone = reason
            if self._leave is not None:
                self._leave.reschedule(0)
