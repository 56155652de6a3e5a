"""When a listing is asked for again."""

from __future__ import annotations

from launcher.cloud.freshness import BELIEVED, FRESH, UNUSED, Freshness
from launcher.errors import CloudBusyError, CloudError


def listed(at: float) -> Freshness:
    """Of a listing that was asked for, and came, at this moment."""
    freshness = Freshness()
    freshness.use(at)
    freshness.ask(at)
    freshness.succeed()
    return freshness


def busy(seconds: float | None) -> CloudBusyError:
    return CloudBusyError("wait", cloud="prod", retry_after=seconds)


def test_what_is_not_there_is_asked_for_at_once_as_often_as_it_fails() -> None:
    freshness = Freshness()
    freshness.use(0)
    assert freshness.due(0)
    assert freshness.waited_for(0, None)
    freshness.ask(0)
    freshness.fail(CloudError("no", cloud="prod"), 0)
    assert freshness.due(0)
    assert freshness.waited_for(0, None)


def test_what_is_there_is_asked_for_again_when_it_is_no_longer_fresh_and_not_waited_for() -> None:
    freshness = listed(100)
    assert not freshness.due(100 + FRESH - 0.1)
    assert freshness.due(100 + FRESH)
    assert not freshness.waited_for(100 + FRESH, None)
    assert freshness.waited_for(100 + FRESH, FRESH - 1)


def test_what_was_long_unused_is_waited_for_until_the_attempt_has_ended() -> None:
    freshness = listed(100)
    freshness.use(100 + UNUSED)
    assert not freshness.waited_for(100 + UNUSED, None)
    freshness.use(101 + 2 * UNUSED)
    freshness.use(102 + 2 * UNUSED)
    assert freshness.waited_for(102 + 2 * UNUSED, None)
    freshness.fail(CloudError("no", cloud="prod"), 103 + 2 * UNUSED)
    assert not freshness.waited_for(103 + 2 * UNUSED, None)


def test_patience_is_kept_to_its_end_and_told_by_what_is_left() -> None:
    freshness = listed(100)
    freshness.ask(110)
    freshness.fail(busy(30.2), 110)
    assert not freshness.due(140)
    told = freshness.problem(120)
    assert isinstance(told, CloudBusyError)
    assert told.retry_after == 21
    assert freshness.due(140.2)
    assert freshness.problem(140.2) is freshness.error


def test_patience_without_a_time_or_beyond_belief_does_not_last() -> None:
    freshness = Freshness()
    freshness.fail(busy(None), 100)
    assert freshness.due(100)
    freshness.fail(busy(10 * BELIEVED), 100)
    assert freshness.due(100 + BELIEVED)


def test_a_success_takes_the_error_away() -> None:
    freshness = listed(100)
    freshness.fail(CloudError("no", cloud="prod"), 110)
    assert freshness.problem(110) is not None
    freshness.ask(120)
    freshness.succeed()
    assert freshness.problem(120) is None
