from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from launcher.consoles.broker import Broker
from launcher.consoles.budget import Budget, Rate
from launcher.errors import (
    CloudBusyError,
    CloudReplyError,
    CloudUnreachableError,
    KindNotOfferedError,
    ServerNotFoundError,
)
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
        self.kinds = set(Kind)
        self.everywhere = False
        self.at_once = self.most_at_once = 0
        self._clock = clock
        self._life = life

    async def console(self, server_id: str, kind: Kind) -> Console:
        self.asked += 1
        asked_at = self._clock.monotonic()
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.let.wait()
        finally:
            self.at_once -= 1
        if self.error is not None:
            raise self.error
        if kind not in self.kinds:
            message = f"prod offers no {kind} consoles."
            raise KindNotOfferedError(message, cloud="prod", kind=kind, everywhere=self.everywhere)
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
def make(cloud: Cloud, clock: FakeClock, tasks: asyncio.TaskGroup) -> MakeBroker:
    def make(
        *, keeps: bool = True, rates: tuple[Rate, ...] = (), at_once: int = 2000, tasks: asyncio.TaskGroup = tasks
    ) -> Broker:
        return Broker(
            "prod", cloud, margin=30, keeps=keeps, budget=Budget(rates), at_once=at_once, clock=clock, tasks=tasks,
            chance=lambda: 0.5,
        )  # fmt: skip

    return make


@pytest.fixture
def broker(make: MakeBroker) -> Broker:
    return make()


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
    cloud.error = CloudReplyError("prod answered with status 400.", cloud="prod", status=400)
    failed = await asyncio.gather(*(broker.obtain(KEY) for _ in range(3)), return_exceptions=True)
    assert failed == [cloud.error] * 3
    assert cloud.asked == 1
    cloud.error = None
    assert not (await broker.obtain(KEY)).cached
    assert cloud.asked == 2


@pytest.mark.parametrize("keeps", [True, False])
async def test_a_cloud_that_asked_for_patience_is_not_asked_before_its_time(
    cloud: Cloud, clock: FakeClock, make: MakeBroker, keeps: bool
) -> None:
    broker = make(keeps=keeps)
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
    assert repr(broker) == "<Broker prod: 0 consoles, 0 requests under way, 0 queued>"


async def test_a_discarded_console_is_not_handed_out_again(broker: Broker, cloud: Cloud) -> None:
    first = await broker.obtain(KEY)
    broker.discard(first.console)
    second = await broker.obtain(KEY)
    assert second.console is not first.console
    broker.discard(first.console)
    assert (await broker.obtain(KEY)).console is second.console


async def test_where_a_session_ends_with_its_token_every_session_gets_a_new_console(
    cloud: Cloud, make: MakeBroker
) -> None:
    broker = make(keeps=False)
    obtained = await asyncio.gather(*(broker.obtain(KEY) for _ in range(3)))
    assert cloud.asked == 3
    assert not any(one.cached for one in obtained)


@pytest.mark.parametrize("keeps", [True, False])
async def test_a_console_of_ones_own_is_asked_for_anew_and_handed_to_nobody_else(make: MakeBroker, keeps: bool) -> None:
    broker = make(keeps=keeps)
    shared = await broker.obtain(KEY)
    own = [await broker.fresh(KEY) for _ in range(2)]
    again = await broker.obtain(KEY)
    assert len({id(one.console) for one in (shared, *own)}) == 3
    assert not any(one.cached or one.console is again.console for one in own)
    assert (again.console is shared.console) is keeps


async def test_a_console_of_ones_own_is_not_shared_with_who_asks_at_the_same_time(broker: Broker, cloud: Cloud) -> None:
    cloud.let.clear()
    async with asyncio.TaskGroup() as viewers:
        asking = [
            viewers.create_task(ask)
            for ask in (broker.fresh(KEY), broker.obtain(KEY), broker.fresh(KEY), broker.obtain(KEY))
        ]
        for _ in range(5):
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


