"""Joins a viewer to an upstream: two directions, back pressure, an end at a frame boundary.

upstream → viewer: as the pair's carriage has it; between two WebSockets bytes pass verbatim and only headers are read,
so that it is always known whether the stream stands between two frames. viewer → upstream: one message in, one message
out (Nova hangs when a client's early messages are joined). The server's pings pass, and all pongs but those to
pings of the gateway's; the rest is `keepalive`'s.

Where a session must be understood (view-only, an idle limit …) a `Governor` follows it, and decides what passes.

The end: whoever causes it, forwarding stops at the next frame boundary, a close frame is written there unless the
upstream's own has just passed, the upstream is closed, and what does not end by itself is aborted.
"""

from __future__ import annotations

import asyncio

from launcher.model import Carrier, Ending, EndReason
from launcher.relay.allowance import FLOOD, Allowance
from launcher.relay.carriage import Carriage, Unwrapping, carriage_of
from launcher.relay.engine import Closed, Event, Message, Ping, Pong, Violation
from launcher.relay.frames import OUR_PING, Stop
from launcher.relay.governor import Governor
from launcher.relay.keepalive import KeepAlive
from launcher.relay.stall import StallWatch
from launcher.relay.terms import Rules, Term
from launcher.relay.upstream import UpstreamEnd
from launcher.relay.viewer import CLOSING_TIME, ViewerEnd
from launcher.relay.websocketviewer import breach

_HALF_TIME = 30.0
"""Seconds that a server has to hang up in, once its viewer sends no more."""
_FINISHING_TIME = 5.0
"""Seconds that a server has to read the rest in, once it sends no more itself."""


