"""When a kept listing is asked for again, and whether whoever looks at it waits for that; the caller knows the time.

younger than FRESH          it is the answer
older                       it is the answer, and is asked for again
unused for UNUSED           it is asked for again, and the answer is waited for
none there                  the same
the cloud wants patience    nothing is asked for until then
"""

from __future__ import annotations

import math
from typing import Final

from launcher.errors import CloudBusyError, CloudError
from launcher.spans import span

FRESH: Final = 5.0
"""Seconds; a failed attempt is made again no sooner, too, where older servers are there."""
UNUSED: Final = 600.0
BELIEVED: Final = 3600.0
"""Seconds; a cloud that asks for more patience is asked again after this long: clocks and units are got wrong."""
_LONG_AGO: Final = -math.inf


class Freshness:
    """What is known of one cloud's listing but the servers. Every moment is one of `Clock.monotonic`."""

    def __init__(self) -> None:
        self.error: CloudError | None = None
        """Why the last attempt failed; None: it did not."""
        self._used_at = _LONG_AGO
        self._asked_at = _LONG_AGO
        self._listed_at = _LONG_AGO
        self._not_before = _LONG_AGO
        self._too_old = False

    def use(self, now: float) -> None:
        """Somebody wants the servers."""
        if now - self._used_at > UNUSED:
            self._too_old = True
        self._used_at = now

    def due(self, now: float) -> bool:
        """Whether the cloud is to be asked."""
        if now < self._not_before:
            return False
        return self._listed_at == _LONG_AGO or now - self._asked_at >= FRESH

    def waited_for(self, now: float, max_age: float | None) -> bool:
        """Whether who wants the servers waits for the attempt under way: there are none, or they are too old."""
        if self._too_old or self._listed_at == _LONG_AGO:
            return True
        return max_age is not None and now - self._listed_at > max_age

    def ask(self, now: float) -> None:
        """An attempt begins."""
        self._asked_at = now

    def succeed(self) -> None:
        """It brought the servers, as they were no earlier than it began."""
        self.error = None
        self._listed_at = self._asked_at
        self._too_old = False

    def fail(self, error: CloudError, now: float) -> None:
        """It brought none: what there was before stays good enough."""
        self.error = error
        self._too_old = False
        if error.retry_after is not None:
            self._not_before = now + min(error.retry_after, BELIEVED)

    def problem(self, now: float) -> CloudError | None:
        """Why the last attempt failed, with what is left of the patience that the cloud asked for."""
        left = math.ceil(self._not_before - now) if now < self._not_before else 0
        if not left or not isinstance(self.error, CloudBusyError):
            return self.error
        return CloudBusyError(
            f"{self.error.cloud} asks for patience: it is not asked for its servers in the next {span(left)}.",
            cloud=self.error.cloud,
            request_id=self.error.request_id,
            retry_after=left,
        )
