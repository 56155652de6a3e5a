"""How many control frames one side of a session may send: pure.

A ping asks for an answer, and each costs both ends time whatever it holds. Keep-alive needs one in some seconds; a
hundred a second are borne, and what goes beyond is a breach.
"""

from __future__ import annotations

from typing import Final

AT_ONCE: Final = 500
"""Control frames that may come in a burst."""
PER_SECOND: Final = 100
"""How many of them are made good again in a second."""
FLOOD: Final = f"more than {PER_SECOND} pings and pongs a second came"


class Allowance:
    """What one side may still send."""

    __slots__ = ("_at", "_left")

    def __init__(self, now: float) -> None:
        """`now`: seconds of a clock that never goes back."""
        self._left = float(AT_ONCE)
        self._at = now

    def bears(self, count: int, now: float) -> bool:
        """Take `count` control frames that came at `now`; whether they are still borne."""
        self._left = min(AT_ONCE, self._left + (now - self._at) * PER_SECOND) - count
        self._at = now
        return self._left >= 0