class Pump:
    """One session's two directions. `ended` is done once both connections are closed."""

    __slots__ = (
        "_allowance",
        "_carriage",
        "_deadline",
        "_governor",
        "_halves",
        "_input_at",
        "_keep_alive",
        "_loop",
        "_opened_at",
        "_orderly",
        "_parted",
        "_rules",
        "_said",
        "_stalls",
        "_term",
        "_upstream",
        "_upstream_open",
        "_viewer",
        "bytes_down",
        "bytes_up",
        "ended",
        "ending",
    )

    def __init__(self, viewer: ViewerEnd, upstream: UpstreamEnd, rules: Rules) -> None:
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[EndReason] = self._loop.create_future()
        self.bytes_up = 0
        """Payload bytes from the viewer."""
        self.bytes_down = 0
        """Bytes to the viewer, those of frames as they are."""
        self._viewer = viewer
        self._upstream = upstream
        self._rules = rules
        self._carriage = carriage_of(
            upstream_framed=upstream.framed, viewer_framed=viewer.framed, limit=rules.frame_limit
        )
        self._governor: Governor | None = Governor(
            rules, signed_in=upstream.signed_in, framed=upstream.framed, stays=upstream.carrier is Carrier.XVP
        )
        """Until there is nothing more to follow."""
        self._keep_alive = KeepAlive(viewer, upstream, self._carriage)
        self._opened_at = self._input_at = self._loop.time()
        self._term: asyncio.TimerHandle | None = None
        self.ending: Ending | None = None
        """Set once the end is decided."""
        self._said = False
        self._orderly = False
        self._upstream_open = True
        self._allowance: Allowance | None = None
        """For the upstream's control frames."""
        self._parted = False
        self._stalls: tuple[StallWatch, StallWatch] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._halves: list[asyncio.TimerHandle] = []
        """One for each side that sends no more; beside the deadline of the end, which they must not put off."""

    def start(self, first: bytes) -> None:
        """Join the two ends, then pass on the bytes that proved the upstream: so back pressure holds from the first."""
        if self._governor is not None and self._governor.greeting:
            self._viewer.write(self._carriage.walk(self._governor.greeting))
        self._upstream.attach(self, copied=self._viewer.enciphered or self._upstream.framed != self._viewer.framed)
        self._viewer.attach(self)
        if first:
            self.upstream_bytes(first)
        if self._rules.terms:
            self._keep_terms()
        if self._viewer.lost.done():
            self.viewer_lost()

    def end(self, reason: EndReason, code: int, text: str) -> None:
        """End the session at the next frame boundary; the first cause counts."""
        if self.ending is not None:
            return
        self.ending = Ending(reason, code, text)
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self._loop.call_later(CLOSING_TIME, self.abort)
        if self._carriage.at_boundary or not self._upstream_open:
            self._say_the_end()

    def abort(self) -> None:
        """Close both connections at once."""
        self._viewer.abort()
        self._upstream.abort()

    def look(self, patience: int) -> None:
        """Ask a silent upstream that knows pings for a sign of life; end the session if it has missed the answer.

        To be called `silence.LOOKS` times an interval; `patience`: looks that an answer may take.
        """
        if self.ending is None and self._upstream.framed and self._keep_alive.look(patience):
            self.end(EndReason.UPSTREAM_SILENT, 1014, f"{self._upstream.called} does not answer any more.")
            self._upstream.abort()

    def ping(self) -> None:
        """Keep a session awake whose upstream knows no pings; to be called once an interval."""
        if self.ending is None and not self._upstream.framed:
            self._keep_alive.nudge(between=self._governor is not None and self._governor.between)

    def term(self) -> Term | None:
        """What ends this session next, and when, as far as its limits go."""
        now = self._loop.time()
        return self._rules.terms.next(open_for=now - self._opened_at, idle_for=now - self._input_at)

    # ---- upstream → viewer

    def upstream_bytes(self, chunk: bytes | memoryview) -> None:
        """Forward what the carriage gives: of frames, half headers and half close frames are held back."""
        if self.ending is not None:
            self._finish_the_frame(chunk)
        elif self._governor is None or not self._governor.listens or self._heard(self._governor, bytes(chunk)):
            self._forward(chunk)
        else:
            self._finish_the_frame(chunk)

    def holds(self) -> bool:
        return self._viewer.unsent > 0 or self._carriage.more

    def _heard(self, governor: Governor, chunk: bytes) -> bool:
        """Show the handshake to the governor; whether the session goes on."""
        due = governor.hear(chunk)
        if governor.ending is not None:
            self.end(*governor.ending)
            return False
        if due:
            self._upstream.message(due)
        if not governor.needed:
            self._governor = None
        return True

    def _forward(self, chunk: bytes | memoryview) -> None:
        carriage = self._carriage
        out = carriage.walk(chunk)
        self.bytes_down += len(out)
        if self._keep_alive.owed is not None:
            out = self._keep_alive.pay_within(out)
        self._viewer.write(out)
        if carriage.controls and not self._bears(carriage.controls):
            self.end(EndReason.UPSTREAM_PROTOCOL, 1014, f"The console proxy broke the protocol: {FLOOD}.")
        elif carriage.stop is not None:
            self._stop(carriage.stop)
        else:
            self._answer(carriage)

    def _answer(self, carriage: Carriage) -> None:
        """What a chunk asks for beside being forwarded: pongs, and a turn of its own for what is left of it."""
        if isinstance(carriage, Unwrapping):
            for payload in carriage.pings:
                self._upstream.pong(payload)
        if carriage.more:
            self._upstream.pause()
            self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        """Forward the next share of what is left, unless the viewer holds it up; the upstream waits until all went."""
        if not self._carriage.more or self._halted():
            return
        self._forward(b"")
        if not self._carriage.more and not self._halted():
            self._upstream.resume()

    def _halted(self) -> bool:
        return self._viewer.full or self.ending is not None

    def _bears(self, controls: int) -> bool:
        now = self._loop.time()
        self._allowance = self._allowance or Allowance(now)
        return self._allowance.bears(controls, now)

    def upstream_finished(self) -> None:
        """It sends no more, and said so: by its connection's half, if it has no close frame to say it with.

        Its connection closes once all that was said to it has left; where it does not read that, it is made to.
        """
        self._orderly = not self._upstream.framed
        self._halves.append(self._loop.call_later(_FINISHING_TIME, self._upstream.abort))

    def upstream_lost(self) -> None:
        self._upstream_open = False
        while self._carriage.more and self.ending is None:  # what it said last took more than a turn
            self._forward(b"")
        if self.ending is None:
            if not self._carriage.at_boundary:
                self._viewer.abort()
            if self._orderly:
                self.end(EndReason.UPSTREAM_CLOSED, 1000, "The screen hung up.")
            else:
                self.end(EndReason.UPSTREAM_LOST, 1014, f"{self._upstream.called} hung up.")
        elif not self._said:
            self._viewer.abort()
        self._settle()

    def upstream_full(self) -> None:
        self._viewer.pause()
        self._watches()[1].begin()

    def upstream_drained(self) -> None:
        self._watches()[1].cancel()
        self._viewer.resume()

    # ---- viewer → upstream

    def viewer_event(self, event: Event) -> None:
        if self.ending is not None:
            return
        if not isinstance(event, Message):
            self._control(event)
            return
        self.bytes_up += len(event.payload)
        if self._governor is None:
            self._upstream.message(event.payload)
        else:
            self._governed(self._governor, event.payload)

    def _control(self, event: Ping | Pong | Closed | Violation) -> None:
        match event:
            case Ping(payload):
                self._keep_alive.pinged(payload)
            case Pong(payload):
                if payload != OUR_PING:
                    self._upstream.pong(payload)
            case Closed(code):
                self.end(EndReason.VIEWER_CLOSED, 1000 if code == 1005 else code, "")
            case Violation(code, reason):
                self.end(breach(code), code, reason)

    def viewer_finished(self) -> None:
        """A native viewer sends no more: the server is told so where it can be, and may still say what it has to."""
        if self.ending is not None:
            return
        if self._upstream.finish():
            self._halves.append(self._loop.call_later(_HALF_TIME, self.end, EndReason.VIEWER_CLOSED, 1000, ""))
        else:
            self.end(EndReason.VIEWER_CLOSED, 1000, "")

    def viewer_lost(self) -> None:
        if self.ending is None:
            self.ending = Ending(EndReason.VIEWER_LOST, 1001, "")
        self._close_upstream(self.ending.code)
        self._settle()

    def viewer_full(self) -> None:
        self._upstream.pause()
        self._watches()[0].begin()

    def viewer_drained(self) -> None:
        self._watches()[0].cancel()
        if self.ending is None:
            self._keep_alive.drained()
        if self._carriage.more:
            self._go_on()
        else:
            self._upstream.resume()

    def _governed(self, governor: Governor, payload: bytes) -> None:
        """What of a message passes."""
        before = governor.inputs
        up, down = governor.judge(payload, self._loop.time())
        if governor.inputs != before:
            self._input_at = self._loop.time()
        if down:
            self._viewer.write(self._carriage.walk(down))
        if governor.ending is not None:
            self.end(*governor.ending)
        elif up is not None:
            self._upstream.message(up)
        if not governor.needed:
            self._governor = None

    # ---- limits

    def _keep_terms(self) -> None:
        """Look again when the next end would be due: a person's input moves it on."""
        term = self.term()
        assert term is not None
        if term.left > 0:
            self._term = self._loop.call_later(term.left, self._keep_terms)
        else:
            self.end(term.reason, 1008, self._rules.terms.sentence(term.reason))

    def _watches(self) -> tuple[StallWatch, StallWatch]:
        """For the viewer and for the upstream; most sessions never need them."""
        if self._stalls is None:
            viewer, upstream = self._viewer, self._upstream
            self._stalls = (
                StallWatch(lambda: viewer.unsent, self._viewer_stalled),
                StallWatch(lambda: upstream.unsent, self._upstream_stalled),
            )
        return self._stalls

    def _viewer_stalled(self) -> None:
        if self.ending is None:
            self.ending = Ending(EndReason.VIEWER_STALLED, 1001, "")
        self._viewer.abort()

    def _upstream_stalled(self) -> None:
        self.end(EndReason.UPSTREAM_STALLED, 1014, f"{self._upstream.called} reads no more.")
        self._upstream.abort()

    # ---- the end

    def _finish_the_frame(self, chunk: bytes | memoryview) -> None:
        """The end is decided: forward no more than what completes the frame that is under way."""
        if self._said:
            return
        out = self._carriage.walk(chunk)
        boundary = self._carriage.boundary
        out = out if boundary is None else out[:boundary]
        self.bytes_down += len(out)
        self._viewer.write(out)
        if boundary is not None:
            self._say_the_end()

    def _say_the_end(self) -> None:
        assert self.ending is not None
        self._said = True
        self._viewer.close(self.ending.code, self.ending.text)
        if self.ending.reason is EndReason.VIEWER_CLOSED:
            self._viewer.hang_up()
        self._close_upstream(self.ending.code)

    def _stop(self, stop: Stop) -> None:
        """The upstream's stream is over: by its close frame, which has passed to the viewer, or by a faulty frame."""
        text = f"The console proxy broke the protocol: {self._carriage.why}."
        match stop:
            case Stop.CLOSED:
                assert self._carriage.close is not None
                self.ending = Ending(EndReason.UPSTREAM_CLOSED, self._carriage.close[0], "")
                self._said = True
                if self._viewer.framed:
                    self._viewer.expect_end()
                else:
                    self._viewer.hang_up()
                self._close_upstream(self.ending.code)
            case Stop.TOO_LARGE:
                self.end(EndReason.UPSTREAM_FRAME_TOO_LARGE, 1009, text)
            case Stop.PROTOCOL:
                self.end(EndReason.UPSTREAM_PROTOCOL, 1014, text)

    def _close_upstream(self, code: int) -> None:
        """Say goodbye to the upstream and close: its answer concerns nobody any more."""
        if self._upstream_open and not self._parted:
            self._parted = True
            self._upstream.say_goodbye(code if code in (1000, 1001) or 3000 <= code < 5000 else 1000)
            self._upstream.close()
            if self._deadline is None:
                self._deadline = self._loop.call_later(CLOSING_TIME, self.abort)

    def _settle(self) -> None:
        if self._upstream_open or not self._viewer.lost.done() or self.ended.done():
            return
        for timer in (self._deadline, self._term, *self._halves, *(self._stalls or ())):
            if timer is not None:
                timer.cancel()
        assert self.ending is not None
        self.ended.set_result(self.ending.reason)
        # Nothing in a circle: what a session held is free at once, and the collector, which stops every screen while it
        # looks, has nothing to look for.
        self._stalls = None
        self._viewer.detach()
        self._upstream.detach()
