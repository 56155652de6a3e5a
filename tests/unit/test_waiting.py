from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from launcher.errors import (
    CloudBusyError,
    CloudError,
    CloudReplyError,
    CloudUnreachableError,
    ConsoleRefusedError,
    ServerNotFoundError,
)
from launcher.launches import Launch, Launches, StepName, Waiting
from launcher.model import Actor, Kind, Server
from launcher.waiting import (
    CLOUD_PATIENCE,
    SERVER_PATIENCE,
    Lookout,
    persist,
    poll_pause,
    refusal,
    unexplained,
    until_ready,
)
from tests.fakes.clock import FakeClock


def server(status: str, task: str | None = None, fault: str | None = None) -> Server:
    return Server("prod", "9168b536", "web-01", status, task, fault)


class Cloud:
    """Answers with one server or error after the other, the last one for ever."""

    def __init__(self, *answers: Server | Exception) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def current(self, cloud: str, server_id: str) -> Server:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def launch(clock: FakeClock) -> Launch:
    return Launches(clock).begin("L", Actor(1000, "alice", "unix"), "prod", "web-01", Kind.NOVNC)


async def run_on(clock: FakeClock, task: asyncio.Task[Any]) -> list[float]:
    """Let the time pass that the task sleeps; how long it slept each time."""
    slept: list[float] = []
    while not task.done():
        await asyncio.sleep(0)
        for seconds in clock.asleep:
            slept.append(round(seconds, 3))
            clock.advance(seconds)
    return slept


async def wait(
    launch: Launch, clock: FakeClock, cloud: Cloud, first: Server
) -> tuple[Server | BaseException, Sequence[float]]:
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(_settled(launch, clock, cloud, first))
        slept = await run_on(clock, waiting)
    return waiting.result(), slept


async def _settled(launch: Launch, clock: FakeClock, cloud: Cloud, first: Server) -> Server | BaseException:
    try:
        return await until_ready(launch, clock, cloud, first)
    except (CloudError, ServerNotFoundError) as error:
        return error


# A server


async def test_a_server_that_runs_is_not_waited_for(launch: Launch, clock: FakeClock) -> None:
    cloud = Cloud(server("ACTIVE"))
    assert await wait(launch, clock, cloud, server("ACTIVE")) == (server("ACTIVE"), [])
    assert (cloud.asked, launch.steps) == (0, [])


async def test_a_server_that_is_being_built_is_polled_until_it_runs(launch: Launch, clock: FakeClock) -> None:
    building = server("BUILD", "spawning")
    cloud = Cloud(building, building, server("ACTIVE"))
    found, slept = await wait(launch, clock, cloud, server("BUILD"))
    assert (found, slept) == (server("ACTIVE"), [2.0, 3.0, 4.5])
    [step] = launch.steps
    assert (step.name, step.text, step.failed) == (StepName.WAIT, "web-01 runs (ACTIVE)", False)
    assert launch.server == server("ACTIVE")
    assert launch.waiting is None


async def test_while_it_waits_the_launch_says_for_what(launch: Launch, clock: FakeClock) -> None:
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(until_ready(launch, clock, Cloud(server("ACTIVE")), server("REBOOT", "rebooting")))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert launch.steps[-1].text == "web-01 reboots (REBOOT, rebooting)"
        assert launch.waiting == Waiting("The screen comes back by itself.", None)
        await run_on(clock, waiting)


def test_polls_begin_at_two_seconds_and_end_at_ten() -> None:
    assert [poll_pause(count) for count in (0, 1, 2, 3, 4, 5, 10_000)] == [2, 3, 4.5, 6.75, 10, 10, 10]


@pytest.mark.parametrize(
    ("last", "text", "hint"),
    [
        (server("SHUTOFF"), "web-01 is off (SHUTOFF).", "Start it, or leave this page open"),
        (server("PAUSED"), "web-01 is paused (PAUSED).", "Unpause it"),
        (server("SHELVED_OFFLOADED"), "web-01 is shelved (SHELVED_OFFLOADED).", "Unshelve it"),
        (
            server("ERROR", None, "No valid host was found."),
            "web-01 is in error (ERROR): No valid host was found.",
            "Loo",
        ),
        (server("ACTIVE", "deleting"), "web-01 is being deleted (ACTIVE, deleting).", "Look for its successor"),
    ],
)
async def test_a_state_that_does_not_pass_is_said_with_what_can_be_done(
    launch: Launch, clock: FakeClock, last: Server, text: str, hint: str
) -> None:
    for cloud, first in ((Cloud(server("ACTIVE")), last), (Cloud(last), server("BUILD"))):
        found, _ = await wait(launch, clock, cloud, first)
        assert isinstance(found, ConsoleRefusedError)
        assert (str(found), found.state) == (text, last.status)
        assert found.hint is not None
        assert found.hint.startswith(hint)


async def test_who_wants_the_console_anyway_does_not_wait(launch: Launch, clock: FakeClock) -> None:
    launch.anyway = True
    assert await wait(launch, clock, Cloud(server("ACTIVE")), server("ERROR")) == (server("ERROR"), [])


async def test_a_server_that_vanishes_while_it_is_waited_for_is_deleted(launch: Launch, clock: FakeClock) -> None:
    found, _ = await wait(launch, clock, Cloud(ServerNotFoundError("prod has no server 9168b536.")), server("BUILD"))
    assert isinstance(found, ServerNotFoundError)
    assert str(found) == "web-01 is deleted: prod does not have it any more."


