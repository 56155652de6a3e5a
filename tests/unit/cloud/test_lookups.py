"""The budget of look-ups of unknown names."""

from __future__ import annotations

from launcher.cloud.lookups import PER_ACTOR, PER_CLOUD, Lookups


def taken(lookups: Lookups, uid: int, now: float, cloud: str = "prod") -> int:
    """How many look-ups are let through at one moment."""
    count = 0
    while lookups.take(cloud, uid, now) == 0:
        count += 1
    return count


def test_an_actor_has_so_many_at_once_and_as_many_again_in_a_minute() -> None:
    lookups = Lookups()
    assert taken(lookups, 1000, 0.0) == PER_ACTOR
    assert lookups.take("prod", 1000, 0.0) == 60 / PER_ACTOR
    assert taken(lookups, 1000, 10.0) == PER_ACTOR // 6
    assert taken(lookups, 1000, 600.0) == PER_ACTOR


def test_all_actors_together_have_so_many_in_each_cloud() -> None:
    lookups = Lookups()
    assert sum(taken(lookups, uid, 0.0) for uid in range(10)) == PER_CLOUD
    assert taken(lookups, 1, 0.0, "stage") == PER_ACTOR


def test_what_is_given_back_may_be_taken_again() -> None:
    lookups = Lookups()
    for _ in range(10 * PER_CLOUD):
        assert lookups.take("prod", 1000, 0.0) == 0
        lookups.give_back("prod", 1000, 0.0)
    lookups.give_back("prod", 1000, 0.0)
    assert taken(lookups, 1000, 0.0) == PER_ACTOR, "never more than there were"


def test_actors_that_ask_no_more_leave_nothing_behind() -> None:
    lookups = Lookups()
    for uid in range(1000):
        lookups.take("prod", uid, float(uid))
    assert len(lookups._buckets) <= 62
