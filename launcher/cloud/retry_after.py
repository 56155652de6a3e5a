"""How long a cloud asks to be left alone, in all the ways it may say so. Pure.

Nova says seconds; Repose, in front of Rackspace's, says a moment: as an HTTP date in `Retry-After`, as ISO 8601 in the
body. A moment counts from the cloud's own clock, which its `Date` header tells, as ours may differ.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from launcher.cloud.reply import Reply

_NUMBERS = re.compile(r"\d{1,9}(\.\d{1,9})?(\s*,\s*\d{1,9}(\.\d{1,9})?)*")
_BETWEEN_DATES = re.compile(r"\s*,\s*(?=[A-Za-z]{3,9},)")
"""The comma of a header that was sent twice, not the one behind a day's name."""


def retry_after(reply: Reply, now: datetime) -> float | None:
    """Seconds to wait, by the header or else by a fault's `retryAfter` or `retryAt`; None if nothing can be read.

    `now` is our own clock, for a reply whose `Date` is missing or impossible.
    """
    start = _dates(reply.headers.get("date", "")) or now
    values: list[object] = [reply.headers.get("retry-after")]
    document = reply.document
    for fault in (*document.values(), document):
        if isinstance(fault, dict):
            values += [fault.get("retryAfter"), fault.get("retryAt")]
    return next((seconds for value in values if (seconds := _seconds(value, start)) is not None), None)


def _seconds(value: object, start: datetime) -> float | None:
    """Seconds from a number, an HTTP date or an ISO 8601 date; None for anything else."""
    text = str(value).strip()
    if _NUMBERS.fullmatch(text):
        return max(float(number) for number in text.split(","))
    moment = _iso(text) or _dates(text)
    return None if moment is None else max(0.0, (moment - start).total_seconds())


def _iso(text: str) -> datetime | None:
    try:
        return _aware(datetime.fromisoformat(text))
    except ValueError:
        return None


def _dates(text: str) -> datetime | None:
    """The later of the HTTP dates of a header that may have been sent twice; None if any of them is impossible."""
    try:
        return max(_aware(parsedate_to_datetime(date)) for date in _BETWEEN_DATES.split(text.strip()))
    except (ValueError, TypeError, OverflowError):
        return None


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