async def test_going_down_while_a_request_is_under_way_frees_who_waits(cloud: Cloud, make: MakeBroker) -> None:
    class StopError(Exception):
        pass

    cloud.let.clear()
    waiting: asyncio.Task[object] | None = None
    with pytest.raises(BaseExceptionGroup):
        async with asyncio.TaskGroup() as tasks:
            broker = make(tasks=tasks)
            waiting = tasks.create_task(broker.obtain(KEY))
            await asyncio.sleep(0.01)
            raise StopError
    assert waiting is not None
    assert waiting.cancelled()
    assert repr(broker) == "<Broker prod: 0 consoles, 0 requests under way, 0 queued>"


# The other kind


async def test_where_a_server_has_none_of_a_kind_the_other_is_asked_for_and_that_is_remembered_while_it_is_kept(
    broker: Broker, cloud: Cloud, clock: FakeClock
) -> None:
    cloud.kinds = {Kind.XVPVNC}
    first = await broker.obtain(KEY)
    assert first.console.key.kind is Kind.XVPVNC
    assert cloud.asked == 2
    assert (await broker.obtain(KEY)).console is first.console
    assert cloud.asked == 2
    clock.advance(570)
    cloud.kinds = {Kind.NOVNC}
    assert (await broker.obtain(KEY)).console.key.kind is Kind.NOVNC
    assert cloud.asked == 3


async def test_one_server_without_a_kind_takes_it_from_no_other_server_of_its_cloud(
    broker: Broker, cloud: Cloud
) -> None:
    cloud.kinds = {Kind.XVPVNC}
    await broker.obtain(KEY)
    cloud.kinds = set(Kind)
    other = await broker.obtain(ConsoleKey("prod", "two", Kind.NOVNC))
    assert other.console.key.kind is Kind.NOVNC


async def test_what_somebody_insisted_on_is_nobody_elses_answer(broker: Broker, cloud: Cloud) -> None:
    await broker.obtain(ConsoleKey("prod", "one", Kind.XVPVNC), insist=True)
    assert (await broker.obtain(KEY)).console.key.kind is Kind.NOVNC


async def test_who_insists_on_a_kind_gets_it_or_hears_that_there_is_none(broker: Broker, cloud: Cloud) -> None:
    cloud.kinds = {Kind.XVPVNC}
    with pytest.raises(KindNotOfferedError, match="no novnc"):
        await broker.obtain(KEY, insist=True)
    assert cloud.asked == 1


async def test_where_there_is_neither_kind_it_is_said_so(broker: Broker, cloud: Cloud) -> None:
    cloud.kinds = set()
    with pytest.raises(KindNotOfferedError, match="neither novnc nor xvpvnc") as caught:
        await broker.obtain(KEY)
    assert caught.value.kind == "novnc"


async def test_a_cloud_that_changes_its_kind_is_found_out(broker: Broker, cloud: Cloud) -> None:
    cloud.kinds = {Kind.XVPVNC}
    await broker.obtain(KEY)
    cloud.kinds = {Kind.NOVNC}
    assert (await broker.obtain(ConsoleKey("prod", "two", Kind.NOVNC))).console.key.kind is Kind.NOVNC
    before = cloud.asked
    await broker.obtain(ConsoleKey("prod", "three", Kind.NOVNC))
    assert cloud.asked == before + 1


async def test_a_kind_that_a_cloud_has_nowhere_is_asked_for_last_from_then_on(broker: Broker, cloud: Cloud) -> None:
    cloud.kinds, cloud.everywhere = {Kind.XVPVNC}, True
    await broker.obtain(KEY)
    assert cloud.asked == 2
    for number in range(3):
        other = await broker.obtain(ConsoleKey("prod", f"server-{number}", Kind.NOVNC))
        assert other.console.key.kind is Kind.XVPVNC
    assert cloud.asked == 5
    cloud.kinds = {Kind.NOVNC}
    assert (await broker.obtain(ConsoleKey("prod", "two", Kind.NOVNC))).console.key.kind is Kind.NOVNC
    assert cloud.asked == 7
    await broker.obtain(ConsoleKey("prod", "three", Kind.NOVNC))
    assert cloud.asked == 8


