from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from launcher.consoles.broker import Broker
from launcher.errors import CloudBusyError, CloudUnreachableError, ServerNotFoundError
from launcher.model import Console, ConsoleKey, Kind, Secret
from tests.fakes.clock import FakeClock
from tests.fakes.issued import issue

KEY = ConsoleKey("prod", "one", Kind.NOVNC)


class Cloud:
    """Hands out consoles when it is let; counts the requests."""

    def __init__(self, clock: FakeClock, life: float = 600.0) -> None:
        self.asked = 0
        self.let = asyncio.Event()
        self.let.set()
        self.error: Exception | None = None
        self._clock = clock
        self._life = life

    async def console(self, server_id: str, kind: Kind) -> Console:
        self.asked += 1
        asked_at = self._clock.monotonic()
        await self.let.wait()
        if self.error is not None:
            raise self.error
        url = Secret(f"http://proxy/?token={issue()}")
        return Console(ConsoleKey("prod", server_id, kind), url, asked_at, asked_at + self._life, "req-1")


MakeBroker = Callable[..., Broker]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def cloud(clock: FakeClock) -> Cloud:
    return Cloud(clock)


@pytest.fixture
async def tasks() -> AsyncIterator[asyncio.TaskGroup]:
    async with asyncio.TaskGroup() as group:
        yield group


@pytest.fixture
def broker(cloud: Cloud, clock: FakeClock, tasks: asyncio.TaskGroup) -> Broker:
    return Broker({"prod": cloud}, margin=30, single_use=(), clock=clock, tasks=tasks)


async def test_a_thousand_who_ask_at_once_cause_one_request(broker: Broker, cloud: Cloud) -> None:
    cloud.let.clear()
    async with asyncio.TaskGroup() as viewers:
        asking = [viewers.create_task(broker.obtain(KEY)) for _ in range(1000)]
        await asyncio.sleep(0)
        cloud.let.set()
    assert cloud.asked == 1
    assert len({id(task.result().console) for task in asking}) == 1


async def test_within_its_life_a_console_is_reused_and_after_it_renewed(
    broker: Broker, cloud: Cloud, clock: FakeClock
) -> None:
    first = await broker.obtain(KEY)
    clock.advance(569)
    again = await broker.obtain(KEY)
    assert (again.console, again.cached, first.cached) == (first.console, True, False)
    clock.advance(1)
    renewed = await broker.obtain(KEY)
    assert renewed.console is not first.console
    assert cloud.asked == 2


async def test_a_viewer_who_leaves_takes_nothing_from_the_others(broker: Broker, cloud: Cloud) -> None:
    cloud.let.clear()
    async with asyncio.TaskGroup() as viewers:
        leaving = viewers.create_task(broker.obtain(KEY))
        staying = viewers.create_task(broker.obtain(KEY))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.sleep(0)
        cloud.let.set()
    assert leaving.cancelled()
    assert staying.result().console.key == KEY
    assert cloud.asked == 1


async def test_when_everyone_has_left_the_console_is_kept_for_whoever_comes_next(broker: Broker, cloud: Cloud) -> None:
    cloud.let.clear()
    async with asyncio.TaskGroup() as viewers:
        leaving = viewers.create_task(broker.obtain(KEY))
        await asyncio.sleep(0)
        leaving.cancel()
    cloud.let.set()
    assert (await broker.obtain(KEY)).console.key == KEY
    assert cloud.asked == 1


async def test_a_failure_reaches_all_who_wait_and_is_not_kept(broker: Broker, cloud: Cloud) -> None:
    cloud.error = CloudUnreachableError("prod does not answer.", cloud="prod")
    failed = await asyncio.gather(*(broker.obtain(KEY) for _ in range(3)), return_exceptions=True)
    assert failed == [cloud.error] * 3
    assert cloud.asked == 1
    cloud.error = None
    assert not (await broker.obtain(KEY)).cached
    assert cloud.asked == 2


@pytest.mark.parametrize("single_use", [(), ("prod",)])
async def test_a_cloud_that_asked_for_patience_is_not_asked_before_its_time(
    cloud: Cloud, clock: FakeClock, tasks: asyncio.TaskGroup, single_use: tuple[str, ...]
) -> None:
    broker = Broker({"prod": cloud}, margin=30, single_use=single_use, clock=clock, tasks=tasks)
    cloud.error = CloudBusyError("Wait.", cloud="prod", request_id="req-1", retry_after=41)
    for left in (41, 40, 39):
        with pytest.raises(CloudBusyError) as caught:
            await broker.obtain(ConsoleKey("prod", f"server-{left}", Kind.NOVNC))
        assert (caught.value.retry_after, caught.value.request_id) == (left, "req-1")
        clock.advance(1)
    assert cloud.asked == 1
    cloud.error = None
    clock.advance(38)
    assert not (await broker.obtain(KEY)).cached
    assert cloud.asked == 2


