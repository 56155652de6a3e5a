"""One piece of work for all who wait."""

from __future__ import annotations

import asyncio

import pytest

from launcher.cloud.flight import Flight
from launcher.errors import BadRequestError


class Work:
    """Work that waits until it is let go."""

    def __init__(self) -> None:
        self.begun = 0
        self.gate = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self) -> int:
        self.begun += 1
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return self.begun


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_many_who_ask_at_once_share_one_piece_of_work() -> None:
    flight, work = Flight[int](), Work()
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(flight.share(work)) for _ in range(100)]
        await turns()
        assert flight.busy
        work.gate.set()
    assert {task.result() for task in asked} == {1}
    assert not flight.busy


async def test_who_asks_later_has_it_done_anew() -> None:
    flight, work = Flight[int](), Work()
    work.gate.set()
    assert [await flight.share(work), await flight.share(work)] == [1, 2]


async def test_a_failure_is_shared_and_not_kept() -> None:
    flight, work = Flight[int](), Work()
    work.error = BadRequestError("no")
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(failing(flight, work)) for _ in range(3)]
        await turns()
        work.gate.set()
    assert [task.result() for task in asked] == [True, True, True]
    assert work.begun == 1
    work.error = None
    assert await flight.share(work) == 2


async def failing(flight: Flight[int], work: Work) -> bool:
    with pytest.raises(BadRequestError, match="no"):
        await flight.share(work)
    return True


async def test_a_waiter_who_leaves_takes_nothing_from_the_others() -> None:
    flight, work = Flight[int](), Work()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(flight.share(work))
        leaver = group.create_task(flight.share(work))
        await turns()
        leaver.cancel()
        await turns()
        work.gate.set()
    assert leaver.cancelled()
    assert first.result() == 1


async def test_when_the_one_at_work_leaves_the_next_begins_anew() -> None:
    flight, work = Flight[int](), Work()
    async with asyncio.TaskGroup() as group:
        leader = group.create_task(flight.share(work))
        others = [group.create_task(flight.share(work)) for _ in range(3)]
        await turns()
        leader.cancel()
        await turns()
        work.gate.set()
    assert leader.cancelled()
    assert {task.result() for task in others} == {2}


async def test_a_defect_in_the_work_is_not_passed_off_as_an_outcome() -> None:
    flight, work = Flight[int](), Work()
    work.error = ZeroDivisionError()
    work.gate.set()
    with pytest.raises(ZeroDivisionError):
        await flight.share(work)
    assert not flight.busy
