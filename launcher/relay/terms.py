"""What a session may: how long it lasts, in all and without its person doing anything, and what it may show. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from launcher.model import EndReason


class Term(NamedTuple):
    """The end that comes next."""

    left: float
    """Seconds until then; not above 0 when it is due."""
    reason: EndReason
    """IDLE or TIME_LIMIT."""
    limit: float
    """The whole limit, in seconds."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The limits of every session, in seconds; 0 is none."""

    idle: float = 0.0
    total: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.idle or self.total)

    def next(self, *, open_for: float, idle_for: float) -> Term | None:
        """What ends a session next that has been open, and without a person's input, for so many seconds."""
        ends = []
        if self.idle:
            ends.append(Term(self.idle - idle_for, EndReason.IDLE, self.idle))
        if self.total:
            ends.append(Term(self.total - open_for, EndReason.TIME_LIMIT, self.total))
        return min(ends, default=None)

    def sentence(self, reason: EndReason) -> str:
        """Why a session ended by one of them, for its person."""
        if reason is EndReason.IDLE:
            return f"Ended because nobody used it for {spelled(self.idle)} (relay.idle_timeout)."
        return f"Ended after {spelled(self.total)}, the limit of a session (relay.session_limit)."


_NO_TERMS = Terms()


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for a session."""

    frame_limit: int = 1024**2
    """Bytes of the largest WebSocket message."""
    screen_limit: int = 70
    """Millions of pixels that a screen may have."""
    view_only: bool = False
    terms: Terms = _NO_TERMS


def spelled(seconds: float) -> str:
    """A duration in words: 90 s, 15 min, 8 h."""
    for size, name in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size or (seconds >= size and seconds % size == 0):
            return f"{seconds / size:.3g} {name}"
    return f"{seconds:.3g} s"