async def test_a_cloud_that_fails_for_a_moment_is_polled_on(launch: Launch, clock: FakeClock) -> None:
    away = CloudUnreachableError("prod does not answer.", cloud="prod")
    found, slept = await wait(launch, clock, Cloud(away, away, server("ACTIVE")), server("BUILD"))
    assert found == server("ACTIVE")
    assert len(slept) == 3


async def test_nobody_waits_for_a_server_for_ever(launch: Launch, clock: FakeClock) -> None:
    found, slept = await wait(launch, clock, Cloud(server("BUILD")), server("BUILD"))
    assert isinstance(found, ConsoleRefusedError)
    assert SERVER_PATIENCE <= sum(slept) < SERVER_PATIENCE + 11


def test_a_refusal_keeps_the_clouds_request_id() -> None:
    error = CloudReplyError("prod answered with status 500.", cloud="prod", request_id="req-1", status=500)
    assert refusal(server("SHUTOFF"), error).request_id == "req-1"


@pytest.mark.parametrize(
    ("request_id", "hint"),
    [("req-1", "give the request id to the cloud's support."), (None, "ask the cloud's support.")],
)
def test_what_the_state_contradicts_is_said_with_the_state(request_id: str | None, hint: str) -> None:
    for error in (
        ConsoleRefusedError("prod gives no console: no.", cloud="prod", request_id=request_id),
        ServerNotFoundError("prod finds no server.", request_id=request_id),
    ):
        said = unexplained(server("ACTIVE"), error)
        assert isinstance(said, ConsoleRefusedError)
        assert str(said) == f"web-01 runs (ACTIVE), and yet {error}"
        assert (said.state, said.request_id) == ("ACTIVE", request_id)
        assert str(said.hint).endswith(hint)
    fault = CloudReplyError("prod has a fault of its own.", cloud="prod", status=500)
    assert unexplained(server("ACTIVE"), fault) is fault


async def test_a_state_that_was_seen_a_moment_ago_is_not_asked_for_again(clock: FakeClock) -> None:
    cloud = Cloud(server("BUILD"), server("REBOOT"), server("ACTIVE"))
    lookout = Lookout(cloud, clock)
    for passes, status in ((0, "BUILD"), (1.9, "BUILD"), (0.1, "REBOOT"), (1, "REBOOT"), (100, "ACTIVE")):
        clock.advance(passes)
        assert (await lookout.current("prod", "9168b536")).status == status
    assert cloud.asked == 3
    await lookout.current("prod", "another")
    assert cloud.asked == 4


async def test_a_failure_to_look_is_not_kept(clock: FakeClock) -> None:
    cloud = Cloud(ServerNotFoundError("prod has no server."), server("ACTIVE"))
    lookout = Lookout(cloud, clock)
    with pytest.raises(ServerNotFoundError):
        await lookout.current("prod", "9168b536")
    assert (await lookout.current("prod", "9168b536")).status == "ACTIVE"


# A cloud


class Asked:
    """Fails so, one after the other, and then gives an answer."""

    def __init__(self, *errors: CloudError) -> None:
        self.errors = list(errors)

    async def __call__(self) -> Server:
        if self.errors:
            raise self.errors.pop(0)
        return server("ACTIVE")


def busy(retry_after: float | None) -> CloudBusyError:
    return CloudBusyError(f"prod wants {retry_after} s.", cloud="prod", retry_after=retry_after)


async def test_a_cloud_that_says_how_long_is_waited_for_and_the_moment_is_told(
    launch: Launch, clock: FakeClock
) -> None:
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(persist(launch, clock, Asked(busy(41), busy(3))))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert launch.waiting == Waiting("prod wants 41 s.", clock.monotonic() + 41)
        assert await run_on(clock, waiting) == [41, 3]
    assert waiting.result() == server("ACTIVE")
    assert launch.waiting is None


async def test_a_cloud_that_wants_more_than_a_launch_lasts_is_not_waited_for(launch: Launch, clock: FakeClock) -> None:
    for errors in ((busy(CLOUD_PATIENCE + 1),), (busy(CLOUD_PATIENCE - 20), busy(21))):
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(_caught(launch, clock, Asked(*errors)))
            await run_on(clock, waiting)
        assert waiting.result() is errors[-1]


async def _caught(launch: Launch, clock: FakeClock, asked: Asked, *, retries: bool = False) -> CloudError | None:
    try:
        await persist(launch, clock, asked, retries=retries)
    except CloudError as error:
        return error
    return None


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (busy(None), 4),
        (busy(0.0), 4),
        (CloudUnreachableError("away", cloud="prod"), 4),
        (CloudReplyError("status 502", cloud="prod", status=502), 4),
        (CloudReplyError("status 400", cloud="prod", status=400), 1),
    ],
)
async def test_with_retries_what_may_pass_is_tried_a_few_times(
    launch: Launch, clock: FakeClock, error: CloudError, tries: int
) -> None:
    asked = Asked(*[error] * 9)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(_caught(launch, clock, asked, retries=True))
        await run_on(clock, waiting)
    assert waiting.result() is error
    assert 9 - len(asked.errors) == tries
    asked = Asked(error)
    assert await _caught(launch, clock, asked) is error
