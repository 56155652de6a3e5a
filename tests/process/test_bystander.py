"""The bystander by whom the hostile loads are judged: it opens what can be opened, and tells what cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile import nothing
from tests.hostile.__main__ import loads
from tests.hostile.bystander import TCP, UNIX, Attempt, delays_of
from tests.hostile.outcome import Outcome, table
from tests.hostile.world import World


async def test_an_admitted_account_and_root_open_consoles_of_a_daemon_that_nobody_attacks(suite_output: Path) -> None:
    async with World(suite_output / "daemons") as world:
        outcome = await nothing.run(world)
    for way in (TCP, UNIX):
        assert outcome.delays[way].opened >= 20
        assert outcome.delays[way].failed == 0


async def test_a_bystander_of_an_account_that_is_not_admitted_opens_nothing_and_says_why(suite_output: Path) -> None:
    async with (
        World(suite_output / "daemons") as world,
        world.daemon(settings={"access": {}}) as daemon,
        world.bystander(daemon) as bystander,
    ):
        with pytest.raises(AssertionError, match=r"1 consoles did not open by tcp: refused: HTTP/1.1 403 Forbidden"):
            await bystander.opens(within=3)
        report = bystander.report()
    assert report[TCP].opened == 0
    assert report[UNIX].opened > 0


def test_the_delays_are_those_of_the_attempts_that_opened_a_console() -> None:
    attempts = [Attempt(ok=True, ms=float(ms), why="") for ms in range(1, 101)]
    found = delays_of([*attempts, Attempt(ok=False, ms=9000, why="closed"), Attempt(ok=False, ms=9000, why="closed")])
    assert (found.opened, found.failed) == (100, 2)
    assert (found.p50, found.p99, found.worst) == (51, 100, 100)
    assert found.reasons == ("closed",)
    assert delays_of([]).worst == 0


def test_the_table_has_a_line_for_each_way_in_and_tells_what_was_counted_and_what_failed() -> None:
    delays = {TCP: delays_of([Attempt(ok=False, ms=1, why="closed")]), UNIX: delays_of([Attempt(True, 2.0, "")])}
    text = table({"flood": Outcome(delays, {"refused": 12})})
    assert "| flood | tcp | 0 | 1 | 0.0 | 0.0 | 0.0 |" in text
    assert "| flood | unix | 1 | 0 | 2.0 | 2.0 | 2.0 |" in text
    assert "flood: 12 refused" in text
    assert "tcp failed: closed" in text


def test_every_load_has_a_name_a_sentence_and_a_run() -> None:
    found = loads()
    assert "nothing" in found
    for load in found.values():
        assert load.__doc__
        assert callable(load.run)
