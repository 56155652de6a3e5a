"""A clock that tests move by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class FakeClock:
    """Stands still until `advance` is called."""

    def __init__(self) -> None:
        self._passed = 1000.0

    def advance(self, seconds: float) -> None:
        self._passed += seconds

    def monotonic(self) -> float:
        return self._passed

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self._passed)