async def test_a_cloud_with_neither_kind_is_asked_for_both_each_time(broker: Broker, cloud: Cloud) -> None:
    cloud.kinds, cloud.everywhere = set(), True
    for asked in (2, 4):
        with pytest.raises(KindNotOfferedError, match="neither"):
            await broker.obtain(KEY)
        assert cloud.asked == asked


# Sparing the cloud


async def test_a_thousand_who_wait_for_a_limited_cloud_cause_one_further_request(
    broker: Broker, cloud: Cloud, clock: FakeClock
) -> None:
    async def persistent() -> Console:
        while True:
            try:
                return (await broker.obtain(KEY)).console
            except CloudBusyError as error:
                await clock.sleep(error.retry_after or 0)

    cloud.error = CloudBusyError("Wait.", cloud="prod", retry_after=3)
    async with asyncio.TaskGroup() as viewers:
        asking = [viewers.create_task(persistent()) for _ in range(1000)]
        for _ in range(20):
            await asyncio.sleep(0)
        clock.advance(2.9)
        await asyncio.sleep(0)
        assert cloud.asked == 1
        cloud.error = None
        clock.advance(0.1)
    assert cloud.asked == 2
    assert len({id(task.result()) for task in asking}) == 1


async def test_after_a_limit_one_asks_alone_and_the_others_follow_once_it_got_a_console(
    make: MakeBroker, cloud: Cloud, clock: FakeClock
) -> None:
    broker = make(at_once=10)
    cloud.error = CloudBusyError("Wait.", cloud="prod", retry_after=3)
    with pytest.raises(CloudBusyError):
        await broker.obtain(KEY)
    clock.advance(3)
    cloud.error, cloud.most_at_once = None, 0
    cloud.let.clear()
    keys = [ConsoleKey("prod", f"server-{number}", Kind.NOVNC) for number in range(50)]
    async with asyncio.TaskGroup() as viewers:
        for key in keys:
            viewers.create_task(broker.obtain(key))
        for _ in range(10):
            await asyncio.sleep(0)
        assert (cloud.at_once, repr(broker)) == (
            1,
            "<Broker prod: 0 consoles, 50 requests under way, 49 queued>",
        )
        cloud.let.set()
    assert cloud.most_at_once <= 10
    assert cloud.asked == 51


async def test_a_second_limit_is_told_to_all_who_queue_without_asking_the_cloud(
    make: MakeBroker, cloud: Cloud, clock: FakeClock
) -> None:
    broker = make(at_once=1)
    cloud.error = CloudBusyError("Wait.", cloud="prod", retry_after=3)
    keys = [ConsoleKey("prod", f"server-{number}", Kind.NOVNC) for number in range(50)]
    outcomes = await asyncio.gather(*(broker.obtain(key) for key in keys), return_exceptions=True)
    assert cloud.asked == 1
    assert all(isinstance(outcome, CloudBusyError) and outcome.retry_after == 3 for outcome in outcomes)


async def test_no_more_requests_are_under_way_than_the_cloud_is_meant_to_have(make: MakeBroker, cloud: Cloud) -> None:
    broker = make(at_once=3)
    cloud.let.clear()
    async with asyncio.TaskGroup() as viewers:
        for number in range(20):
            viewers.create_task(broker.obtain(ConsoleKey("prod", f"server-{number}", Kind.NOVNC)))
        for _ in range(10):
            await asyncio.sleep(0)
        assert cloud.at_once == 3
        cloud.let.set()
    assert (cloud.asked, cloud.most_at_once) == (20, 3)


async def test_when_the_budget_is_used_up_who_comes_is_told_how_long_to_wait(
    make: MakeBroker, cloud: Cloud, clock: FakeClock
) -> None:
    broker = make(rates=(Rate(2, 60),))
    one, two, three, four = (ConsoleKey("prod", name, Kind.NOVNC) for name in ("one", "two", "three", "four"))
    await broker.obtain(one)
    await broker.obtain(two)
    waits = {}
    for key in (three, four):
        with pytest.raises(CloudBusyError, match="own budget") as caught:
            await broker.obtain(key)
        waits[key] = caught.value.retry_after
    assert waits == {three: 30, four: 60}
    assert (await broker.obtain(one)).cached
    clock.advance(30)
    await broker.obtain(three)
    assert cloud.asked == 3


