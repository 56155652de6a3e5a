"""The console proxy's part of RFB: version and security type, asked of the viewer before its screen is joined. Pure.

As a real Nova's: RFB 3.8 and security type None, nothing else. When that is settled the proxy sends what it read beyond
it back to the viewer: an empty frame from a viewer that waits for answers, and lost bytes from one that does not.
"""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass
from typing import Final

BANNER: Final = b"RFB 003.008\n"
OFFER: Final = b"\x01\x01"
"""One security type: None."""
_NONE: Final = 1


class Step(enum.Enum):
    """Where the handshake stands."""

    VERSION = "version"
    SECURITY = "security"
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """Frames to send now, each a message of its own, and where that leaves the handshake."""

    frames: tuple[bytes, ...]
    step: Step


class SecurityProxy:
    """Takes the viewer's messages until its screen may be joined."""

    def __init__(self) -> None:
        self._step = Step.VERSION
        self._buffer = b""

    def feed(self, message: bytes) -> Answer:
        """One message of the viewer's; nothing may be fed after DONE or REFUSED."""
        self._buffer += message
        frames: list[bytes] = []
        if self._step is Step.VERSION and len(self._buffer) >= len(BANNER):
            version, self._buffer = self._buffer[: len(BANNER)], self._buffer[len(BANNER) :]
            if version != BANNER:
                return self._over(Step.REFUSED, b"")
            self._step = Step.SECURITY
            frames.append(OFFER)
        if self._step is Step.SECURITY and self._buffer:
            chosen, rest = self._buffer[0], self._buffer[1:]
            last = self._over(Step.DONE, rest) if chosen == _NONE else self._over(Step.REFUSED, _failure(chosen))
            return Answer((*frames, *last.frames), last.step)
        return Answer(tuple(frames), self._step)

    def _over(self, step: Step, last: bytes) -> Answer:
        self._step, self._buffer = step, b""
        return Answer((last,), step)


def _failure(chosen: int) -> bytes:
    """SecurityResult: failed, and why."""
    why = f"Only the security type None (1) is offered here, not {chosen}.".encode()
    return struct.pack(">II", 1, len(why)) + why
