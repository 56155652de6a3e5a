"""Joins a viewer to an upstream: two directions, back pressure, an end at a frame boundary.

upstream → viewer: bytes pass verbatim; `FrameWalker` reads the headers only, so that it is always known whether the
stream stands between two frames. viewer → upstream: one message in, one masked frame out (Nova hangs when a client's
early messages are joined). Pings and pongs of either side pass to the other, and so every hop stays awake and no pong
of ours ever lands inside a server frame.

The end: whoever causes it, forwarding stops at the next frame boundary, a close frame is written there unless the
upstream's own has just passed, the upstream is closed, and what does not end by itself is aborted.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass

from launcher.model import EndReason
from launcher.relay.engine import Closed, Event, Message, Ping, Pong, Violation
from launcher.relay.frames import BINARY, CLOSE, PING, PONG, FrameWalker, Stop, client_frame
from launcher.relay.upstream import UpstreamEnd
from launcher.relay.viewer import CLOSING_TIME, ViewerEnd, breach

STALL_TIME = 60.0
"""Seconds after which a viewer that has read nothing of what waits for it is given up."""


@dataclass(frozen=True, slots=True)
class _Ending:
    """Why it ends, and the close frame that the viewer is to get."""

    reason: EndReason
    code: int
    text: str


class Pump:
    """One session's two directions. `ended` is done once both connections are closed."""

    __slots__ = (
        "_deadline",
        "_ending",
        "_parted",
        "_said",
        "_stall",
        "_unsent",
        "_upstream",
        "_upstream_open",
        "_viewer",
        "_walker",
        "bytes_down",
        "bytes_up",
        "ended",
    )

    def __init__(self, viewer: ViewerEnd, upstream: UpstreamEnd, frame_limit: int) -> None:
        self.ended: asyncio.Future[EndReason] = asyncio.get_running_loop().create_future()
        self.bytes_up = 0
        """Payload bytes from the viewer."""
        self.bytes_down = 0
        """Bytes of frames to the viewer."""
        self._viewer = viewer
        self._upstream = upstream
        self._walker = FrameWalker(frame_limit)
        self._ending: _Ending | None = None
        self._said = False
        self._upstream_open = True
        self._parted = False
        self._unsent = 0
        self._stall: asyncio.TimerHandle | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def start(self, first: bytes) -> None:
        """Join the two ends, then pass on the bytes that proved the upstream: so back pressure holds from the first."""
        self._upstream.attach(self)
        self._viewer.attach(self)
        self.upstream_bytes(first)
        if self._viewer.lost.done():
            self.viewer_lost()

    def end(self, reason: EndReason, code: int, text: str) -> None:
        """End the session at the next frame boundary; the first cause counts."""
        if self._ending is not None:
            return
        self._ending = _Ending(reason, code, text)
        self._deadline = asyncio.get_running_loop().call_later(CLOSING_TIME, self.abort)
        if self._walker.at_boundary or not self._upstream_open:
            self._say_the_end()

    def abort(self) -> None:
        """Close both connections at once."""
        self._viewer.abort()
        self._upstream.abort()

    def ping(self) -> None:
        """Ask the upstream for a sign of life; its pong passes through to the viewer and keeps that hop awake, too."""
        if self._ending is None:
            self._upstream.send(client_frame(PING, b"", os.urandom(4)))

    def upstream_bytes(self, chunk: bytes) -> None:
        """Forward whole headers and any payload; see `FrameWalker.walk` for what is held back."""
        walker = self._walker
        if self._ending is not None:
            self._finish_the_frame(chunk)
            return
        out = walker.walk(chunk)
        self.bytes_down += len(out)
        self._viewer.write(out)
        if walker.stop is not None:
            self._stop(walker.stop)

    def upstream_lost(self) -> None:
        self._upstream_open = False
        if self._ending is None:
            if not self._walker.at_boundary:
                self._viewer.abort()
            self.end(EndReason.UPSTREAM_LOST, 1014, "The console proxy hung up.")
        elif not self._said:
            self._viewer.abort()
        self._settle()

    def upstream_full(self) -> None:
        self._viewer.pause()

    def upstream_drained(self) -> None:
        self._viewer.resume()

    def viewer_event(self, event: Event) -> None:
        if self._ending is not None:
            return
        match event:
            case Message(payload):
                self.bytes_up += len(payload)
                self._upstream.send(client_frame(BINARY, payload, os.urandom(4)))
            case Ping(payload):
                self._upstream.send(client_frame(PING, payload, os.urandom(4)))
            case Pong(payload):
                self._upstream.send(client_frame(PONG, payload, os.urandom(4)))
            case Closed(code):
                self.end(EndReason.VIEWER_CLOSED, 1000 if code == 1005 else code, "")
            case Violation(code, reason):
                self.end(breach(code), code, reason)

    def viewer_lost(self) -> None:
        if self._ending is None:
            self._ending = _Ending(EndReason.VIEWER_LOST, 1001, "")
        self._close_upstream(self._ending.code)
        self._settle()

    def viewer_full(self) -> None:
        self._upstream.pause()
        self._watch_the_viewer()

    def viewer_drained(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
        self._upstream.resume()

    def _watch_the_viewer(self) -> None:
        """Over a Unix socket no kernel timer finds a viewer that reads no more: sshd holds on while a laptop sleeps."""
        self._unsent = self._viewer.unsent
        self._stall = asyncio.get_running_loop().call_later(STALL_TIME, self._see_whether_it_reads)

    def _see_whether_it_reads(self) -> None:
        if self._viewer.unsent < self._unsent:
            self._watch_the_viewer()
            return
        if self._ending is None:
            self._ending = _Ending(EndReason.VIEWER_STALLED, 1001, "")
        self._viewer.abort()

    def _finish_the_frame(self, chunk: bytes) -> None:
        """The end is decided: forward no more than what completes the frame that is under way."""
        if self._said:
            return
        out = self._walker.walk(chunk)
        boundary = self._walker.boundary
        out = out if boundary is None else out[:boundary]
        self.bytes_down += len(out)
        self._viewer.write(out)
        if boundary is not None:
            self._say_the_end()

    def _say_the_end(self) -> None:
        assert self._ending is not None
        self._said = True
        self._viewer.close(self._ending.code, self._ending.text)
        if self._ending.reason is EndReason.VIEWER_CLOSED:
            self._viewer.hang_up()
        self._close_upstream(self._ending.code)

    def _stop(self, stop: Stop) -> None:
        """The upstream's stream is over: by its close frame, which has passed to the viewer, or by a faulty frame."""
        text = f"The console proxy broke the protocol: {self._walker.why}."
        match stop:
            case Stop.CLOSED:
                assert self._walker.close is not None
                self._ending = _Ending(EndReason.UPSTREAM_CLOSED, self._walker.close[0], "")
                self._said = True
                self._viewer.expect_end()
                self._close_upstream(self._ending.code)
            case Stop.TOO_LARGE:
                self.end(EndReason.UPSTREAM_FRAME_TOO_LARGE, 1009, text)
            case Stop.PROTOCOL:
                self.end(EndReason.UPSTREAM_PROTOCOL, 1014, text)

    def _close_upstream(self, code: int) -> None:
        """Say goodbye to the console proxy and close: its answer concerns nobody any more."""
        if self._upstream_open and not self._parted:
            self._parted = True
            upstream_code = code if code in (1000, 1001) or 3000 <= code < 5000 else 1000
            self._upstream.send(client_frame(CLOSE, upstream_code.to_bytes(2), os.urandom(4)))
            self._upstream.close()
            if self._deadline is None:
                self._deadline = asyncio.get_running_loop().call_later(CLOSING_TIME, self.abort)

    def _settle(self) -> None:
        if self._upstream_open or not self._viewer.lost.done() or self.ended.done():
            return
        for timer in (self._deadline, self._stall):
            if timer is not None:
                timer.cancel()
        assert self._ending is not None
        self.ended.set_result(self._ending.reason)
