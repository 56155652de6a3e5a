"""A cloud's listing: answered from what is there, refreshed while it is used."""

from __future__ import annotations

import asyncio
import logging

import pytest

from launcher.cloud.kept import KeptListing, Seen
from launcher.errors import CloudBusyError, CloudUnreachableError
from tests.fakes.clock import FakeClock
from tests.unit.cloud.fakes import FakeCloud


@pytest.fixture
def cloud() -> FakeCloud:
    return FakeCloud("prod", "web-01")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def kept(cloud: FakeCloud, clock: FakeClock, tasks: asyncio.TaskGroup) -> KeptListing:
    return KeptListing("prod", cloud, clock, tasks)


def names(seen: Seen) -> list[str] | None:
    return None if seen.snapshot is None else [server.name for server in seen.snapshot.servers]


def rename(cloud: FakeCloud, *new: str) -> None:
    cloud.all = FakeCloud("prod", *new).all


async def settled() -> None:
    """Until the attempts under way have come as far as they can."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_first_who_ask_wait_for_one_answer_and_the_next_have_it(
    kept: KeptListing, cloud: FakeCloud, clock: FakeClock
) -> None:
    first = await asyncio.gather(*(kept.seen() for _ in range(50)))
    assert {tuple(names(seen) or ()) for seen in first} == {("web-01",)}
    clock.advance(4.9)
    assert not (await kept.seen()).asking
    assert cloud.asked == ["servers"]


async def test_an_old_listing_is_the_answer_while_the_next_is_asked_for(
    kept: KeptListing, cloud: FakeCloud, clock: FakeClock
) -> None:
    began = clock.now()
    await kept.seen()
    rename(cloud, "new")
    cloud.let.clear()
    clock.advance(5)
    old = await asyncio.gather(*(kept.seen() for _ in range(20)))
    assert {(tuple(names(seen) or ()), seen.as_of, seen.asking) for seen in old} == {(("web-01",), began, True)}
    await settled()
    assert cloud.asked == ["servers"] * 2, "one attempt for all of them"
    cloud.let.set()
    await settled()
    new = await kept.seen()
    assert (names(new), new.as_of, new.asking) == (["new"], clock.now(), False)


async def test_nobody_asks_nothing_is_asked_for(kept: KeptListing, cloud: FakeCloud, clock: FakeClock) -> None:
    await kept.seen()
    for _ in range(100):
        clock.advance(60)
        await settled()
        assert kept.snapshot is not None
    assert cloud.asked == ["servers"]


async def test_a_listing_that_nobody_used_for_ten_minutes_is_waited_for_by_all(
    kept: KeptListing, cloud: FakeCloud, clock: FakeClock
) -> None:
    await kept.seen()
    rename(cloud, "new")
    clock.advance(601)
    both = await asyncio.gather(kept.seen(), kept.seen())
    assert [names(seen) for seen in both] == [["new"], ["new"]]
    assert cloud.asked == ["servers"] * 2


async def test_whoever_wants_it_younger_waits_for_it(kept: KeptListing, cloud: FakeCloud, clock: FakeClock) -> None:
    await kept.seen()
    rename(cloud, "new")
    clock.advance(20)
    assert names(await kept.seen(max_age=20)) == ["web-01"]
    await settled()
    rename(cloud, "newer")
    clock.advance(20)
    assert names(await kept.seen(max_age=15)) == ["newer"]


async def test_a_cloud_that_is_asked_again_is_late_only_for_whoever_wants_younger_servers(
    kept: KeptListing, cloud: FakeCloud, clock: FakeClock
) -> None:
    await kept.seen()
    cloud.let.clear()
    clock.advance(10)
    for max_age, late in ((None, False), (15, False), (9, True)):
        seen = await kept.seen(wait=0, max_age=max_age)
        assert (seen.asking, seen.late, names(seen)) == (True, late, ["web-01"])
    cloud.let.set()
    await settled()
    assert not (await kept.seen(wait=0, max_age=9)).late


async def test_a_failed_refresh_keeps_the_servers_and_tells_its_error(
    kept: KeptListing, cloud: FakeCloud, clock: FakeClock
) -> None:
    began = clock.now()
    await kept.seen()
    cloud.down = True
    clock.advance(60)
    await kept.seen()
    await settled()
    seen = await kept.seen()
    assert (names(seen), seen.as_of, seen.asking) == (["web-01"], began, False)
    assert isinstance(seen.error, CloudUnreachableError)
    assert cloud.asked == ["servers"] * 2, "and it is not tried again at once"
    cloud.down = False
    clock.advance(5)
    assert (await kept.seen()).error is not None, "until the next attempt has ended"
    await settled()
    assert (await kept.seen()).error is None


async def test_the_log_tells_once_that_a_cloud_fails_and_that_it_is_back(
    kept: KeptListing, cloud: FakeCloud, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "launcher")
    for down in (False, True, True, True, False, False):
        cloud.down = down
        clock.advance(60)
        await kept.seen()
        await settled()
    lines = [(record.levelname, record.getMessage().partition(":")[0]) for record in caplog.records]
    assert lines == [("WARNING", "prod is not listed"), ("INFO", "prod is listed again")]


async def test_a_fault_in_the_background_ends_no_other_task_of_the_daemon(
    kept: KeptListing, cloud: FakeCloud, clock: FakeClock, tasks: asyncio.TaskGroup
) -> None:
    other = tasks.create_task(asyncio.Event().wait(), name="list forever")
    await kept.seen()
    cloud.broken = True
    clock.advance(60)
    await kept.seen()
    await settled()
    assert "ZeroDivisionError" in str((await kept.seen()).error)
    assert not other.done()


async def test_an_attempt_goes_on_when_whoever_caused_it_has_left(kept: KeptListing, cloud: FakeCloud) -> None:
    cloud.let.clear()
    early = await kept.seen(wait=0)
    assert (names(early), early.error, early.asking) == (None, None, True)
    async with asyncio.TaskGroup() as group:
        leaves = group.create_task(kept.seen())
        await settled()
        leaves.cancel()
    cloud.let.set()
    assert names(await kept.seen()) == ["web-01"]
    assert cloud.asked == ["servers"]


async def test_a_cloud_that_asks_for_patience_is_not_asked_before(
    kept: KeptListing, cloud: FakeCloud, clock: FakeClock
) -> None:
    cloud.busy = 41
    assert str((await kept.seen()).error) == (
        "prod asks for patience: it is not asked for its servers in the next 41 s."
    )
    clock.advance(40.5)
    seen = await kept.seen()
    assert isinstance(seen.error, CloudBusyError)
    assert (seen.error.retry_after, seen.error.request_id, seen.asking) == (1, "req-7", False)
    cloud.busy = None
    clock.advance(0.5)
    assert names(await kept.seen()) == ["web-01"]
    assert cloud.asked == ["servers"] * 2


async def test_the_version_is_another_only_where_the_servers_are(
    kept: KeptListing, cloud: FakeCloud, clock: FakeClock
) -> None:
    async def version() -> int:
        clock.advance(60)
        return (await kept.seen(max_age=1)).version

    first = await version()
    cloud.all.reverse()
    assert await version() == first
    rename(cloud, "new")
    assert await version() != first


async def test_it_says_what_it_keeps(kept: KeptListing) -> None:
    assert repr(kept) == "<KeptListing prod: no servers, as of None>"
    await kept.seen()
    assert repr(kept).startswith("<KeptListing prod: 1 servers, as of 2026-")


async def test_a_list_that_is_cut_shows_what_fitted_and_says_so(
    kept: KeptListing, cloud: FakeCloud, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.cut = "prod: its list of servers is cut: it is too long."
    seen = await kept.seen()
    assert (names(seen), str(seen.error)) == (["web-01"], cloud.cut)
    clock.advance(6)
    await kept.seen()
    await settled()
    assert [record.getMessage() for record in caplog.records] == [cloud.cut]
    cloud.cut = None
    clock.advance(6)
    await kept.seen()
    await settled()
    assert (await kept.seen()).error is None
