from __future__ import annotations

import pytest

from launcher.model import EndReason
from launcher.relay.terms import Term, Terms, spelled


def test_without_limits_nothing_ends_a_session() -> None:
    assert not Terms()
    assert Terms().next(open_for=1e9, idle_for=1e9) is None


def test_the_nearer_of_two_ends_counts() -> None:
    terms = Terms(idle=600, total=3600)
    assert terms
    assert terms.next(open_for=100, idle_for=50) == Term(550, EndReason.IDLE, 600)
    assert terms.next(open_for=3500, idle_for=50) == Term(100, EndReason.TIME_LIMIT, 3600)
    assert terms.next(open_for=700, idle_for=700) == Term(-100, EndReason.IDLE, 600)


def test_the_person_is_told_which_limit_it_was() -> None:
    terms = Terms(idle=900, total=28800)
    assert terms.sentence(EndReason.IDLE) == "Ended because nobody used it for 15 min (relay.idle_timeout)."
    assert terms.sentence(EndReason.TIME_LIMIT) == "Ended after 8 h, the limit of a session (relay.session_limit)."


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.5, "0.5 s"), (90, "90 s"), (60, "1 min"), (150, "2.5 min"), (3600, "1 h"), (5400, "90 min"), (86400, "24 h")],
)
def test_durations_are_spelled_for_people(seconds: float, words: str) -> None:
    assert spelled(seconds) == words
