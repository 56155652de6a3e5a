from __future__ import annotations

import pytest

from launcher.relay.loops import MOST, loop, passed

OURS, THEIRS = "ours-0123", "theirs-4567"


def test_the_gateways_that_a_session_has_passed_are_read_in_their_order() -> None:
    assert passed([]) == ()
    assert passed([f"{OURS}, {THEIRS}", "third-89ab"]) == (OURS, THEIRS, "third-89ab")


@pytest.mark.parametrize("value", ["", "short", "a b c d e f", "x" * 65, f"{OURS},,", 'quoted"id"'])
def test_what_is_no_list_of_ids_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="list of gateways' ids"):
        passed([value])


def test_a_session_that_comes_back_goes_no_further() -> None:
    assert loop(OURS, ()) is None
    assert loop(OURS, (THEIRS,)) is None
    assert "come back" in str(loop(OURS, (OURS, THEIRS)))


def test_nor_one_that_has_passed_too_many() -> None:
    others = tuple(f"gateway-{n}" for n in range(MOST))
    assert loop(OURS, others[1:]) is None
    assert f"{MOST} is the most" in str(loop(OURS, others))