@pytest.mark.parametrize(
    "error",
    [
        CloudUnreachableError("prod does not answer.", cloud="prod"),
        CloudBusyError("prod is busy.", cloud="prod"),
        CloudReplyError("prod answered with status 504.", cloud="prod", status=504),
    ],
)
async def test_a_passing_failure_says_when_to_come_again_and_nobody_is_let_through_before(
    broker: Broker, cloud: Cloud, clock: FakeClock, error: CloudUnreachableError
) -> None:
    cloud.error = error
    for asked, pause in enumerate((1.0, 2.0, 4.0), start=1):
        for _ in range(2):
            with pytest.raises(type(error)) as caught:
                await broker.obtain(KEY)
            assert caught.value.retry_after == pause
        assert cloud.asked == asked
        clock.advance(pause)
        error.retry_after = None
    with pytest.raises(type(error)) as caught:
        await broker.obtain(KEY)
    assert (cloud.asked, caught.value.retry_after) == (4, None)
    cloud.error = None
    await broker.obtain(KEY)


async def test_a_console_that_was_under_way_when_the_cloud_asked_for_patience_lets_nobody_through(
    broker: Broker, cloud: Cloud, clock: FakeClock
) -> None:
    cloud.let.clear()
    async with asyncio.TaskGroup() as viewers:
        early = viewers.create_task(broker.obtain(KEY))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        early_let, cloud.let = cloud.let, asyncio.Event()
        cloud.let.set()
        cloud.error = CloudBusyError("Wait.", cloud="prod", retry_after=41)
        with pytest.raises(CloudBusyError):
            await broker.obtain(ConsoleKey("prod", "two", Kind.NOVNC))
        cloud.error = None
        clock.advance(1)
        early_let.set()
    assert early.result().console.key == KEY
    with pytest.raises(CloudBusyError) as caught:
        await broker.obtain(ConsoleKey("prod", "three", Kind.NOVNC))
    assert (cloud.asked, caught.value.retry_after) == (2, 40)


async def test_a_cloud_that_is_away_is_not_asked_by_each_of_many_who_wait(make: MakeBroker, cloud: Cloud) -> None:
    broker = make(at_once=20)
    cloud.error = CloudUnreachableError("prod does not answer.", cloud="prod")
    cloud.let.clear()
    async with asyncio.TaskGroup() as viewers:
        for number in range(100):
            viewers.create_task(_ends_with(CloudUnreachableError, broker, f"server-{number}"))
        for _ in range(10):
            await asyncio.sleep(0)
        cloud.let.set()
    assert cloud.asked == 20


async def _ends_with(error: type[Exception], broker: Broker, server: str) -> None:
    with pytest.raises(error):
        await broker.obtain(ConsoleKey("prod", server, Kind.NOVNC))


async def test_a_server_that_is_gone_is_an_answer_too(broker: Broker, cloud: Cloud, clock: FakeClock) -> None:
    cloud.error = CloudBusyError("Wait.", cloud="prod", retry_after=3)
    with pytest.raises(CloudBusyError):
        await broker.obtain(KEY)
    clock.advance(3)
    cloud.error = ServerNotFoundError("prod has no server one.")
    with pytest.raises(ServerNotFoundError):
        await broker.obtain(KEY)
    cloud.let.clear()
    cloud.error, cloud.most_at_once = None, 0
    async with asyncio.TaskGroup() as viewers:
        for server in ("two", "three"):
            viewers.create_task(broker.obtain(ConsoleKey("prod", server, Kind.NOVNC)))
        for _ in range(5):
            await asyncio.sleep(0)
        cloud.let.set()
    assert cloud.most_at_once == 2
