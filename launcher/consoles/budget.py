"""How many consoles a cloud is asked for: token buckets; the caller says what time it is. One for each cloud.

A place is kept for whoever must wait, so that who came first is served first; but no further ahead than `HORIZON`:
those who will have left by then must not hold up who comes later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

HORIZON: Final = 120.0
"""Seconds."""
_KEPT = 10.0
"""Seconds that a place is kept for whoever does not come for it."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `requests` at once, and as many again in each `seconds`."""

    requests: int
    seconds: float


@dataclass(slots=True)
class _Bucket:
    rate: Rate
    level: float
    """May be below nothing: places are kept that far ahead."""
    at: float

    def next_at(self, now: float) -> float:
        """When the next request may be sent."""
        self._fill(now)
        return now if self.level >= 1 else now + (1 - self.level) * self.rate.seconds / self.rate.requests

    def take(self) -> None:
        self.level -= 1

    def _fill(self, now: float) -> None:
        gained = (now - self.at) * self.rate.requests / self.rate.seconds
        self.level = min(float(self.rate.requests), self.level + gained)
        self.at = now


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
        place = self._places.get(asked_for)
        if place is None:
            place = max((bucket.next_at(now) for bucket in self._buckets), default=now)
            if place - now > HORIZON:
                return place - now
            for bucket in self._buckets:
                bucket.take()
        if place <= now:
            self._places.pop(asked_for, None)
            return 0.0
        self._places[asked_for] = place
        return place - now

    def _drop_unclaimed(self, now: float) -> None:
        self._places = {asked_for: place for asked_for, place in self._places.items() if now < place + _KEPT}
