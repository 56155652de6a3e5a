"""The viewer's end of a session: what a page's WebSocket (`websocketviewer`) and a native viewer (`nativeviewer`) have
in common.

Until a pump is attached a viewer's end holds the little that a hasty viewer may send; from then on everything goes to
the pump, which alone decides what is written.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import ClassVar, Protocol

from launcher.model import EndReason
from launcher.relay.engine import Event, Message
from launcher.relay.sockets import close

_WRITE_HIGH_WATER = 64 * 1024
EARLY_LIMIT = 4096
"""Bytes that a viewer may send before the screen is there."""
CLOSING_TIME = 5.0
"""Seconds that a peer has to close in return; then its connection is aborted."""


class ViewerLeftError(Exception):
    """The viewer went while its launch was under way."""

    def __init__(self, reason: EndReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class ViewerReceiver(Protocol):
    """Who is told what the viewer sends, once it is joined to an upstream."""

    def viewer_event(self, event: Event) -> None: ...
    def viewer_finished(self) -> None: ...
    def viewer_lost(self) -> None: ...
    def viewer_full(self) -> None: ...
    def viewer_drained(self) -> None: ...


class ViewerEnd(asyncio.Protocol, ABC):
    """One viewer, from the beginning of its launch to the end of its connection."""

    framed: ClassVar[bool]
    """Whether what is written to it are WebSocket frames."""

    __slots__ = ("_closing", "_early", "_full", "_leave", "_paused", "_receiver", "_transport", "gone", "lost")

    def __init__(self, transport: asyncio.Transport) -> None:
        self.gone: EndReason | None = None
        """Why the viewer is not there any more."""
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done once the connection is closed."""
        self._transport = transport
        self._receiver: ViewerReceiver | None = None
        self._early: list[bytes] = []
        self._leave: asyncio.Timeout | None = None
        self._paused = False
        self._full = False
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
        self.proceed()

    def detach(self) -> None:
        """The session is over and both its connections are closed: nothing more is told to anybody."""
        self._receiver = None

    @abstractmethod
    def proceed(self) -> None:
        """Take what the viewer has sent, unless it is held up."""

    def write(self, chunk: bytes | memoryview) -> None:
        """Bytes as they are."""
        if not self._transport.is_closing():
            self._transport.write(chunk)

    def ping(self) -> None:
        """Keep every hop awake; only at a frame boundary."""

    def pong(self, payload: bytes) -> None:
        """Answer a ping; only at a frame boundary."""

    @property
    def enciphered(self) -> bool:
        """Whether it speaks TLS."""
        return self._transport.get_extra_info("sslcontext") is not None

    @property
    def full(self) -> bool:
        """Whether it has to read before more is written to it."""
        return self._full

    @property
    def unsent(self) -> int:
        """Bytes that wait for the viewer to read."""
        return self._transport.get_write_buffer_size()

    @abstractmethod
    def close(self, code: int, reason: str) -> None:
        """Tell the viewer that its session is over, once, and give it a while to go; only at a frame boundary."""

    @abstractmethod
    def end(self, reason: EndReason, code: int, text: str) -> None:
        """End the viewer's stay before an upstream is joined: its launch is given up."""

    def expect_end(self) -> None:
        """The end has been said: hang up with the viewer, or after a while without it."""
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
        self.proceed()

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

    def _go(self, reason: EndReason) -> None:
        if self.gone is None:
            self.gone = reason
            if self._leave is not None:
                self._leave.reschedule(0)
