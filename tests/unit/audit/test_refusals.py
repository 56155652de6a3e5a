from __future__ import annotations

import dataclasses

from launcher.audit.events import RefusalEvent, RefusalKind
from launcher.audit.refusals import CLAIM_INTERVAL, INTERVAL, Refusals

MALLORY = RefusalEvent(
    kind=RefusalKind.ACCOUNT, actor="mallory", uid=1001, via="tcp", method="GET", path="/", sent=None, why="No."
)
BOB = dataclasses.replace(MALLORY, actor="bob", uid=1002)


def test_the_first_is_told_at_once_and_the_others_once_a_minute() -> None:
    refusals = Refusals()
    assert refusals.seen(MALLORY, 0) == MALLORY
    for second in range(1, 50):
        assert refusals.seen(dataclasses.replace(MALLORY, path=f"/{second}"), second) is None
    assert refusals.due(INTERVAL - 1) == []
    assert refusals.due(INTERVAL) == [dataclasses.replace(MALLORY, path="/49", more=48)]
    assert refusals.seen(MALLORY, INTERVAL + 1) is None


def test_accounts_and_kinds_have_lines_of_their_own() -> None:
    refusals = Refusals()
    host = dataclasses.replace(MALLORY, kind=RefusalKind.HOST)
    assert [refusals.seen(event, 0) for event in (MALLORY, BOB, host)] == [MALLORY, BOB, host]


def test_who_is_quiet_is_forgotten_and_new_again() -> None:
    refusals = Refusals()
    refusals.seen(MALLORY, 0)
    assert len(refusals) == 1
    assert refusals.due(INTERVAL) == []
    assert len(refusals) == 0
    assert refusals.seen(MALLORY, INTERVAL) == MALLORY


def test_without_room_in_the_log_nothing_is_forgotten() -> None:
    refusals = Refusals()
    for _ in range(5):
        assert refusals.seen(MALLORY, 0, has_room=False) is None
    assert refusals.due(0) == [dataclasses.replace(MALLORY, more=4)]


def test_at_the_end_what_is_untold_is_told() -> None:
    refusals = Refusals()
    for event in (MALLORY, MALLORY, MALLORY, BOB):
        refusals.seen(event, 0)
    assert refusals.rest() == [dataclasses.replace(MALLORY, more=1)]
    assert refusals.rest() == []


def test_a_thousand_accounts_take_no_more_than_their_rows() -> None:
    refusals = Refusals(rows=10)
    told = [refusals.seen(dataclasses.replace(MALLORY, uid=uid), 0) for uid in range(1000)]
    assert sum(one is not None for one in told) == 11
    assert [event.more for event in refusals.due(INTERVAL)] == [988]


def test_headers_that_name_an_account_are_told_once_an_hour() -> None:
    refusals = Refusals()
    claim = dataclasses.replace(MALLORY, kind=RefusalKind.CLAIM)
    assert refusals.seen(claim, 0) == claim
    refusals.seen(claim, 1)
    assert refusals.due(INTERVAL) == []
    assert len(refusals.due(CLAIM_INTERVAL)) == 1
