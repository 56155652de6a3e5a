"""Follows one RFB conversation, to know when its viewer is busy, and to let somebody look who may do no more: pure."""

from __future__ import annotations

from typing import Final

from launcher.relay.rfbhandshake import Handshake, Outcome, Side
from launcher.relay.rfbmessages import UNKNOWN, Sort, lists_extended_buttons, read_head

_SHARED: Final = b"\1"
"""ClientInit of somebody who throws nobody out."""

_SIZE: Final = 4
"""Bytes of the screen's width and height."""

VEILED: Final = "This server's screen encrypts by itself, so it cannot be kept view-only. Open it without view-only."
UNSEEN: Final = "The beginning of this screen was not understood, so it cannot be kept view-only."
FOREIGN: Final = "The viewer sent something unknown to the gateway, so the screen cannot be kept view-only."


_TROUBLE: Final = {Outcome.VEILED: VEILED, Outcome.BROKEN: UNSEEN, Outcome.REFUSED: None}
"""By how the handshake ended; a server that refuses says itself why."""


class Conversation:
    """One RFB conversation: the handshake both ways, then the viewer's messages; both sides may be cut anywhere.

    If not `view_only`, every byte passes at once, whatever it is: it is only looked at. If `view_only`, nothing that
    is of a person's own doing passes; all else does, unchanged and in order, but for ClientInit, which always asks for
    a shared screen. `signed_in`: version and security were settled with both sides already: it begins at ClientInit.
    """

    __slots__ = (
        "_begun",
        "_buttons",
        "_due",
        "_greeted",
        "_handshake",
        "_init",
        "_left",
        "_passing",
        "_rest",
        "_view_only",
        "following",
        "inputs",
        "screen",
        "settled",
        "trouble",
    )  # fmt: skip

    def __init__(self, *, view_only: bool, signed_in: bool = False) -> None:
        self.settled = False
        """Nothing more of what the server says need be looked at."""
        self.screen: tuple[int, int] | None = None
        """Width and height in pixels, once ServerInit has told them (RFC 6143 §7.3.2)."""
        self._init = b""
        self.trouble: str | None = None
        """Why a view-only conversation cannot go on, for the person, in at most 123 bytes; nothing passes any more."""
        self.following = True
        """What the viewer says is still understood."""
        self.inputs = 0
        """Messages so far that were of a person's own doing, passed or dropped."""
        self._view_only = view_only
        self._handshake = None if signed_in else Handshake()
        self._due = b""
        self._greeted = False
        self._begun = False
        self._buttons = False
        self._rest = b""
        self._left = 0
        self._passing = True

    @property
    def between(self) -> bool:
        """The handshake is over and the viewer stands between two messages: one of ours could be put in here.

        It must have sent its first one: that is the sign that it has seen ServerInit, before which nobody may speak.
        """
        return self._begun and self.following and not self._left and not self._rest

    @property
    def due(self) -> int:
        """How many bytes, held back until the server spoke, may go now: `from_viewer(b"")` gives them."""
        return len(self._due)

    def from_server(self, payload: bytes) -> None:
        """The server's bytes, in order; to be called only while not `settled`. See `due`."""
        if self._handshake is not None:
            passed = self._hear(self._handshake, Side.SERVER, payload)
            if self._view_only:
                self._due += passed
        else:
            self._measure(payload)

    def from_viewer(self, payload: bytes) -> bytes:
        """What of the viewer's bytes goes to the server now, possibly nothing."""
        if not self._view_only:
            if self.following:
                self._heard(payload)
            return payload
        passed, self._due = self._due, b""
        return passed + self._heard(payload) if self.following else passed

    def _heard(self, payload: bytes) -> bytes:
        """What passes of a payload in a view-only conversation."""
        if self._handshake is not None:
            return self._hear(self._handshake, Side.VIEWER, payload)
        return self._follow(payload) if self._greeted else self._greet(payload)

    def _hear(self, handshake: Handshake, side: Side, payload: bytes) -> bytes:
        """What of the viewer's bytes passes, now that one side has said more of the handshake."""
        passed = handshake.hear(side, payload)
        if handshake.outcome is None:
            return passed
        self._handshake = None
        if handshake.outcome is Outcome.READY:
            self._measure(handshake.answer)
            return passed + self._greet(handshake.rest)
        self.settled = True
        self._lose(_TROUBLE[handshake.outcome])
        return passed

    def _measure(self, payload: bytes) -> None:
        """ServerInit begins with the screen's size; nothing behind that is of interest."""
        self._init += payload[: _SIZE - len(self._init)]
        if len(self._init) == _SIZE:
            self.screen = (int.from_bytes(self._init[:2], "big"), int.from_bytes(self._init[2:], "big"))
            self.settled = True

    def _greet(self, payload: bytes) -> bytes:
        """ClientInit, and what follows it."""
        if not payload:
            return b""
        self._greeted = True
        return _SHARED + self._follow(payload[1:])

    def _follow(self, payload: bytes) -> bytes:
        """Messages. One whose kind is not known yet is held back; a known one streams through, or is dropped."""
        stream, at = self._rest + payload, 0
        passed = []
        while at < len(stream) and (self._left or self._begin(stream, at)):
            end = min(at + self._left, len(stream))
            if self._passing:
                passed.append(stream[at:end])
            self._left -= end - at
            at = end
        self._rest = stream[at:] if self.following else b""
        return b"".join(passed)

    def _begin(self, stream: bytes, at: int) -> bool:
        """Begin the message at `at`; False while it cannot be told from others, and when it never can."""
        head = read_head(stream, at, extended_buttons=self._buttons)
        if head is None:
            return False
        if head is UNKNOWN:
            self._lose(FOREIGN)
            return False
        if head.sort is Sort.ENCODINGS and not self._buttons:
            if len(stream) - at < head.length:
                return False
            self._buttons = lists_extended_buttons(stream[at : at + head.length])
        self._begun = True
        self._left = head.length
        self._passing = not (head.input and self._view_only)
        self.inputs += head.input
        return True

    def _lose(self, why: str | None) -> None:
        """From here on nothing is understood."""
        self.following = False
        if self._view_only:
            self.trouble = why
