"""A page's end of a session: a WebSocket, spoken by websockify's engine, driven by what the transport brings.

Until a pump is attached it answers pings itself.
"""

from __future__ import annotations

import asyncio

from launcher.model import EndReason
from launcher.relay.allowance import FLOOD, Allowance
from launcher.relay.engine import TOO_LARGE, TOO_MUCH, Closed, Event, Message, Ping, Pong, ViewerEngine, Violation
from launcher.relay.frames import OUR_PING
from launcher.relay.sockets import close
from launcher.relay.viewer import EARLY_LIMIT, ViewerEnd

_EVENTS_PER_TURN = 64


def breach(code: int) -> EndReason:
    """The end reason of a viewer that broke the protocol in the way that a close code names."""
    return EndReason.VIEWER_FRAME_TOO_LARGE if code == TOO_LARGE else EndReason.VIEWER_PROTOCOL


class WebSocketViewer(ViewerEnd):
    """One viewer, from its 101 to the end of its connection."""

    framed = True

    __slots__ = ("_allowance", "_deaf", "_engine", "_in_turn", "_turn_due")

    def __init__(self, transport: asyncio.Transport, engine: ViewerEngine) -> None:
        super().__init__(transport)
        self._engine = engine
        self._allowance: Allowance | None = None
        self._deaf = False
        """It broke the protocol: its answer to our close frame will not be understood."""
        self._in_turn = False
        self._turn_due = False

    def proceed(self) -> None:
        """One turn's share of what the viewer sent; the rest waits for the next turn, and so does the viewer."""
        if self._in_turn or self._paused:
            return
        self._in_turn = True
        try:
            for event in self._engine.take(_EVENTS_PER_TURN):
                self._dispatch(self._borne(event))
                if self._deaf:
                    break
        finally:
            self._in_turn = False
        self._see_what_is_left()

    def ping(self) -> None:
        if self.gone is None:
            self.write(self._engine.ping(OUR_PING))

    def pong(self, payload: bytes) -> None:
        self.write(self._engine.pong(payload))

    def close(self, code: int, reason: str) -> None:
        if self._closing is not None or self.lost.done():
            return
        self._transport.write(self._engine.close(code, reason))
        if self._deaf and self._transport.can_write_eof():
            self._transport.write_eof()  # so it hangs up, and is not waited for (RFC 6455 §7.1.1)
        self.expect_end()

    def end(self, reason: EndReason, code: int, text: str) -> None:
        self.close(code, text)
        self._early = []
        self._go(reason)

    def data_received(self, data: bytes) -> None:
        self._engine.feed(data)
        self.proceed()

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
        self.proceed()

    def _borne(self, event: Event) -> Event:
        """The event; or the breach that it is, where it is one ping or pong too many."""
        if not isinstance(event, Ping | Pong):
            return event
        now = asyncio.get_running_loop().time()
        self._allowance = self._allowance or Allowance(now)
        return event if self._allowance.bears(1, now) else self._engine.refuse(Violation(TOO_MUCH, FLOOD))

    def _dispatch(self, event: Event) -> None:
        self._deaf = isinstance(event, Violation)
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
                if sum(map(len, self._early)) > EARLY_LIMIT or len(self._early) > _EVENTS_PER_TURN:
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
