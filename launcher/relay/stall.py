"""Finds a peer that reads no more of what waits for it.

Over a Unix socket no kernel timer does: sshd holds on while a laptop sleeps. Over TCP a peer that acknowledges and
never reads is not dead either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

STALL_TIME = 60.0
"""Seconds after which a peer that has read nothing of what waits for it is given up."""
_LOOKS = 4
"""Looks in that time, all of which must find that: to a gateway whose host was suspended all timers are due at once."""


class StallWatch:
    """Looks again and again, from `begin` to `cancel`, whether fewer bytes wait than the time before."""

    __slots__ = ("_give_up", "_looks", "_timer", "_unsent", "_waiting")

    def __init__(self, unsent: Callable[[], int], give_up: Callable[[], None]) -> None:
        self._unsent = unsent
        self._give_up = give_up
        self._waiting = 0
        self._looks = 0
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        self.cancel()
        self._waiting = self._unsent()
        self._looks = 0
        self._again()

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._looks += 1
        if self._unsent() < self._waiting:
            self.begin()
        elif self._looks < _LOOKS:
            self._again()
        else:
            self._give_up()

    def _again(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(STALL_TIME / _LOOKS, self._look)
