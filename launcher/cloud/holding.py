"""What a cloud's sign-ins gave, and how long it holds; the caller says what time it is. Pure.

An API token is used until shortly before its end. A failure is kept for a while too and told to whoever asks meanwhile,
so that a thousand launches do not hammer an Identity service that says no. A token that the Compute API refuses makes
room for a new one, but at most once a minute: where new tokens are refused as well, more of them mend nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from launcher.cloud.freshness import BELIEVED
from launcher.errors import CloudBusyError, CloudError, CloudUnreachableError
from launcher.spans import span

T = TypeVar("T")
E = TypeVar("E", bound=CloudError)

MARGIN: Final = 120.0
"""Seconds before its end from which a token is renewed; never more than a quarter of its life."""
REFUSED_FOR: Final = 60.0
"""Seconds that an Identity service which said no is not asked again."""
UNREACHABLE_FOR: Final = 5.0
"""The same for one that did not answer: it may be back at any moment."""
RENEWED_FOR: Final = 60.0
"""Seconds after a renewal in which no refused token leads to another."""
_LEAST = 1.0


def pause_after(error: CloudError) -> float:
    """Seconds in which Identity is not asked again after this failure."""
    match error:
        case CloudBusyError(retry_after=float() | int() as wait):
            return min(max(float(wait), _LEAST), BELIEVED)
        case CloudUnreachableError():
            return UNREACHABLE_FOR
        case _:
            return REFUSED_FOR


def retold(error: E, more: str = "") -> E:
    """The same error without what led to it (its traceback holds credentials), with a sentence behind its own."""
    copy = type(error).__new__(type(error), f"{error}{more}")
    copy.__dict__.update(vars(error))
    return copy


@dataclass(frozen=True, slots=True)
class _Held(Generic[T]):
    value: T
    good_until: float
    """When it is to be renewed."""
    ends_at: float


@dataclass(frozen=True, slots=True)
class _Failure:
    error: CloudError
    until: float


class Holding(Generic[T]):
    """The token of one cloud, or why there is none."""

    def __init__(self) -> None:
        self._held: _Held[T] | None = None
        self._failure: _Failure | None = None
        self._renewed_at = -math.inf

    def known(self, now: float) -> T | CloudError | None:
        """The token to use, or the failure to tell; None: sign in."""
        held, failure = self._held, self._failure
        if held is not None and now < held.good_until:
            return held.value
        if failure is None or now >= failure.until:
            return None
        if held is not None and now < held.ends_at:  # renewing failed: until its end the old one serves
            return held.value
        return _told_again(failure, now)

    def granted(self, value: T, asked_at: float, life: float | None) -> None:
        """A sign-in succeeded; `life` in seconds from `asked_at`, None if unknown."""
        ends_at = math.inf if life is None else asked_at + life
        good_until = math.inf if life is None else ends_at - min(MARGIN, life / 4)
        self._held, self._failure = _Held(value, good_until, ends_at), None

    def failed(self, error: CloudError, now: float) -> None:
        """A sign-in failed."""
        self._failure = _Failure(retold(error), now + pause_after(error))

    def refuse(self, value: T, now: float) -> float | None:
        """The Compute API refused this token, which is held no more; or the seconds until it may be given up.

        Who comes late, with a token that another has taken the place of, changes nothing.
        """
        if self._held is None or self._held.value is not value:
            return None
        left = self._renewed_at + RENEWED_FOR - now
        if left > 0:
            return left
        self._held, self._renewed_at = None, now
        return None


def _told_again(failure: _Failure, now: float) -> CloudError:
    left = math.ceil(failure.until - now)
    error = retold(failure.error, f" The next try is in {span(left)}.")
    if isinstance(error, CloudBusyError):
        error.retry_after = float(left)
    return error
