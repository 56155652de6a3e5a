"""Follows a session that must be understood, and decides what of the viewer's messages passes.

Every session begins with one: it reads how large the screen is. Most need none afterwards, and bytes pass unread. One
stays for view-only, for an idle limit, and for an upstream that cuts off silent viewers. Where the gateway has signed
in to the server with a password of its own, it does version and security with the viewer, too.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from launcher.model import Ending, EndReason
from launcher.relay.carriage import Unwrapping
from launcher.relay.rfb import RUNS_AT_ONCE, Conversation
from launcher.relay.security import Welcome
from launcher.relay.terms import Rules

MILLION: Final = 1_000_000
RUNS_PER_SECOND: Final = 2000
"""Runs of like RFB messages that a viewer may send in the long run. The page itself types 1,600 (static/tools.js)."""
FLOOD: Final = f"The viewer sent more than {RUNS_PER_SECOND} messages a second."
_FRAMES: Final = "The console proxy broke the protocol: it begins with more frames than any screen does."


def too_large(width: int, height: int, limit: int) -> str:
    """The sentence that ends a session, in at most 123 bytes; `limit` is in millions of pixels."""
    return f"The screen has {width} x {height} pixels: more than {limit} million (relay.screen_limit of the gateway)."


class Passing(NamedTuple):
    """What comes of a viewer's message."""

    up: bytes | None
    """What goes to the server in its place; None: nothing."""
    down: bytes = b""
    """What the viewer is answered."""


class Governor:
    """One session's."""

    __slots__ = ("_conversation", "_judged_at", "_screen_limit", "_stays", "_tap", "_welcome", "ending", "inputs")

    def __init__(self, rules: Rules, *, signed_in: bool, framed: bool, stays: bool = False) -> None:
        """`framed`: the server's bytes come as WebSocket frames; `signed_in`: the gateway has signed in to it.

        `stays`: it is needed to the session's end, also where the rules do not need it.
        """
        self._screen_limit = rules.screen_limit
        self._stays = stays or rules.view_only or rules.terms.idle > 0
        self._judged_at = 0.0
        self._conversation = Conversation(view_only=rules.view_only, signed_in=signed_in)
        self._tap = Unwrapping(rules.frame_limit) if framed else None
        self._welcome = Welcome() if signed_in else None
        self.inputs = 0
        """Another number whenever the person has done something, or what the viewer sends is not understood."""
        self.ending: Ending | None = None
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
    def needed(self) -> bool:
        """Whether there is still something to follow."""
        return self._stays or self.listens or self._welcome is not None

    @property
    def between(self) -> bool:
        """Whether a message of ours may be put among the viewer's now."""
        return self._conversation.between

    def hear(self, chunk: bytes) -> bytes:
        """The server's part of the handshake, as it came; what a hasty viewer had sent, and may now go."""
        self._conversation.from_server(self._payload(chunk))
        if self._conversation.settled:
            self._tap = None
        self._mind()
        return self._conversation.from_viewer(b"") if self._conversation.due else b""

    def _payload(self, chunk: bytes) -> bytes:
        """What the server says in a chunk; of frames a turn's share is enough for every handshake."""
        if self._tap is None:
            return chunk
        payload = bytes(self._tap.walk(chunk))
        if self._tap.more:
            self.ending = Ending(EndReason.UPSTREAM_PROTOCOL, 1014, _FRAMES)
        return payload

    def judge(self, payload: bytes, now: float) -> Passing:
        """What comes of a message of the viewer's; `now`: seconds of a clock that never goes back."""
        room = self._conversation.room + (now - self._judged_at) * RUNS_PER_SECOND
        self._conversation.room, self._judged_at = min(RUNS_AT_ONCE, room), now
        if self._welcome is None:
            return Passing(self._passing(payload))
        down = self._welcome.answer(payload)
        if self._welcome.failure is not None:
            self.ending = Ending(EndReason.VIEWER_PROTOCOL, 1002, f"The viewer {self._welcome.failure}")
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
        screen = self._conversation.screen
        if self.ending is not None:
            return
        if screen is not None and screen[0] * screen[1] > self._screen_limit * MILLION:
            self.ending = Ending(EndReason.SCREEN_TOO_LARGE, 1008, too_large(*screen, self._screen_limit))
        elif self._conversation.flooded:
            self.ending = Ending(EndReason.VIEWER_PROTOCOL, 1008, FLOOD)
        elif self._conversation.trouble is not None:
            self.ending = Ending(EndReason.NOT_VIEW_ONLY, 1008, self._conversation.trouble)