async def test_a_console_that_is_there_is_handed_out_while_its_cloud_is_not_to_be_asked(
    broker: Broker, cloud: Cloud
) -> None:
    first = await broker.obtain(KEY)
    cloud.error = CloudBusyError("Wait.", cloud="prod", retry_after=41)
    with pytest.raises(CloudBusyError):
        await broker.obtain(ConsoleKey("prod", "two", Kind.NOVNC))
    assert (await broker.obtain(KEY)).console is first.console


async def test_an_unforeseen_error_reaches_who_waits_and_leaves_other_tasks_alone(broker: Broker, cloud: Cloud) -> None:
    cloud.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        await broker.obtain(KEY)
    cloud.error = None
    await broker.obtain(KEY)


async def test_a_failure_that_nobody_waits_for_any_more_is_quiet(broker: Broker, cloud: Cloud) -> None:
    cloud.let.clear()
    cloud.error = CloudUnreachableError("prod does not answer.", cloud="prod")
    async with asyncio.TaskGroup() as viewers:
        leaving = viewers.create_task(broker.obtain(KEY))
        await asyncio.sleep(0)
        leaving.cancel()
    cloud.let.set()
    await asyncio.sleep(0.01)
    assert repr(broker) == "<Broker 0 consoles, 0 requests>"


async def test_a_discarded_console_is_not_handed_out_again(broker: Broker, cloud: Cloud) -> None:
    first = await broker.obtain(KEY)
    broker.discard(first.console)
    second = await broker.obtain(KEY)
    assert second.console is not first.console
    broker.discard(first.console)
    assert (await broker.obtain(KEY)).console is second.console


async def test_where_a_session_ends_with_its_token_every_session_gets_a_new_console(
    cloud: Cloud, clock: FakeClock, tasks: asyncio.TaskGroup
) -> None:
    broker = Broker({"prod": cloud}, margin=30, single_use={"prod"}, clock=clock, tasks=tasks)
    obtained = await asyncio.gather(*(broker.obtain(KEY) for _ in range(3)))
    assert cloud.asked == 3
    assert not any(one.cached for one in obtained)


@pytest.mark.parametrize("single_use", [(), ("prod",)])
async def test_a_console_of_ones_own_is_asked_for_anew_and_handed_to_nobody_else(
    cloud: Cloud, clock: FakeClock, tasks: asyncio.TaskGroup, single_use: tuple[str, ...]
) -> None:
    broker = Broker({"prod": cloud}, margin=30, single_use=single_use, clock=clock, tasks=tasks)
    shared = await broker.obtain(KEY)
    own = [await broker.fresh(KEY) for _ in range(2)]
    again = await broker.obtain(KEY)
    assert len({id(one.console) for one in (shared, *own)}) == 3
    assert not any(one.cached or one.console is again.console for one in own)
    assert (again.console is shared.console) is not bool(single_use)


async def test_a_console_of_ones_own_is_not_shared_with_who_asks_at_the_same_time(broker: Broker, cloud: Cloud) -> None:
    cloud.let.clear()
    async with asyncio.TaskGroup() as viewers:
        asking = [viewers.create_task(ask(KEY)) for ask in (broker.fresh, broker.obtain, broker.fresh, broker.obtain)]
        await asyncio.sleep(0)
        cloud.let.set()
    own, shared, another, same = (task.result().console for task in asking)
    assert (cloud.asked, shared is same) == (3, True)
    assert len({id(one) for one in (own, shared, another)}) == 3


async def test_who_wants_one_of_their_own_keeps_to_the_cloud_s_patience_too(broker: Broker, cloud: Cloud) -> None:
    cloud.error = CloudBusyError("Wait.", cloud="prod", retry_after=41)
    for _ in range(2):
        with pytest.raises(CloudBusyError):
            await broker.fresh(KEY)
    assert cloud.asked == 1


async def test_an_unknown_cloud_is_no_server(broker: Broker) -> None:
    for ask in (broker.obtain, broker.fresh):
        with pytest.raises(ServerNotFoundError, match="stage"):
            await ask(ConsoleKey("stage", "one", Kind.NOVNC))


async def test_going_down_while_a_request_is_under_way_frees_who_waits(cloud: Cloud, clock: FakeClock) -> None:
    class StopError(Exception):
        pass

    cloud.let.clear()
    waiting: asyncio.Task[object] | None = None
    with pytest.raises(BaseExceptionGroup):
        async with asyncio.TaskGroup() as tasks:
            broker = Broker({"prod": cloud}, margin=30, single_use=(), clock=clock, tasks=tasks)
            waiting = tasks.create_task(broker.obtain(KEY))
            await asyncio.sleep(0.01)
            raise StopError
    assert waiting is not None
    assert waiting.cancelled()
    assert repr(broker) == "<Broker 0 consoles, 0 requests>"


def test_a_cloud_whose_sessions_end_with_their_token_keeps_no_console(clock: FakeClock, cloud: Cloud) -> None:
    broker = Broker({"prod": cloud}, margin=30, single_use={"prod"}, clock=clock, tasks=asyncio.TaskGroup())
    assert not broker.keeps("prod")
    assert broker.keeps("stage")
