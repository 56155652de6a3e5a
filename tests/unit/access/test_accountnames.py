"""Names of accounts from a name service that hangs, fails, or answers late."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator

import pytest

from launcher.access.accountnames import AccountNames
from launcher.access.nametable import KEPT_FOR, UNDER_WAY_AT_MOST
from launcher.access.policy import Policy
from tests.fakes.clock import FakeClock

POLICY = Policy(frozenset({0, 1000}), frozenset({"dora"}), names={0: "root", 1000: "alice"})


class Service:
    """A name service that hangs while `up` is not set; an account is called `name-UID` unless `accounts` has it."""

    def __init__(self) -> None:
        self.up = threading.Event()
        self.up.set()
        self.accounts: dict[int, str] = {}
        self.asked: list[int] = []

    def name_of(self, uid: int) -> str:
        self.asked.append(uid)
        assert self.up.wait(60)
        return self.accounts.get(uid, f"name-{uid}")


@pytest.fixture
def service() -> Iterator[Service]:
    one = Service()
    yield one
    one.up.set()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def names(service: Service, clock: FakeClock) -> AccountNames:
    return AccountNames(lambda: POLICY, service.name_of, clock)


async def until_quiet(names: AccountNames) -> None:
    """No look-up is under way."""
    async with asyncio.timeout(10):
        while names._table.under_way:
            await asyncio.sleep(0.001)
    assert not names._flights


async def test_an_account_that_is_let_in_by_its_user_id_is_never_looked_up(
    names: AccountNames, service: Service
) -> None:
    service.up.clear()
    assert [await names.name(uid) for uid in (0, 1000)] == ["root", "alice"]
    assert service.asked == []


async def test_a_name_is_looked_up_once_a_minute(names: AccountNames, service: Service, clock: FakeClock) -> None:
    assert [await names.name(2000) for _ in range(5)] == ["name-2000"] * 5
    assert service.asked == [2000]
    clock.advance(KEPT_FOR)
    assert await names.name(2000) == "name-2000"
    assert service.asked == [2000, 2000]


async def test_all_who_wait_for_one_name_share_its_look_up(names: AccountNames, service: Service) -> None:
    service.up.clear()
    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(names.name(2000)) for _ in range(50)]
        await asyncio.sleep(0)
        service.up.set()
    assert {task.result() for task in asking} == {"name-2000"}
    assert service.asked == [2000]


async def test_strangers_of_a_service_that_hangs_are_numbers_and_hold_few_threads(
    names: AccountNames, service: Service, clock: FakeClock
) -> None:
    service.up.clear()
    strangers = range(2000, 2000 + 5 * UNDER_WAY_AT_MOST)
    found = await asyncio.gather(*(names.name(uid) for uid in strangers for _ in range(3)))
    assert set(found) == {f"uid {uid}" for uid in strangers}
    assert len(service.asked) == UNDER_WAY_AT_MOST == names._table.under_way
    clock.advance(3600)
    assert await names.name(2000) == "uid 2000"
    assert len(service.asked) == UNDER_WAY_AT_MOST
    service.up.set()
    await until_quiet(names)
    assert await names.name(2000) == "name-2000"  # what came late was kept
    assert await names.name(strangers[-1]) == f"name-{strangers[-1]}"
    assert len(service.asked) == UNDER_WAY_AT_MOST + 1


async def test_one_who_gives_up_takes_the_name_from_nobody(names: AccountNames, service: Service) -> None:
    service.up.clear()
    async with asyncio.TaskGroup() as group:
        first, second = (group.create_task(names.name(2000)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        service.up.set()
    assert first.cancelled()
    assert second.result() == "name-2000"


async def test_an_awaited_account_is_looked_up_each_time_and_found_once_it_exists(
    names: AccountNames, service: Service
) -> None:
    service.accounts[3000] = "uid 3000"
    assert await names.name(3000) == "uid 3000"
    service.accounts[3000] = "dora"
    assert await names.name(3000) == "dora"
    service.up.clear()
    assert await names.name(3000) == "dora"
    service.up.set()
    service.accounts[3000] = "uid 3000"
    await until_quiet(names)
    assert await names.name(3000) == "uid 3000"


async def test_a_look_up_that_fails_is_over(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_uid: int) -> str:
        raise OSError(5, "Input/output error")

    names = AccountNames(look=broken, clock=clock)
    with caplog.at_level(logging.WARNING):
        assert await names.name(2000) == "uid 2000"
    assert "the name of user id 2000 cannot be looked up: " in caplog.text
    assert names._table.under_way == 0


async def test_a_system_without_another_thread_leaves_a_number(
    names: AccountNames, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert await names.name(2000) == "uid 2000"
    assert await names.name(2000) == "name-2000"


def test_a_look_up_that_outlives_the_event_loop_harms_nobody(service: Service, clock: FakeClock) -> None:
    service.up.clear()
    names = AccountNames(lambda: POLICY, service.name_of, clock)

    async def ask() -> None:
        asking = asyncio.timeout(0.01)
        with pytest.raises(TimeoutError):
            async with asking:
                await names.name(2000)

    asyncio.run(ask())
    [thread] = [one for one in threading.enumerate() if one.name == "name of 2000"]
    service.up.set()
    thread.join(10)
    assert not thread.is_alive()
