"""Time, read in this one place.

Everything that waits, expires or stamps takes a `Clock`; pure modules take the moment itself as an argument.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the shells of this project know of time."""

    def monotonic(self) -> float:
        """Seconds that never run backwards; what expiry and durations are counted in."""
        ...

    def now(self) -> datetime:
        """The wall clock in UTC; only for what a person or a log line reads."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Come back when `monotonic` has gone on by so many seconds."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def monotonic(self) -> float:
        return time.monotonic()

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
