"""How many consoles a cloud is asked for: token buckets; the caller says what time it is. One for each cloud.

A place is kept for whoever must wait, so that who came first is served first; but no further ahead than `HORIZON`:
those who will have left by then must not hold up who comes later. A place is a promise, not a request: many who come
for theirs late, all at once, are let through no faster than the rate says, and one that nobody comes for is given back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

HORIZON: Final = 120.0
"""Seconds."""
_KEPT = 10.0
"""Seconds that a place is kept for whoever does not come for it."""
_ROUNDING = 1e-6
"""Of a request: floating point, and clocks that wake a little early."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `requests` at once, and as many again in each `seconds`."""

    requests: int
    seconds: float


@dataclass(slots=True)
class _Bucket:
    rate: Rate
    level: float
    """Requests that may be sent now, by what was really sent."""
    at: float

    def fill(self, now: float) -> None:
        gained = (now - self.at) * self.rate.requests / self.rate.seconds
        self.level = min(float(self.rate.requests), self.level + gained)
        self.at = now

    def wait(self, before: int = 0) -> float:
        """Seconds until a request may really be sent, behind so many others."""
        level = self.level - before
        return 0.0 if level >= 1 - _ROUNDING else (1 - level) * self.rate.seconds / self.rate.requests


@dataclass(slots=True)
class Budget:
    """Every rate that a cloud's console requests must keep to."""

    rates: Sequence[Rate]
    _buckets: list[_Bucket] = field(init=False)
    _places: dict[str, float] = field(init=False, default_factory=dict)
    """When whoever waits may go, by what he asks for."""

    def __post_init__(self) -> None:
        self._buckets = [_Bucket(rate, rate.requests, float("-inf")) for rate in self.rates]

    def due(self, asked_for: str, now: float) -> float:
        """Seconds until a console may be asked for; 0: now, and that is taken for done."""
        self._drop_unclaimed(now)
        for bucket in self._buckets:
            bucket.fill(now)
        place = self._places.get(asked_for)
        wait = self._wait(len(self._places)) if place is None else place - now
        if wait > HORIZON:
            return wait
        wait = max(wait, self._wait())
        if wait <= _ROUNDING:
            self._places.pop(asked_for, None)
            for bucket in self._buckets:
                bucket.level -= 1
            return 0.0
        self._places[asked_for] = now + wait
        return wait

    def _wait(self, before: int = 0) -> float:
        return max((bucket.wait(before) for bucket in self._buckets), default=0.0)

    def _drop_unclaimed(self, now: float) -> None:
        self._places = {asked_for: place for asked_for, place in self._places.items() if now < place + _KEPT}
