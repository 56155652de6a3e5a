"""How an RFB conversation begins, both ways, as somebody sees it who stands between (RFC 6143 §7.1, §7.2): pure.

The two sides take turns, and what comes next hangs on what either said before; so a viewer that speaks before its turn
is not understood until the server has caught up.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Generator
from typing import Final

BANNER_SIZE: Final = 12
HELD_LIMIT: Final = 4096
"""Bytes of either side that may come before their turn."""
CHALLENGE_SIZE: Final = 16
OK: Final = b"\0\0\0\0"
"""SecurityResult of a sign-in that succeeded."""

INVALID: Final = 0
NONE: Final = 1
VNC: Final = 2
"""Security types: no more (a reason follows), none needed, VNC authentication."""

_BANNER: Final = re.compile(rb"RFB (\d{3})\.(\d{3})\n")


def minor_version(banner: bytes) -> int | None:
    """3, 7 or 8, as which of RFB 3.3, 3.7 and 3.8 a banner is to be taken; None if it is none of ours.

    3.5 and other ones below 3.7 are 3.3; 3.889 (Apple) and 4 and 5 (Intel, RealVNC) are 3.8 with wider ambitions.
    """
    found = _BANNER.fullmatch(banner)
    if found is None:
        return None
    version = (int(found[1]), int(found[2]))
    if version < (3, 3):
        return None
    return 8 if version >= (3, 8) else 7 if version == (3, 7) else 3


class Side(enum.IntEnum):
    """Whose turn it is."""

    SERVER = 0
    VIEWER = 1


class Outcome(enum.Enum):
    """How the handshake ended."""

    READY = "ready"
    """The viewer is let in: its ClientInit comes next."""
    REFUSED = "refused"
    """The server wants no more of this viewer."""
    VEILED = "veiled"
    """They agreed on a sign-in that we cannot see through, and which may encrypt all that follows."""
    BROKEN = "broken"
    """What was said is not RFB."""


_Turns = Generator[tuple[Side, int], bytes, Outcome]


def _turns() -> _Turns:
    """The handshake as it is spoken: yields whose turn it is and how many bytes; is sent these bytes."""
    server = minor_version((yield Side.SERVER, BANNER_SIZE))
    if server is None:
        return Outcome.BROKEN
    viewer = minor_version((yield Side.VIEWER, BANNER_SIZE))
    if viewer is None:
        return Outcome.BROKEN
    version = min(server, viewer)
    security = yield from _security_type(version)
    if security == INVALID:
        return Outcome.REFUSED
    if security == VNC:
        yield Side.SERVER, CHALLENGE_SIZE
        yield Side.VIEWER, CHALLENGE_SIZE
    elif security != NONE:
        return Outcome.VEILED
    elif version < 8:  # only 3.8 has a SecurityResult when nothing was asked
        return Outcome.READY
    return Outcome.READY if (yield Side.SERVER, len(OK)) == OK else Outcome.REFUSED


def _security_type(version: int) -> Generator[tuple[Side, int], bytes, int]:
    """The security type: in 3.3 the server's word, later the viewer's choice of a list. INVALID: there is none."""
    if version == 3:
        return int.from_bytes((yield Side.SERVER, 4), "big")
    count = (yield Side.SERVER, 1)[0]
    if count == 0:
        return INVALID
    yield Side.SERVER, count
    return (yield Side.VIEWER, 1)[0] or -1  # INVALID is the server's to say: a viewer's 0 is a choice of no sense


class Handshake:
    """Follows the handshake while `outcome` is None.

    Afterwards `rest` holds what the viewer said beyond it, and `answer` what the server did. All that either side says
    before its turn is kept until then; no more than HELD_LIMIT bytes of it, or the conversation is BROKEN.
    """

    __slots__ = ("_heard", "_turns", "_wanted", "outcome")

    def __init__(self) -> None:
        self.outcome: Outcome | None = None
        self._heard = [b"", b""]  # by side
        self._turns = _turns()
        self._wanted = next(self._turns)

    @property
    def rest(self) -> bytes:
        """What the viewer said and was not understood yet."""
        return self._heard[Side.VIEWER]

    @property
    def answer(self) -> bytes:
        """What the server said beyond it: the beginning of ServerInit, where the viewer was hasty."""
        return self._heard[Side.SERVER]

    def hear(self, side: Side, payload: bytes) -> bytes:
        """Take what a side said; the viewer's bytes that were understood by it, and fit for the server to hear."""
        self._heard[side] += payload
        understood = b""
        while self.outcome is None:
            turn, size = self._wanted
            if len(self._heard[turn]) < size:
                break
            said, self._heard[turn] = self._heard[turn][:size], self._heard[turn][size:]
            self._go_on(said)
            if turn is Side.VIEWER and self.outcome in (None, Outcome.READY):
                understood += said
        if self.outcome is None and max(map(len, self._heard)) > HELD_LIMIT:
            self.outcome = Outcome.BROKEN
        return understood

    def _go_on(self, said: bytes) -> None:
        try:
            self._wanted = self._turns.send(said)
        except StopIteration as end:
            self.outcome = end.value
