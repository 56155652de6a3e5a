"""A native viewer's end of a session: raw RFB on a Unix socket.

Nothing is said before the screen's own greeting. A launch that fails is told in RFB's words: a greeting of our own, and
then the reason why no security type is offered, which every viewer shows.
"""

from __future__ import annotations

import asyncio

from launcher.model import EndReason
from launcher.relay.engine import Closed, Message
from launcher.relay.security import Refusal
from launcher.relay.sockets import close, has_gone
from launcher.relay.viewer import EARLY_LIMIT, ViewerEnd


class NativeViewer(ViewerEnd):
    """One viewer, from its connection to its end; it is `transport`'s protocol already."""

    framed = False

    __slots__ = ("_early_size", "_refusal")

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__(transport)
        self._early_size = 0
        self._refusal: Refusal | None = None

    def proceed(self) -> None:
        if not self._paused and not self._transport.is_closing():
            self._transport.resume_reading()

    def close(self, code: int, reason: str) -> None:  # noqa: ARG002 -- RFB has no words for the end of a session
        self.hang_up()

    def end(self, reason: EndReason, code: int, text: str) -> None:  # noqa: ARG002 -- RFB has no codes
        """The reason is said in the handshake; then the connection closes, or after a while without its answers."""
        early, self._early = self._early, []
        self._go(reason)
        if self._closing is not None or self.lost.done():
            return
        self._refusal = Refusal(text)
        self._transport.write(self._refusal.begin)
        self.expect_end()
        for chunk in early:
            self._refuse(chunk)

    def data_received(self, data: bytes) -> None:
        if self._refusal is not None:
            self._refuse(data)
        elif self._closing is not None:
            pass
        elif self._receiver is not None:
            self._receiver.viewer_event(Message(data))
        else:
            self._hold(data)

    def eof_received(self) -> bool:
        """The viewer sends no more. What the screen still says is for it all the same, once there is a screen."""
        if self._receiver is None or self._closing is not None:
            return False
        if has_gone(self._transport):
            self._receiver.viewer_event(Closed(1000, ""))
            return False
        self._receiver.viewer_finished()
        return True

    def _hold(self, chunk: bytes) -> None:
        self._early.append(chunk)
        self._early_size += len(chunk)
        if self._early_size > EARLY_LIMIT:
            self.end(EndReason.VIEWER_PROTOCOL, 1002, "The server speaks first in RFB.")

    def _refuse(self, chunk: bytes) -> None:
        refusal = self._refusal
        if refusal is None or refusal.over:
            return
        self._transport.write(refusal.answer(chunk))
        if refusal.over:
            close(self._transport)
