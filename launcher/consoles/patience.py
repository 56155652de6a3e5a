"""When a cloud is to be asked again; the caller says what time it is. One for each cloud.

    the cloud said how long (Retry-After and its kin)     nobody asks it before, then one asks alone
    it is busy, or does not answer, and says no time,     nobody asks it for a few seconds
    or one that is over already
    502, 504: something behind its API does not answer    nobody asks it for that server for a few seconds

"A few seconds" double with each failure in a row, a quarter more or less by chance; after `TRIES` the failure is handed
out for what it is, and the next who comes begins anew.

Many requests are under way at once. An answer to one that was sent before a pause is older news than that pause: a
console that comes late does not end it, and who fails together fails once, for nobody has waited between them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from launcher.errors import CloudBusyError, CloudError, CloudReplyError, CloudUnreachableError
from launcher.spans import span

BELIEVED: Final = 3600.0
"""Seconds; a cloud that asks for more is asked again after this long: clocks and units are got wrong, too."""
TRIES: Final = 4
FIRST_PAUSE: Final = 1.0
"""Seconds."""

_GATEWAY_STATUSES = frozenset({502, 504})
_CLOUD = ""
"""Where failures of the cloud as a whole are counted; servers by their id."""


@dataclass(slots=True)
class _Trouble:
    error: CloudError
    until: float
    failures: int = 0


@dataclass(slots=True)
class Patience:
    """Remembers a cloud's failures, as far as they say when to ask again."""

    _troubles: dict[str, _Trouble] = field(default_factory=dict)
    _wary_since: float = math.inf

    @property
    def wary(self) -> bool:
        """It has asked for patience, and answered nothing else that was asked since: who asks, asks alone."""
        return self._wary_since < math.inf

    def note(
        self, error: CloudError, server_id: str, now: float, chance: float, asked_at: float = math.inf
    ) -> float | None:
        """The cloud has just failed; seconds until it may be asked again, if that makes sense.

        `chance` is in 0–1; `asked_at` is when the request was sent, if it was not the last one.
        """
        if isinstance(error, CloudBusyError):
            self._wary_since = now
            if error.retry_after:
                return self._busy(error, now)
        elif not isinstance(error, CloudUnreachableError):
            self.answered(asked_at)
        place = _place_of(error, server_id)
        return None if place is None else self._failed(place, error, now, chance, asked_at)

    def answered(self, asked_at: float = math.inf) -> None:
        """A request that was sent then has an answer, with a console or not: it is not held back any more."""
        if asked_at >= self._wary_since:
            self._wary_since = math.inf

    def good(self, server_id: str, asked_at: float = math.inf) -> None:
        """It has just given a console for this server, asked for then."""
        self.answered(asked_at)
        for place in (_CLOUD, server_id):
            if place in self._troubles and asked_at >= self._troubles[place].until:
                del self._troubles[place]

    def require(self, server_id: str, now: float) -> None:
        """Raises the CloudError of before while the cloud is not to be asked for this server."""
        for place in (_CLOUD, server_id):
            trouble = self._troubles.get(place)
            if trouble is not None and now < trouble.until:
                raise _again(trouble.error, trouble.until - now)

    def _busy(self, error: CloudBusyError, now: float) -> float:
        until = now + min(error.retry_after or 0.0, BELIEVED)
        before = self._troubles.get(_CLOUD)
        if before is None or before.until <= until:
            self._troubles[_CLOUD] = _Trouble(error, until)
        return max(0.0, self._troubles[_CLOUD].until - now)

    def _failed(self, place: str, error: CloudError, now: float, chance: float, asked_at: float) -> float | None:
        self._forget(now)
        before = self._troubles.get(place)
        if before is not None and now < before.until:
            return before.until - now
        failures = 1 if before is None else max(1, before.failures + (asked_at >= before.until))
        if failures >= TRIES:
            self._troubles.pop(place, None)
            return None
        wait = pause(failures, chance)
        self._troubles[place] = _Trouble(error, now + wait, failures)
        return wait

    def _forget(self, now: float) -> None:
        """What was over a minute ago and nobody has come back to does not count as "in a row"."""
        self._troubles = {place: trouble for place, trouble in self._troubles.items() if now < trouble.until + 60}


def pause(failures: int, chance: float) -> float:
    """Seconds to wait after so many failures in a row (1 … `TRIES` - 1); `chance` is in 0–1."""
    return float(FIRST_PAUSE * 2 ** (failures - 1) * (0.75 + 0.5 * chance))


def passes(error: CloudError) -> bool:
    """Whether the failure may be over in a few seconds."""
    return _place_of(error, "a server") is not None


def _place_of(error: CloudError, server_id: str) -> str | None:
    """What failed: the cloud, or what it has behind its API for one server; None: asking again changes nothing."""
    if isinstance(error, CloudBusyError | CloudUnreachableError):
        return _CLOUD
    if isinstance(error, CloudReplyError) and error.status in _GATEWAY_STATUSES:
        return server_id
    return None


def _again(error: CloudError, left: float) -> CloudError:
    """The error of before, with what is left of its time."""
    cloud, request_id = error.cloud, error.request_id
    if isinstance(error, CloudBusyError):
        message = f"{cloud} asks for patience: it is asked for no console in the next {span(left)}."
        return CloudBusyError(message, cloud=cloud, request_id=request_id, retry_after=left)
    if isinstance(error, CloudReplyError):
        again: CloudError = CloudReplyError(str(error), cloud=cloud, request_id=request_id, status=error.status)
    else:
        again = CloudUnreachableError(str(error), cloud=cloud, request_id=request_id)
    again.retry_after = left
    return again
