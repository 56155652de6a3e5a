"""A clock that tests move by hand, and one that moves by itself whenever somebody sleeps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class FakeClock:
    """Stands still until `advance` is called; who sleeps by it wakes when his time has come."""

    def __init__(self) -> None:
        self._passed = 1000.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def advance(self, seconds: float) -> None:
        self._passed += seconds
        for due, sleeper in self._sleepers:
            if due <= self._passed and not sleeper.done():
                sleeper.set_result(None)

    def monotonic(self) -> float:
        return self._passed

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self._passed)

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        entry = (self._passed + seconds, asyncio.get_running_loop().create_future())
        self._sleepers.append(entry)
        try:
            await entry[1]
        finally:
            self._sleepers.remove(entry)

    @property
    def asleep(self) -> list[float]:
        """Seconds that each sleeper has still to sleep, shortest first."""
        return sorted(due - self._passed for due, _ in self._sleepers)


class HastyClock:
    """Whoever sleeps by it wakes at once, and so much later; `slept` is called with the seconds."""

    def __init__(self, starts_at: datetime, slept: Callable[[float], None]) -> None:
        self._passed = 1000.0
        self._slept = slept
        self._starts_at = starts_at
        self._started = self._passed

    def restart(self) -> None:
        """The wall clock is back where it began; the other one never is."""
        self._started = self._passed

    def monotonic(self) -> float:
        return self._passed

    def now(self) -> datetime:
        return self._starts_at + timedelta(seconds=self._passed - self._started)

    async def sleep(self, seconds: float) -> None:
        self._slept(seconds)
        self._passed += seconds
        await asyncio.sleep(0)
