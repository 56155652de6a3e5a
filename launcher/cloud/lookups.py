"""How many look-ups of unknown names an actor, and all actors together, may cost a cloud: token buckets.

A name that no kept list has makes the gateway ask. Names that turn out to exist give their places back, so that only
misses count: fifty tabs that open at once are fifty look-ups, and none of them is a miss. The caller says what time it
is, in seconds of a monotonic clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

PER_ACTOR: Final = 30
"""Look-ups without a result that an actor may cause in a cloud at once, and as many again in each minute."""
PER_CLOUD: Final = 120
"""The same for all actors together."""
_MINUTE = 60.0
_ROUNDING = 1e-6
"""Of a look-up: floating point, and clocks that wake a little early."""
_EVERYBODY = None


@dataclass(slots=True)
class _Bucket:
    size: int
    level: float
    at: float

    def fill(self, now: float) -> None:
        self.level = min(float(self.size), self.level + (now - self.at) * self.size / _MINUTE)
        self.at = now

    def wait(self) -> float:
        """Seconds until one look-up may be made."""
        return 0.0 if self.level >= 1 - _ROUNDING else (1 - self.level) * _MINUTE / self.size


@dataclass(slots=True)
class Lookups:
    """The look-ups of every cloud and every actor, an actor by its user id."""

    _buckets: dict[tuple[str, int | None], _Bucket] = field(default_factory=dict)

    def take(self, cloud: str, uid: int, now: float) -> float:
        """Seconds until the actor may look a name up in the cloud; 0: now, and that is taken for done."""
        self._forget(now)
        buckets = self._of(cloud, uid, now)
        wait = max(bucket.wait() for bucket in buckets)
        if wait == 0.0:
            for bucket in buckets:
                bucket.level -= 1
        return wait

    def give_back(self, cloud: str, uid: int, now: float) -> None:
        """The look-up found a server: it does not count."""
        for bucket in self._of(cloud, uid, now):
            bucket.level = min(float(bucket.size), bucket.level + 1)

    def _of(self, cloud: str, uid: int, now: float) -> list[_Bucket]:
        buckets = [
            self._buckets.setdefault((cloud, who), _Bucket(size, size, now))
            for who, size in ((uid, PER_ACTOR), (_EVERYBODY, PER_CLOUD))
        ]
        for bucket in buckets:
            bucket.fill(now)
        return buckets

    def _forget(self, now: float) -> None:
        """Buckets that are full by now are as good as none."""
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if now - bucket.at < _MINUTE}
