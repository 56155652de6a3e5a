"""Launches that know the server's state: what they wait for, what they say, and what the cloud is asked meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from launcher.errors import ForbiddenError
from launcher.model import Action, Actor, Server
from tests.fakes.clock import FakeClock
from tests.fakes.compute import FakeCompute, fault_reply
from tests.fakes.console_proxy import Fault, FaultyProxy
from tests.fakes.viewer import Viewer
from tests.integration.conftest import RunGateway, Running

LAUNCH = "launch-of-a-state-1"


class Scene:
    """One server, web-01, whose state the test makes, and a gateway whose time it lets pass."""

    def __init__(self, running: Running, clock: FakeClock, proxy: FaultyProxy) -> None:
        self.running = running
        self.compute = running.compute
        self.clock = clock
        self.proxy = proxy
        [self.server_id] = running.compute.servers

    def becomes(self, status: str, task: str | None = None, fault: str | None = None) -> None:
        del self.compute.servers[self.server_id]
        self.compute.add_server("web-01", status, self.server_id, task_state=task, fault=fault)
        self.compute.servers[self.server_id]["OS-EXT-STS:task_state"] = task

    def viewer(self, query: str = "") -> Viewer:
        return self.running.viewer(launch=LAUNCH + query)

    async def launch(self) -> dict[str, Any]:
        """What the page is told of the launch."""
        _, told = await self.running.ask("GET", f"/api/v1/launches/{LAUNCH}")
        assert isinstance(told, dict)
        return told

    async def until_asleep(self, sleepers: int = 1) -> None:
        async with asyncio.timeout(10):
            while sum(seconds > 0 for seconds in self.clock.asleep) < sleepers:
                await asyncio.sleep(0.005)

    async def pass_time(self) -> float:
        """Let the launch wait to the end of its present pause; how many seconds that took."""
        await self.until_asleep()
        seconds = min(seconds for seconds in self.clock.asleep if seconds > 0)
        self.clock.advance(seconds)
        await asyncio.sleep(0)
        return round(seconds, 3)

    @property
    def polls(self) -> int:
        """How often the server itself was asked for."""
        return self.compute.requests.count(("GET", f"/v2.1/servers/{self.server_id}"))

    @property
    def consoles(self) -> int:
        return len(self.compute.console_requests)


@pytest.fixture
def scene_of(run_gateway: RunGateway) -> Any:
    """`async with scene_of(Fault.HANG_UP_AFTER_101, Fault.NONE) as scene:`"""

    @asynccontextmanager
    async def scene(*faults: Fault, max_version: str = "2.1") -> AsyncIterator[Scene]:
        clock = FakeClock()
        async with FaultyProxy(*faults) as proxy, run_gateway(clock=clock) as running:
            running.compute.max_version = max_version
            running.compute.mint = lambda *_: proxy.url()
            yield Scene(running, clock, proxy)

    return scene


@pytest.fixture
async def scene(scene_of: Any) -> AsyncIterator[Scene]:
    async with scene_of() as scene:
        yield scene


def steps(launch: dict[str, Any]) -> list[tuple[str, str]]:
    return [(step["name"], step["state"]) for step in launch["steps"]]


# States that pass


async def test_a_server_that_reboots_for_ever_is_not_waited_for_for_ever(scene: Scene) -> None:
    async def reboots(request: web.Request) -> web.Response | None:
        if request.method == "POST":
            scene.becomes("REBOOT", "rebooting")
            return fault_reply(409, "conflictingRequest", "Instance is not ready")
        return None

    scene.compute.fault = reboots
    async with scene.viewer() as viewer:
        for pause in (2, 2000):
            await scene.until_asleep()
            scene.becomes("ACTIVE")
            scene.clock.advance(pause)
        assert await viewer.closed() == (
            4409,
            "web-01 reboots (REBOOT, rebooting). The screen comes back by itself.",
        )


async def test_a_server_that_is_being_built_opens_by_itself(scene: Scene) -> None:
    scene.becomes("BUILD", "spawning")
    async with scene.viewer() as viewer:
        await scene.until_asleep()
        launch = await scene.launch()
        assert steps(launch) == [("resolve", "done"), ("authorize", "done"), ("wait", "doing")]
        assert launch["steps"][-1]["text"] == "web-01 is being built (BUILD, spawning)"
        assert (launch["state"], launch["waiting"]) == ("launching", "The screen appears as soon as it runs.")
        assert (launch["wait_until"], launch["problem"]) == (None, None)
        scene.becomes("BUILD", "networking")
        assert await scene.pass_time() == 2
        await scene.until_asleep()
        assert (await scene.launch())["steps"][-1]["text"] == "web-01 is being built (BUILD, networking)"
        scene.becomes("ACTIVE")
        assert await scene.pass_time() == 3
        await viewer.greeted()
    launch = await scene.launch()
    assert [step["name"] for step in launch["steps"]] == ["resolve", "authorize", "wait", "obtain", "open"]
    assert (launch["waiting"], launch["problem"], launch["steps"][2]["seconds"]) == (None, None, 5.0)
    assert (scene.polls, scene.consoles) == (2, 1)


@pytest.mark.parametrize(
    ("status", "task", "does", "hint"),
    [
        ("REBOOT", "rebooting", "reboots", "The screen comes back by itself."),
        ("HARD_REBOOT", "reboot_started_hard", "reboots", "The screen comes back by itself."),
        ("ACTIVE", "migrating", "moves to another host", "The screen comes back when it has arrived."),
        ("MIGRATING", "migrating", "moves to another host", "The screen comes back when it has arrived."),
        ("RESIZE", "resize_migrating", "is being resized", "The screen comes back when it is done."),
        ("REBUILD", "rebuild_spawning", "is being rebuilt", "The screen appears as soon as it runs."),
        ("SHUTOFF", "powering-on", "is being started", "The screen appears as soon as it runs."),
        ("SHELVED_OFFLOADED", "unshelving", "is being started", "The screen appears as soon as it runs."),
    ],
)
async def test_no_console_is_asked_for_while_a_state_passes(
    scene: Scene, status: str, task: str, does: str, hint: str
) -> None:
    scene.becomes(status, task)
    async with scene.viewer() as viewer:
        await scene.until_asleep()
        launch = await scene.launch()
        assert (launch["steps"][-1]["text"], launch["waiting"]) == (f"web-01 {does} ({status}, {task})", hint)
        assert scene.consoles == 0
        scene.becomes("ACTIVE")
        await scene.pass_time()
        await viewer.greeted()
    assert (scene.polls, scene.consoles) == (1, 1)


@pytest.mark.parametrize("max_version", ["2.1", "2.104"])
async def test_a_server_that_begins_to_move_as_its_console_is_asked_for_is_waited_for(
    scene_of: Any, max_version: str
) -> None:
    """The action answers 409, remote-consoles 500 with InstanceInvalidState."""
    async with scene_of(max_version=max_version) as scene:

        async def begins(request: web.Request) -> None:
            if request.method == "POST" and not scene.consoles:
                scene.becomes("ACTIVE", "migrating")

        scene.compute.fault = begins
        async with scene.viewer() as viewer:
            await scene.until_asleep()
            launch = await scene.launch()
            assert steps(launch)[2:] == [("obtain", "failed"), ("wait", "doing")]
            assert launch["waiting"] == "The screen comes back when it has arrived."
            scene.becomes("ACTIVE")
            await scene.pass_time()
            await viewer.greeted()
        assert (scene.polls, scene.consoles) == (2, 2)


async def test_while_a_host_hangs_nobody_asks_it_three_times(scene: Scene) -> None:
    async def hangs(request: web.Request) -> web.Response | None:
        if request.method != "POST":
            return None
        said = "Unexpected API Error.\n<class 'oslo_messaging.exceptions.MessagingTimeout'>"
        return web.json_response({"computeFault": {"code": 500, "message": said}}, status=500)

    scene.compute.fault = hangs
    async with scene.viewer() as viewer:
        code, reason = await viewer.closed()
    assert (code, reason[:54]) == (4504, "prod: the server's host does not answer the cloud (sta")
    assert [method for method, _ in scene.compute.requests].count("POST") == 1
    assert scene.polls == 1
    problem = (await scene.launch())["problem"]
    assert (problem["type"], problem["title"]) == ("host-silent", "The server's host does not answer")


# States that somebody must end


async def test_a_server_that_fails_while_it_is_built_is_said_with_its_fault(scene: Scene) -> None:
    scene.becomes("BUILD", "scheduling")
    async with scene.viewer() as viewer:
        await scene.until_asleep()
        scene.becomes("ERROR", fault="No valid host was found. There are not enough hosts available.")
        await scene.pass_time()
        code, reason = await viewer.closed()
    said = "web-01 is in error (ERROR): No valid host was found. There are not enough hosts available."
    assert (code, reason.startswith(said)) == (4409, True)
    launch = await scene.launch()
    assert (steps(launch)[-1], launch["state"]) == (("wait", "failed"), "failed")
    problem = launch["problem"]
    assert (problem["type"], problem["detail"]) == ("console-refused", said)
    assert (problem["title"], problem["state"], problem["outlook"]) == (
        "web-01 is in error (ERROR)",
        "ERROR",
        "standing",
    )
    assert problem["hint"] == "Look up its fault at the cloud; a hard reboot or a rebuild may help."
    assert scene.consoles == 0


async def test_a_server_that_is_deleted_while_it_is_waited_for_is_said_to_be(scene: Scene) -> None:
    scene.becomes("BUILD", "spawning")
    async with scene.viewer() as viewer:
        await scene.until_asleep()
        del scene.compute.servers[scene.server_id]
        await scene.pass_time()
        assert await viewer.closed() == (4404, "web-01 is deleted: prod does not have it any more.")
    problem = (await scene.launch())["problem"]
    assert (problem["type"], problem["request_id"]) == ("server-not-found", scene.compute.request_ids[-1])
    assert problem["hint"] == "Look for it in the list of servers; it may have been renamed or deleted."
    assert scene.consoles == 0


@pytest.mark.parametrize(
    ("status", "task", "title", "outlook", "hint"),
    [
        ("SHUTOFF", None, "is off (SHUTOFF)", "standing", "Start it, or leave this page open"),
        ("PAUSED", None, "is paused (PAUSED)", "standing", "Unpause it, or leave this page open"),
        ("SUSPENDED", None, "is suspended (SUSPENDED)", "standing", "Resume it, or leave this page open"),
        ("SHELVED_OFFLOADED", None, "is shelved (SHELVED_OFFLOADED)", "standing", "Unshelve it, or leave this page"),
        ("ACTIVE", "deleting", "is being deleted (ACTIVE, deleting)", "gone", "Look for its successor"),
        ("SOFT_DELETED", None, "is deleted (SOFT_DELETED)", "gone", "Restore it, or look for its successor"),
    ],
)
async def test_a_state_that_does_not_pass_is_said_at_once_and_no_console_is_asked_for(
    scene: Scene, status: str, task: str | None, title: str, outlook: str, hint: str
) -> None:
    """A SHUTOFF server would get a console URL, behind which nothing answers."""
    scene.becomes(status, task)
    async with scene.viewer() as viewer:
        code, reason = await viewer.closed()
    assert (code, reason.startswith(f"web-01 {title}. {hint[:20]}")) == (4409, True)
    problem = (await scene.launch())["problem"]
    assert (problem["title"], problem["state"], problem["outlook"]) == (f"web-01 {title}", status, outlook)
    assert problem["hint"].startswith(hint)
    answer, problem = await scene.running.ask("POST", "/api/v1/servers/prod/web-01/console")
    assert (answer, problem["detail"], problem["state"]) == (409, f"web-01 {title}.", status)
    assert "this page" not in problem["hint"], "whoever asks the API has none"
    assert (scene.polls, scene.consoles, scene.clock.asleep) == (0, 0, [])


# Anyway


@pytest.mark.parametrize("status", ["SHUTOFF", "PAUSED", "SUSPENDED"])
async def test_who_wants_the_console_anyway_gets_what_there_is(scene: Scene, status: str) -> None:
    scene.becomes(status)
    async with scene.viewer("&anyway=true") as viewer:
        await viewer.greeted()
    assert "wait" not in dict(steps(await scene.launch()))
    answer, _ = await scene.running.ask("POST", "/api/v1/servers/prod/web-01/console", json={"anyway": True})
    assert (answer, scene.polls, scene.consoles) == (200, 0, 1)


@pytest.mark.parametrize("status", ["BUILD", "SHELVED_OFFLOADED"])
async def test_who_wants_it_anyway_and_cannot_have_it_hears_the_state(scene: Scene, status: str) -> None:
    scene.becomes(status)
    async with scene.viewer("&anyway=true") as viewer:
        code, reason = await viewer.closed()
    assert (code, f"({status})" in reason, scene.consoles, scene.clock.asleep) == (4409, True, 1, [])
    problem = (await scene.launch())["problem"]
    assert (problem["state"], problem["request_id"]) == (status, scene.compute.request_ids[-2])


async def test_anyway_behind_a_console_proxy_that_hangs_up_is_the_state_s_doing(scene_of: Any) -> None:
    async with scene_of(Fault.HANG_UP_AFTER_101) as scene:
        scene.becomes("SHUTOFF")
        async with scene.viewer("&anyway=true") as viewer:
            code, reason = await viewer.closed()
        assert (code, reason.startswith("web-01 is off (SHUTOFF). Start it")) == (4409, True)
        assert (scene.consoles, scene.proxy.connections) == (2, 2)


# A console proxy that hangs up


@pytest.mark.parametrize(("hang_ups", "consoles"), [(2, 2), (3, 3)])
async def test_a_console_proxy_that_hangs_up_on_a_server_that_reboots_is_tried_again_when_it_runs(
    scene_of: Any, hang_ups: int, consoles: int
) -> None:
    """The second console may be good again after the reboot; if not, there is a third."""
    async with scene_of(*[Fault.HANG_UP_AFTER_101] * hang_ups, Fault.NONE) as scene:

        def mint(*_: str) -> str:
            if scene.consoles == 2:
                scene.becomes("REBOOT", "rebooting")
            return str(scene.proxy.url())

        scene.compute.mint = mint
        async with scene.viewer() as viewer:
            await scene.until_asleep()
            launch = await scene.launch()
            assert steps(launch)[-2:] == [("open", "failed"), ("wait", "doing")]
            assert launch["steps"][-1]["text"] == "web-01 reboots (REBOOT, rebooting)"
            scene.becomes("ACTIVE")
            await scene.pass_time()
            await viewer.greeted()
        assert (scene.consoles, scene.proxy.connections) == (consoles, hang_ups + 1)


async def test_a_console_proxy_that_hangs_up_on_a_server_that_runs_is_said_at_once(scene_of: Any) -> None:
    async with scene_of(Fault.HANG_UP_AFTER_101) as scene:
        async with scene.viewer() as viewer:
            assert (await viewer.closed())[0] == 4502
        problem = (await scene.launch())["problem"]
        assert (problem["type"], problem["state"], problem["outlook"]) == ("upstream-stale", "ACTIVE", "ready")
        assert (scene.polls, scene.consoles, scene.proxy.connections, scene.clock.asleep) == (1, 2, 2, [])


async def test_a_cloud_that_cannot_tell_the_state_either_leaves_it_at_what_the_console_proxy_did(scene_of: Any) -> None:
    async with scene_of(Fault.HANG_UP_AFTER_101) as scene:
        server_id = scene.server_id

        async def refuse(request: web.Request) -> web.Response | None:
            return web.Response(status=403) if request.path.endswith(server_id) else None

        scene.compute.fault = refuse
        async with scene.viewer() as viewer:
            assert (await viewer.closed())[0] == 4502


# Many, and a cloud that is limited


async def test_a_hundred_viewers_of_a_server_that_is_built_cause_one_poll_at_a_time(scene: Scene) -> None:
    scene.becomes("BUILD", "spawning")
    async with AsyncExitStack() as stack:
        viewers: list[Viewer] = []
        for count in range(100):
            viewers.append(await stack.enter_async_context(scene.running.viewer()))
            if count % 25 == 24:  # they do not come in the same moment
                await scene.until_asleep(count + 1)
                scene.clock.advance(0.4)
        for _ in range(12):
            await scene.until_asleep(100)
            scene.clock.advance(0.5)
        assert 2 <= scene.polls <= 4, "one every two seconds, for all of them"
        scene.becomes("ACTIVE")
        greeted = asyncio.gather(*(viewer.greeted() for viewer in viewers))
        while not greeted.done():
            await asyncio.sleep(0.01)
            scene.clock.advance(0.5)
        await greeted
    assert scene.consoles == 1
    await scene.running.settled()


async def test_a_limited_cloud_is_waited_for_in_looking_for_the_server_too(compute: FakeCompute, scene: Scene) -> None:
    limited = ["41", "7"]

    async def limit(request: web.Request) -> web.Response | None:
        if "/servers/detail" not in request.path or not limited:
            return None
        return web.Response(status=413, headers={"Retry-After": limited.pop(0)})

    compute.fault = limit
    async with scene.viewer() as viewer:
        await scene.until_asleep()
        launch = await scene.launch()
        assert steps(launch) == [("resolve", "doing")]
        assert launch["waiting"] == "prod allows no more requests and asks for patience for 41 s."
        assert (launch["wait_seconds"], launch["wait_until"]) == (41, "2026-01-01T00:17:21Z")
        assert [await scene.pass_time(), await scene.pass_time()] == [41, 7]
        await viewer.greeted()
    assert [path for _, path in compute.requests].count("/v2.1/servers/detail?limit=100&name=%5Eweb-01%24") == 3


async def test_a_cloud_that_limits_questions_is_asked_none_by_those_who_come_meanwhile(
    compute: FakeCompute, scene: Scene
) -> None:
    compute.add_server("web-02")
    asked: list[str] = []

    async def limit(request: web.Request) -> web.Response | None:
        if "/servers" not in request.path or asked:
            return None
        asked.append(request.path)
        return web.Response(status=413, headers={"Retry-After": "41"})

    compute.fault = limit
    async with scene.viewer() as first:
        await scene.until_asleep()
        scene.clock.advance(10)
        before = len(compute.requests)
        status, problem = await scene.running.ask("GET", "/api/v1/servers/prod/web-02")
        assert (status, problem["type"], problem["retry_after"]) == (503, "cloud-busy", 31)
        assert problem["detail"] == "prod asks for patience: it is asked nothing in the next 31 s."
        assert len(compute.requests) == before
        await scene.pass_time()
        await first.greeted()
        assert (await scene.running.ask("GET", "/api/v1/servers/prod/web-02"))[0] == 200


async def test_a_launch_tells_nothing_of_a_server_to_an_actor_who_may_not_list_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NotThisOne:
        def authorize(self, actor: Actor | None, action: Action, server: Server | None = None) -> None:
            if server is not None:
                raise ForbiddenError("Not this one.")

    parts = scene.running.gateway.parts
    for judge in (parts.api, parts.viewers._launcher):
        monkeypatch.setattr(judge, "_policy", NotThisOne())
    async with scene.viewer() as viewer:
        assert await viewer.closed() == (4403, "Not this one.")
    launch = await scene.launch()
    assert (launch["server"], launch["problem"]["detail"]) == (None, "Not this one.")
    assert scene.server_id not in str(launch)
