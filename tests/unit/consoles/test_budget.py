from __future__ import annotations

from launcher.consoles.budget import HORIZON, Budget, Rate


def test_so_many_may_go_at_once_and_as_many_again_in_each_span() -> None:
    budget = Budget([Rate(3, 60)])
    assert [budget.due(f"s{n}", 100) for n in range(5)] == [0, 0, 0, 20, 40]
    assert budget.due("s3", 110) == 10
    assert budget.due("s3", 120) == 0
    assert budget.due("s4", 140) == 0
    assert budget.due("s5", 140) == 20


def test_who_waits_goes_before_who_comes_later() -> None:
    budget = Budget([Rate(1, 10)])
    assert budget.due("first", 0) == 0
    assert (budget.due("second", 0), budget.due("third", 1)) == (10, 19)
    assert budget.due("third", 10) == 10
    assert budget.due("second", 10) == 0
    assert budget.due("third", 20) == 0


def test_what_was_not_used_does_not_pile_up() -> None:
    budget = Budget([Rate(2, 60)])
    assert [budget.due(f"s{n}", 100_000) for n in range(3)] == [0, 0, 30]


def test_the_strictest_rate_decides() -> None:
    budget = Budget([Rate(2, 2), Rate(3, 300)])
    assert [budget.due(f"s{n}", 0) for n in range(4)] == [0, 0, 1, 100]


def test_without_rates_there_is_no_limit() -> None:
    budget = Budget([])
    assert [budget.due(f"s{n}", 0) for n in range(1000)] == [0] * 1000


def test_no_place_is_kept_further_ahead_than_a_launch_waits() -> None:
    budget = Budget([Rate(1, 100)])
    assert [budget.due(f"s{n}", 0) for n in range(4)] == [0, 100, 200, 200]
    assert budget.due("s9", 100 + 100 - HORIZON + 50) <= HORIZON


def test_a_place_that_nobody_comes_for_is_given_up() -> None:
    budget = Budget([Rate(1, 10)])
    assert (budget.due("gone", 0), budget.due("late", 0)) == (0, 10)
    assert budget.due("late", 21) == 0
    assert budget.due("late", 21) == 10


def test_who_leaves_gives_his_place_back_to_those_who_come_later() -> None:
    budget = Budget([Rate(10, 100)])
    assert [budget.due(f"s{n}", 0) for n in range(10)] == [0] * 10
    for n in range(10, 20):
        assert budget.due(f"s{n}", 0) == (n - 9) * 10  # and none of them comes for it
    assert [budget.due(f"late{n}", 120) for n in range(10)] == [0] * 10
