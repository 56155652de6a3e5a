from __future__ import annotations

import pytest

from launcher.errors import BadRequestError, NotFoundError
from launcher.launches import Launches, LaunchState, StepName
from launcher.model import Actor, Kind
from tests.fakes.clock import FakeClock

ALICE, BOB = Actor(1000, "alice", "unix"), Actor(1001, "bob", "unix")


def test_a_launch_tells_its_steps_and_how_long_they_took() -> None:
    clock = FakeClock()
    launch = Launches(clock).begin("one", ALICE, "prod", "web-01", Kind.NOVNC)
    with launch.step(StepName.RESOLVE, "Looking"):
        clock.advance(1.5)
    with pytest.raises(ZeroDivisionError), launch.step(StepName.OBTAIN, "Asking"):
        clock.advance(0.5)
        raise ZeroDivisionError
    assert [(step.name, step.seconds, step.failed) for step in launch.steps] == [
        ("resolve", 1.5, False),
        ("obtain", 0.5, True),
    ]
    assert launch.seconds() == 2.0


def test_a_launch_is_its_actors_own() -> None:
    launches = Launches(FakeClock())
    launch = launches.begin("one", ALICE, "prod", "web-01", Kind.NOVNC)
    assert launches.get("one", ALICE) is launch
    with pytest.raises(NotFoundError):
        launches.get("one", BOB)
    with pytest.raises(NotFoundError):
        launches.get("two", ALICE)


def test_an_id_is_taken_only_once() -> None:
    launches = Launches(FakeClock())
    launches.begin("one", ALICE, "prod", "web-01", Kind.NOVNC)
    with pytest.raises(BadRequestError, match="random"):
        launches.begin("one", BOB, "prod", "web-01", Kind.NOVNC)


def test_what_is_over_is_kept_two_minutes_and_what_goes_on_for_ever() -> None:
    clock = FakeClock()
    launches = Launches(clock)
    over = launches.begin("over", ALICE, "prod", "web-01", Kind.NOVNC)
    launches.begin("on", ALICE, "prod", "web-02", Kind.NOVNC)
    launches.finish(over, LaunchState.ENDED)
    clock.advance(119)
    launches.begin("next", ALICE, "prod", "web-03", Kind.NOVNC)
    assert launches.get("over", ALICE) is over
    clock.advance(2)
    launches.begin("last", ALICE, "prod", "web-03", Kind.NOVNC)
    with pytest.raises(NotFoundError):
        launches.get("over", ALICE)
    assert launches.get("on", ALICE).reference == "web-02"


def test_of_very_many_only_the_newest_are_kept() -> None:
    launches = Launches(FakeClock())
    for number in range(2500):
        launches.finish(launches.begin(str(number), ALICE, "prod", "web", Kind.NOVNC), LaunchState.ENDED)
    assert len(launches) <= 2001
    assert launches.get("2499", ALICE).id == "2499"


def test_when_very_many_end_at_once_only_the_last_to_end_are_kept_whether_or_not_another_begins() -> None:
    launches = Launches(FakeClock())
    many = [launches.begin(str(number), ALICE, "prod", "web", Kind.NOVNC) for number in range(2500)]
    for launch in reversed(many):
        launches.finish(launch, LaunchState.ENDED)
    assert len(launches) == 2000
    assert launches.get("0", ALICE) is many[0]
    with pytest.raises(NotFoundError):
        launches.get("2499", ALICE)


def test_what_ends_a_second_time_when_it_is_forgotten_takes_nothing_from_the_next_of_its_id() -> None:
    clock = FakeClock()
    launches = Launches(clock)
    first = launches.begin("one", ALICE, "prod", "web-01", Kind.NOVNC)
    launches.finish(first, LaunchState.ENDED)
    clock.advance(121)
    second = launches.begin("one", ALICE, "prod", "web-02", Kind.NOVNC)
    launches.finish(first, LaunchState.FAILED)
    clock.advance(121)
    launches.begin("two", ALICE, "prod", "web-03", Kind.NOVNC)
    assert launches.get("one", ALICE) is second
