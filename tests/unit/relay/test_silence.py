from __future__ import annotations

import pytest

from launcher.relay.silence import LOOKS, Act, Silence, patience


def looked(silence: Silence, times: int, *, answers: bool, patience: int = LOOKS) -> list[Act]:
    """What silent looks lead to; whoever is to be asked is asked."""
    found = []
    for _ in range(times):
        silence.look(stirred=False)
        found.append(silence.act(answers=answers, patience=patience))
        if found[-1] is Act.ASK:
            silence.asked()
    return found


REST = [Act.REST] * (LOOKS - 1)


def test_it_is_asked_after_a_whole_silent_interval_and_not_before() -> None:
    silence = Silence()
    assert looked(silence, LOOKS, answers=False) == [*REST, Act.ASK]


def test_any_byte_and_any_pause_begin_the_interval_anew() -> None:
    silence = Silence()
    looked(silence, LOOKS - 1, answers=False)
    silence.look(stirred=True)
    assert not silence.lasts
    assert looked(silence, LOOKS, answers=False) == [*REST, Act.ASK]
    assert silence.lasts


def test_one_that_never_answered_is_asked_once_an_interval_for_ever() -> None:
    assert looked(Silence(), 5 * LOOKS, answers=False) == [*REST, Act.ASK] * 5


def test_one_that_answered_before_is_given_up_once_its_answer_is_late() -> None:
    assert looked(Silence(), 2 * LOOKS, answers=True) == [*REST, Act.ASK, *REST, Act.GIVE_UP]
    assert looked(Silence(), LOOKS + 9, answers=True, patience=9)[LOOKS:] == [Act.REST] * 8 + [Act.GIVE_UP]


def test_bytes_behind_the_question_are_life_whatever_they_are() -> None:
    silence = Silence()
    looked(silence, 2 * LOOKS - 1, answers=True)
    silence.look(stirred=True)
    assert silence.act(answers=True, patience=LOOKS) is Act.REST
    assert looked(silence, 2 * LOOKS, answers=True) == [*REST, Act.ASK, *REST, Act.GIVE_UP]


def test_what_is_put_off_as_something_was_on_its_way_is_due_at_the_next_look() -> None:
    silence = Silence()
    for _ in range(LOOKS + 1):
        silence.look(stirred=False)
    assert silence.act(answers=True, patience=LOOKS) is Act.ASK


@pytest.mark.parametrize(("interval", "looks"), [(30.0, LOOKS), (5.0, LOOKS), (1.0, 20), (0.2, 100)])
def test_an_answer_may_take_an_interval_and_at_least_five_seconds(interval: float, looks: int) -> None:
    assert patience(interval) == looks
