"""No cloud is asked before its time, or more than its budget allows, whatever happens in whatever order."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from launcher.cloud.reply import Reply
from launcher.cloud.retry_after import retry_after
from launcher.consoles.budget import HORIZON, Budget, Rate
from launcher.consoles.patience import BELIEVED, TRIES, Patience, passes, pause
from launcher.errors import (
    CloudBusyError,
    CloudCredentialsError,
    CloudError,
    CloudReplyError,
    CloudUnreachableError,
    ConsoleRefusedError,
    HostSilentError,
    KindNotOfferedError,
)
from launcher.model import Server
from launcher.states import Outlook, reading, told

SERVERS = st.sampled_from(["one", "two"])
SECONDS = st.floats(0, 1e6)
GAPS = st.one_of(st.sampled_from([0.0, 1.0, 2.0, 5.0]), st.floats(0, 5), st.floats(0, 1e5))
CHANCE = st.floats(0, 1)


def busy(seconds: float | None) -> CloudError:
    return CloudBusyError("prod asks for patience.", cloud="prod", retry_after=seconds)


def replied(status: int) -> CloudError:
    return CloudReplyError(f"prod answered with status {status}.", cloud="prod", status=status)


ERRORS = st.one_of(
    st.builds(busy, st.one_of(st.none(), SECONDS)),
    st.builds(replied, st.sampled_from([400, 500, 502, 504])),
    st.builds(lambda: CloudUnreachableError("prod does not answer.", cloud="prod")),
    st.builds(lambda: CloudCredentialsError("prod does not know us.", cloud="prod")),
    st.builds(lambda: HostSilentError("prod: its host does not answer.", cloud="prod", status=500)),
    st.builds(lambda: ConsoleRefusedError("prod gives none.", cloud="prod")),
    st.builds(lambda: KindNotOfferedError("prod has none.", cloud="prod", kind="novnc")),
)


# Patience


@dataclass(frozen=True)
class Turn:
    """Some time passes, then a console is asked for, and the cloud answers so (None: with a console)."""

    gap: float
    server: str
    error: CloudError | None
    chance: float


TURNS = st.lists(st.builds(Turn, GAPS, SERVERS, st.one_of(st.none(), ERRORS), CHANCE), max_size=30)


@given(TURNS)
def test_nobody_is_let_through_before_the_time_that_was_told(turns: list[Turn]) -> None:
    patience, now = Patience(), 1000.0
    told_until: dict[str, float] = {}
    for turn in turns:
        now += turn.gap
        until = max((told_until.get(place, 0.0) for place in ("", turn.server)), default=0.0)
        if now < until:
            with pytest.raises(CloudError) as caught:
                patience.require(turn.server, now)
            left = caught.value.retry_after
            assert left is not None
            assert 0 < left <= until - now + 1e-6
            continue
        patience.require(turn.server, now)
        if turn.error is None:
            patience.good(turn.server)
            told_until[""] = told_until[turn.server] = 0.0
            continue
        wait = patience.note(turn.error, turn.server, now, turn.chance)
        if wait is None:
            assert not isinstance(turn.error, CloudBusyError) or not turn.error.retry_after
            continue
        assert 0 <= wait <= BELIEVED + 1e-6
        whole = isinstance(turn.error, CloudBusyError | CloudUnreachableError)
        told_until["" if whole else turn.server] = now + wait


@given(ERRORS, CHANCE)
def test_a_failure_that_does_not_pass_stops_nobody_and_one_that_does_is_handed_out_in_the_end(
    error: CloudError, chance: float
) -> None:
    patience, now, waits = Patience(), 0.0, list[float | None]()
    for _ in range(TRIES):
        wait = patience.note(error, "one", now, chance)
        waits.append(wait)
        now += wait or 0.0
        patience.require("one", now)
    if not passes(error):
        assert waits == [None] * TRIES
    elif isinstance(error, CloudBusyError) and error.retry_after:
        assert waits == [pytest.approx(min(error.retry_after, BELIEVED))] * TRIES
    else:
        assert [wait is None for wait in waits] == [False] * (TRIES - 1) + [True]


@given(st.integers(1, TRIES - 1), CHANCE)
def test_pauses_are_a_quarter_more_or_less_than_doubled_ones(failures: int, chance: float) -> None:
    assert 0.75 <= pause(failures, chance) / 2 ** (failures - 1) <= 1.25


# Budget


RATES = st.lists(
    st.builds(Rate, st.integers(1, 5) | st.integers(1, 50), st.sampled_from([1.0, 60.0, 86400.0])),
    min_size=1,
    max_size=2,
)
LATER = st.one_of(st.sampled_from([0.0, 0.0, 0.0, 0.5, 1.0, 9.0]), st.floats(0, 3), st.floats(0, 500))
ASKED = st.lists(st.tuples(LATER, st.sampled_from("abcdefgh")), max_size=60)


@given(RATES, ASKED)
@example([Rate(1, 1.0)], [(0.0, "a"), (0.0, "b"), (0.0, "c"), (0.0, "d"), (9.0, "b"), (0.0, "c"), (0.0, "d"), (0, "e")])
def test_in_no_span_of_time_more_is_let_through_than_the_budget_has(
    rates: list[Rate], asked: list[tuple[float, str]]
) -> None:
    budget, now, let = Budget(rates), 0.0, list[float]()
    for gap, what in asked:
        now += gap
        wait = budget.due(what, now)
        assert wait >= 0
        assert math.isfinite(wait)
        if wait == 0:
            let.append(now)
    for rate in rates:
        for first, begin in enumerate(let):
            for last in range(first, len(let)):
                most = rate.requests + (let[last] - begin) * rate.requests / rate.seconds
                assert last - first + 1 <= most + 1e-6


@given(RATES, st.lists(st.text(max_size=3), unique=True, max_size=20))
def test_who_comes_back_at_the_time_that_he_was_told_is_let_through(rates: list[Rate], asked: list[str]) -> None:
    budget = Budget(rates)
    waits = {what: budget.due(what, 0.0) for what in asked}
    for what, wait in sorted(waits.items(), key=lambda item: item[1]):
        if 0 < wait <= HORIZON:
            assert budget.due(what, wait) == 0


# Retry-After


MOMENTS = st.datetimes(timezones=st.just(UTC))
WAITS = st.one_of(
    st.text(max_size=40),
    st.from_regex(r"\d{1,12}(\.\d{1,12})?(, ?\d{1,3})?", fullmatch=True),
    st.sampled_from(["nan", "inf", "-1", "1e400", "-0", "Tue, 30 Jun 2015 17:39:00 GMT", "9999-12-31T23:59:59-23:59"]),
    st.datetimes().map(str),
)
IN_BODY = st.one_of(WAITS.map(lambda text: '"' + text.replace("\\", "").replace('"', "") + '"'), st.floats().map(str))


@given(st.one_of(st.none(), WAITS), st.one_of(st.none(), WAITS), st.one_of(st.none(), IN_BODY), MOMENTS)
@example("0001-01-01T00:00:00+23:59", "Fri, 31 Dec 9999 23:59:59 -2359", None, datetime(9999, 12, 31, tzinfo=UTC))
@example(None, None, "Infinity", datetime(2015, 6, 30, tzinfo=UTC))
@example(None, None, "NaN", datetime(2015, 6, 30, tzinfo=UTC))
def test_a_wait_is_a_number_of_seconds_or_not_known(
    header: str | None, date: str | None, in_body: str | None, now: datetime
) -> None:
    headers = {name: value for name, value in (("retry-after", header), ("date", date)) if value is not None}
    body = b"" if in_body is None else f'{{"overLimit": {{"code": 413, "retryAfter": {in_body}}}}}'.encode()
    wait = retry_after(Reply(413, headers, body, 0.0), now)
    assert wait is None or (math.isfinite(wait) and wait >= 0)


# States


WORDS = st.one_of(st.text(max_size=30), st.sampled_from(["ACTIVE", "SHUTOFF", "DELETED", "SOFT_DELETED", "BUILD"]))
TASKS = st.one_of(st.none(), WORDS, st.sampled_from(["restoring", "deleting", "spawning", "powering-on"]))


@given(WORDS, WORDS, TASKS)
def test_every_state_means_something_and_can_be_told(name: str, status: str, task: str | None) -> None:
    server = Server("prod", "4711", name, status, task)
    meaning = reading(server)
    assert meaning.does
    assert bool(meaning.hint) is (meaning.outlook is not Outlook.READY)
    assert told(server).startswith(name)
    assert status in told(server)
