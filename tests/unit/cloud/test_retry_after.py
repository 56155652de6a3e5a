"""How long to wait, from everything that clouds say."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from launcher.cloud.reply import Reply
from launcher.cloud.retry_after import retry_after

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


def waits(body: object = None, **headers: str) -> float | None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return retry_after(Reply(413, named, json.dumps(body).encode(), 0.0), NOW)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("41", 41.0),
        ("1.5", 1.5),
        ("41, 43", 43.0),
        ("Mon, 23 Nov 2026 12:00:41 GMT", 41.0),
        ("Mon, 23 Nov 2026 12:00:41 -0000", 41.0),
        ("Monday, 23-Nov-26 12:00:41 GMT", 41.0),
        ("Mon, 23 Nov 2026 12:00:39 GMT, Mon, 23 Nov 2026 12:00:41 GMT", 41.0),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0.0),
        ("2026-11-23T12:00:41Z", 41.0),
        ("soon", None),
        ("-1", None),
        ("1e400", None),
        ("", None),
        ("Mon, 99 Nov 99999999999999999999 12:00:41 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, seconds: float | None) -> None:
    assert waits(retry_after=header) == seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("2026-11-23T12:00:41Z", 41.0), ("2026-11-23T12:00:41", 41.0), ("2026-11-23T07:00:41-05:00", 41.0), (41, 41.0)],
)
@pytest.mark.parametrize("key", ["retryAt", "retryAfter"])
def test_the_body_may_say_how_long_to_wait(key: str, value: object, seconds: float) -> None:
    assert waits({"overLimit": {"code": 413, "message": "OverLimit Retry...", key: value}}) == seconds
    assert waits({"message": "OverLimit Retry...", key: value}) == seconds


def test_the_header_goes_before_the_body_unless_it_cannot_be_read() -> None:
    body = {"overLimit": {"retryAfter": 41}}
    assert waits(body, retry_after="5") == 5.0
    assert waits(body, retry_after="soon") == 41.0


@pytest.mark.parametrize(
    "date",
    [
        "Tue, 30 Jun 2015 17:38:19 GMT",
        "Tue, 30 Jun 2015 17:38:17 GMT, Tue, 30 Jun 2015 17:38:19 GMT",
        "Tue, 30 Jun 2015 17:38:19 GMT, Tue, 30 Jun 2015 17:38:17 GMT",
    ],
)
def test_a_moment_counts_from_the_clouds_own_clock(date: str) -> None:
    assert waits(date=date, retry_after="Tue, 30 Jun 2015 17:39:00 GMT") == 41.0
    assert waits({"overLimit": {"retryAt": "2015-06-30T17:39:00Z"}}, date=date) == 41.0
    assert waits(date=date, retry_after="41") == 41.0


@pytest.mark.parametrize("date", ["", "now", "Tue, 30 Jun 2015 17:345:17 GMT, Tue, 30 Jun 2015 17:45:19 GMT"])
def test_where_the_clouds_clock_cannot_be_read_ours_counts(date: str) -> None:
    assert waits(date=date, retry_after="Mon, 23 Nov 2026 12:00:41 GMT") == 41.0
