"""Turns: at most so many at once, first come, first served."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """Gives turns. `at_once` may change at any time; turns that were given are not taken back."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._taken = 0
        self._queue: deque[asyncio.Future[None]] = deque()

    def limit(self, at_once: int) -> None:
        """From now on so many at once."""
        self._at_once = at_once
        self._give()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Lasts as long as the context."""
        await self._wait()
        try:
            yield
        finally:
            self._taken -= 1
            self._give()

    def __len__(self) -> int:
        """How many wait."""
        return sum(not place.done() for place in self._queue)

    async def _wait(self) -> None:
        place = asyncio.get_running_loop().create_future()
        self._queue.append(place)
        self._give()
        try:
            await place
        except asyncio.CancelledError:
            if not place.cancelled():  # given in the very moment in which whoever waited left
                self._taken -= 1
                self._give()
            raise

    def _give(self) -> None:
        while self._queue and self._taken < self._at_once:
            place = self._queue.popleft()
            if not place.done():
                self._taken += 1
                place.set_result(None)
