"""What is said below the table of clouds."""

from __future__ import annotations

from launcher.cli.clouds import remarks

GONE = {"cloud": "prod", "detail": "prod: its Compute API cannot be reached.", "hint": "Try again in a moment."}


def test_a_number_that_is_kept_is_told_with_its_age() -> None:
    prod = {"name": "prod", "servers": 9, "problem": GONE, "as_of": "2026-01-01T00:00:00Z", "waiting": False}
    assert list(remarks([prod])) == [
        "prod: its Compute API cannot be reached. Try again in a moment.",
        "prod: its servers are counted as of 2026-01-01T00:00:00Z.",
    ]


def test_where_nothing_is_known_there_is_no_age() -> None:
    prod = {"name": "prod", "servers": None, "problem": GONE, "as_of": None, "waiting": False}
    slow = {"name": "slow", "servers": None, "problem": None, "as_of": None, "waiting": True}
    assert list(remarks([prod, slow])) == [
        "prod: its Compute API cannot be reached. Try again in a moment.",
        "slow: it has not answered yet.",
    ]


def test_of_clouds_that_answer_nothing_is_said() -> None:
    prod = {"name": "prod", "servers": 9, "problem": None, "as_of": "2026-01-01T00:00:00Z", "waiting": False}
    assert list(remarks([prod])) == []
