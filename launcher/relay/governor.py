"""Follows a session that must be understood, and decides what of the viewer's messages passes.

Most sessions need none: bytes pass unread. One is needed for view-only, for an idle limit, for an upstream that cuts
off silent viewers, and where the gateway has signed in to the server with a password of its own: there it does version
and security with the viewer, too.
"""

from __future__ import annotations

from typing import NamedTuple

from launcher.model import EndReason
from launcher.relay.carriage import Unwrapping
from launcher.relay.rfb import Conversation
from launcher.relay.security import Welcome


class Passing(NamedTuple):
    """What comes of a viewer's message."""

    up: bytes | None
    """What goes to the server in its place; None: nothing."""
    down: bytes = b""
    """What the viewer is answered."""


class Verdict(NamedTuple):
    """Why the session cannot go on, and its close code."""

    reason: EndReason
    code: int
    text: str


class Governor:
    """One session's."""

    __slots__ = ("_conversation", "_tap", "_welcome", "inputs", "verdict")

    def __init__(self, *, view_only: bool, signed_in: bool, framed: bool, frame_limit: int) -> None:
        """`framed`: the server's bytes come as WebSocket frames; `signed_in`: the gateway has signed in to it."""
        self._conversation = Conversation(view_only=view_only, signed_in=signed_in)
        self._tap = Unwrapping(frame_limit) if framed else None
        self._welcome = Welcome() if signed_in else None
        self.inputs = 0
        """Another number whenever the person has done something, or what the viewer sends is not understood."""
        self.verdict: Verdict | None = None
        """Set once the session cannot go on."""

    @property
    def greeting(self) -> bytes:
        """What the viewer is greeted with, where the server's own greeting is not for it."""
        return self._welcome.begin if self._welcome is not None else b""

    @property
    def listens(self) -> bool:
        """Whether the server's bytes are to be shown to `hear`: only in the handshake."""
        return not self._conversation.settled

    @property
    def between(self) -> bool:
        """Whether a message of ours may be put among the viewer's now."""
        return self._conversation.between

    def hear(self, chunk: bytes) -> bytes:
        """The server's part of the handshake, as it came; what a hasty viewer had sent, and may now go."""
        self._conversation.from_server(bytes(self._tap.walk(chunk)) if self._tap is not None else chunk)
        if self._conversation.settled:
            self._tap = None
        self._mind()
        return self._conversation.from_viewer(b"") if self._conversation.due else b""

    def judge(self, payload: bytes) -> Passing:
        """What comes of a message of the viewer's."""
        if self._welcome is None:
            return Passing(self._passing(payload))
        down = self._welcome.answer(payload)
        if self._welcome.failure is not None:
            self.verdict = Verdict(EndReason.VIEWER_PROTOCOL, 1002, f"The viewer {self._welcome.failure}")
        if not self._welcome.done:
            return Passing(None, down)
        left, self._welcome = self._welcome.leftover, None
        return Passing(self._passing(left) if left else None, down)

    def _passing(self, payload: bytes) -> bytes | None:
        passing = self._conversation.from_viewer(payload)
        if not self._conversation.following:
            self.inputs += 1  # what is not understood may be a person's
        elif self._conversation.inputs != self.inputs:
            self.inputs = self._conversation.inputs
        self._mind()
        return passing if passing or not payload else None

    def _mind(self) -> None:
        if self._conversation.trouble is not None:
            self.verdict = Verdict(EndReason.NOT_VIEW_ONLY, 1008, self._conversation.trouble)
