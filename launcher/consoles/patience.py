"""Which clouds asked for patience, and until when; the caller says what time it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from launcher.errors import CloudBusyError

BELIEVED: Final = 3600.0
"""Seconds; a cloud that asks for more is asked again after this long: clocks and units are got wrong, too."""


@dataclass(frozen=True, slots=True)
class _Busy:
    until: float
    request_id: str | None


class Patience:
    """Remembers what clouds asked for (Retry-After and its kin), one moment for each."""

    def __init__(self) -> None:
        self._busy: dict[str, _Busy] = {}

    def note(self, error: CloudBusyError, now: float) -> None:
        """A cloud has just answered so; where it did not say how long, nothing is remembered."""
        if error.retry_after is None:
            return
        until = now + min(error.retry_after, BELIEVED)
        before = self._busy.get(error.cloud)
        if before is None or before.until < until:
            self._busy[error.cloud] = _Busy(until, error.request_id)

    def require(self, cloud: str, now: float) -> None:
        """Raises CloudBusyError while the cloud is not to be asked, with what is left in whole seconds."""
        busy = self._busy.get(cloud)
        if busy is None:
            return
        if now >= busy.until:
            del self._busy[cloud]
            return
        left = math.ceil(busy.until - now)
        raise CloudBusyError(
            f"{cloud} is busy or limits requests: it is asked for no console in the next {left} s.",
            cloud=cloud,
            request_id=busy.request_id,
            retry_after=left,
        )
