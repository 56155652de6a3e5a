"""The flow of the whole, without a browser: reference → console → live bytes both ways."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import AsyncExitStack
from email.utils import formatdate

import pytest
from aiohttp import web

from launcher.relay.frames import OUR_PING
from tests.fakes.clock import FakeClock
from tests.fakes.console_proxy import Fault, FaultyProxy
from tests.fakes.viewer import CLOSE, PING, PONG, frame
from tests.integration.conftest import RunGateway, Running


async def test_bytes_pass_both_ways(running: Running) -> None:
    async with FaultyProxy() as proxy, running.viewer() as viewer:
        running.compute.mint = lambda *_: proxy.url()
        await viewer.greeted()
        viewer.send(b"RFB 003.008\n")
        viewer.send(b"\x01")
        await proxy.send(b"hello")
        assert await viewer.message() == b"hello"
        async with asyncio.timeout(5):
            while proxy.received != [b"RFB 003.008\n", b"\x01"]:
                await asyncio.sleep(0.01)


async def test_a_thousand_bookmarks_opened_at_once_cost_one_console_request_and_later_ones_none(
    running: Running,
) -> None:
    async with FaultyProxy() as proxy:
        running.compute.mint = lambda *_: proxy.url()

        async def look() -> None:
            async with running.viewer() as viewer:
                await viewer.greeted()

        async with asyncio.TaskGroup() as viewers:
            for _ in range(1000):
                viewers.create_task(look())
        assert len(running.compute.console_requests) == 1
        await look()
        assert len(running.compute.console_requests) == 1
        assert proxy.connections == 1001
        await running.settled()


async def test_a_viewer_who_leaves_while_the_console_is_asked_for_harms_nobody(running: Running) -> None:
    running.compute.delay = 0.3
    async with FaultyProxy() as proxy, running.viewer() as staying, running.viewer() as leaving:
        running.compute.mint = lambda *_: proxy.url()
        leaving.leave()
        await staying.greeted()
        assert len(running.compute.console_requests) == 1
        assert proxy.connections == 1


async def test_a_console_that_died_early_is_replaced_without_a_word(running: Running) -> None:
    async with FaultyProxy(Fault.NONE, Fault.HANG_UP_AFTER_101, Fault.NONE) as proxy:
        running.compute.mint = lambda *_: proxy.url()
        async with running.viewer() as viewer:
            await viewer.greeted()
        async with running.viewer() as viewer:
            await viewer.greeted()
        assert len(running.compute.console_requests) == 2
        assert proxy.connections == 3


@pytest.mark.parametrize("status", [413, 429, 503])
async def test_a_cloud_that_asks_for_patience_is_asked_again_when_its_time_is_over(
    run_gateway: RunGateway, status: int
) -> None:
    async def refuse(request: web.Request) -> web.Response | None:
        if not request.path.endswith("/action"):
            return None
        refused.append(request.path)
        return web.Response(status=status, headers={"Retry-After": "41"})

    clock, refused = FakeClock(), list[str]()
    async with FaultyProxy() as proxy, run_gateway(clock=clock) as running:
        running.compute.mint = lambda *_: proxy.url()
        running.compute.add_server("web-02")
        async with running.viewer("web-02") as viewer:
            await viewer.greeted()
        running.compute.fault = refuse
        async with running.viewer(launch="launch-that-waits-1") as first, running.viewer() as second:
            await running.until_waiting("launch-that-waits-1")
            _, launch = await running.ask("GET", "/api/v1/launches/launch-that-waits-1")
            assert ("asks for patience for 41 s" in launch["waiting"], launch["wait_seconds"]) == (True, 41)
            assert launch["wait_until"] == "2026-01-01T00:17:21Z"
            clock.advance(10)
            answer, problem = await running.ask("POST", "/api/v1/servers/prod/web-01/console")
            assert (answer, problem["type"], problem["retry_after"]) == (503, "cloud-busy", 31)
            async with running.viewer("web-02") as viewer:
                await viewer.greeted()
            assert len(refused) == 1
            running.compute.fault = None
            clock.advance(31)
            await first.greeted()
            await second.greeted()
        assert [asked.server_id for asked in running.compute.console_requests].count(refused[0].split("/")[-2]) == 1


async def test_a_cloud_that_wants_more_than_a_launch_lasts_is_told_with_the_time(run_gateway: RunGateway) -> None:
    async def refuse(request: web.Request) -> web.Response | None:
        if not request.path.endswith("/action"):
            return None
        return web.Response(status=413, headers={"Retry-After": "2400"})

    clock = FakeClock()
    async with run_gateway(clock=clock) as running:
        running.compute.fault = refuse
        for wait in ("asks for patience for 40 min", "asked for no console in the next 40 min"):
            async with running.viewer() as viewer:
                code, reason = await viewer.closed()
                assert (code, wait in reason) == (4503, True)
            clock.advance(10)


async def test_a_hundred_who_wait_for_a_limited_cloud_cause_one_further_request(run_gateway: RunGateway) -> None:
    """Rackspace's limit as Repose puts it: 413 with an HTTP date, three seconds ahead. By the real clock."""
    until, asked = 0.0, list[float]()

    async def limit(request: web.Request) -> web.Response | None:
        nonlocal until
        if not request.path.endswith("/action"):
            return None
        now = time.time()
        asked.append(now)
        if not until:
            until = int(now) + 3
        if now >= until:
            return None
        date = {"Date": formatdate(now, usegmt=True), "Retry-After": formatdate(until, usegmt=True)}
        return web.Response(status=413, headers=date, text="<html>Over Limit</html>", content_type="text/html")

    async with FaultyProxy() as proxy, run_gateway() as running, AsyncExitStack() as viewers:
        running.compute.mint = lambda *_: proxy.url()
        running.compute.fault = limit
        waiting = [await viewers.enter_async_context(running.viewer()) for _ in range(100)]
        await asyncio.gather(*(viewer.greeted() for viewer in waiting))
    assert len(asked) == 2
    assert asked[1] >= until
    assert len(running.compute.console_requests) == 1


async def test_where_a_session_ends_with_its_token_each_gets_its_own(run_gateway: RunGateway) -> None:
    async with FaultyProxy() as proxy, run_gateway(entry={"session_ends_with_token": True}) as running:
        running.compute.mint = lambda *_: proxy.url()
        for _ in range(3):
            async with running.viewer() as viewer:
                await viewer.greeted()
        assert len(running.compute.console_requests) == 3


async def test_pings_and_pongs_pass_from_end_to_end(running: Running) -> None:
    async with FaultyProxy() as proxy, running.viewer() as viewer:
        running.compute.mint = lambda *_: proxy.url()
        await viewer.greeted()
        viewer.send(b"are you there", PING)
        assert await viewer.frame() == (PONG, b"are you there")


async def test_a_ping_before_the_screen_is_answered_by_the_gateway(running: Running) -> None:
    async with FaultyProxy(Fault.SILENT_AFTER_101) as proxy, running.viewer() as viewer:
        running.compute.mint = lambda *_: proxy.url()
        viewer.send(b"early", PING)
        assert await viewer.frame() == (PONG, b"early")


async def test_a_quiet_session_is_kept_awake_through_the_upstream(run_gateway: RunGateway) -> None:
    async with run_gateway(relay={"ping": "200ms"}) as running, FaultyProxy() as proxy, running.viewer() as viewer:
        running.compute.mint = lambda *_: proxy.url()
        await viewer.greeted()
        assert await viewer.frame() == (PING, OUR_PING)  # until the upstream is known to answer
        assert [await viewer.frame() for _ in range(3)] == [(PONG, b"")] * 3


async def test_what_a_hasty_viewer_sends_waits_for_the_upstream(running: Running) -> None:
    running.compute.delay = 0.1
    async with FaultyProxy() as proxy, running.viewer() as viewer:
        running.compute.mint = lambda *_: proxy.url()
        viewer.send(b"RFB 003.008\n")
        viewer.send(b"\x01")
        await viewer.greeted()
        async with asyncio.timeout(5):
            while len(proxy.received) < 2:
                await asyncio.sleep(0.01)
        assert proxy.received == [b"RFB 003.008\n", b"\x01"]


async def test_a_viewer_that_talks_on_before_the_server_spoke_is_sent_away(running: Running) -> None:
    async with FaultyProxy(Fault.SILENT_AFTER_101) as proxy, running.viewer() as viewer:
        running.compute.mint = lambda *_: proxy.url()
        for _ in range(5):
            viewer.send(bytes(1024))
        assert await viewer.closed() == (1002, "The server speaks first in RFB.")
        await running.settled()


@pytest.mark.parametrize("code", [1000, 1001, 4001])
async def test_a_viewers_goodbye_is_echoed_and_passed_on(running: Running, code: int) -> None:
    async with FaultyProxy() as proxy, running.viewer() as viewer:
        running.compute.mint = lambda *_: proxy.url()
        await viewer.greeted()
        viewer.send(code.to_bytes(2) + b"bye", CLOSE)
        assert (await viewer.closed())[0] == code
        await running.settled()
        async with asyncio.timeout(5):
            while proxy.closes != [code]:
                await asyncio.sleep(0.01)


async def test_the_upstreams_goodbye_passes_as_it_is(running: Running) -> None:
    async with FaultyProxy() as proxy, running.viewer() as viewer:
        running.compute.mint = lambda *_: proxy.url()
        await viewer.greeted()
        await proxy.send_raw(frame((1000).to_bytes(2) + b"Target closed", CLOSE))
        assert await viewer.closed() == (1000, "Target closed")
        await running.settled()


async def test_an_upstream_that_hangs_up_between_two_frames_is_told_with_1014(running: Running) -> None:
    async with FaultyProxy() as proxy, running.viewer() as viewer:
        running.compute.mint = lambda *_: proxy.url()
        await viewer.greeted()
        proxy.hang_up()
        assert await viewer.closed() == (1014, "The console proxy hung up.")
        await running.settled()


@pytest.mark.parametrize("reset", [True, False])
async def test_an_upstream_that_is_lost_inside_a_frame_ends_the_connection(running: Running, reset: bool) -> None:
    async with FaultyProxy() as proxy, running.viewer() as viewer:
        running.compute.mint = lambda *_: proxy.url()
        await viewer.greeted()
        await proxy.send_raw(frame(bytes(1000))[:500])
        await viewer.reader.readexactly(500)
        proxy.hang_up(reset=reset)
        assert await viewer.closed() == (1006, "")
        await running.settled()


async def test_a_frame_larger_than_the_limit_ends_the_session_from_either_side(run_gateway: RunGateway) -> None:
    async with run_gateway(relay={"frame_limit": "64KiB"}) as running, FaultyProxy() as proxy:
        running.compute.mint = lambda *_: proxy.url()
        async with running.viewer() as viewer:
            await viewer.greeted()
            await proxy.send(bytes(65536))
            await viewer.received(65536)
            await proxy.send_raw(frame(bytes(65537))[:20])
            code, reason = await viewer.closed()
            assert (code, "65537" in reason) == (1009, True)
        await running.settled()
        async with running.viewer() as viewer:
            await viewer.greeted()
            viewer.send_raw(frame(bytes(65537), mask=b"mask")[:20])
            assert (await viewer.closed())[0] == 1009
        await running.settled()
        assert proxy.received == []


async def test_sessions_are_listed_and_one_is_ended_by_an_operator_at_a_frame_boundary(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "launcher")
    async with FaultyProxy() as proxy, running.viewer() as viewer:
        running.compute.mint = lambda *_: proxy.url()
        await viewer.greeted()
        _, listed = await running.ask("GET", "/api/v1/sessions")
        [session] = listed["sessions"]
        assert (session["cloud"], session["name"], session["actor"], session["via"]) == (
            "prod",
            "web-01",
            "root",
            "tcp",
        )
        await proxy.send_raw(frame(bytes(1000))[:500])
        await viewer.reader.readexactly(500)
        assert (await running.ask("DELETE", f"/api/v1/sessions/{session['id']}"))[0] == 204
        await proxy.send_raw(frame(bytes(1000))[500:] + frame(b"never seen"))
        await viewer.reader.readexactly(504)
        assert await viewer.closed() == (1008, "Ended by root.")
        await running.settled()
        assert (await running.ask("GET", "/api/v1/sessions"))[1] == {"sessions": []}
    end = vars(caplog.records[-1])["fields"]
    assert (end["event"], end["end_reason"], end["ended_by"]) == ("session-end", "ended by an operator", "root")


async def test_a_session_that_never_reaches_a_boundary_is_aborted(running: Running) -> None:
    async with FaultyProxy() as proxy, running.viewer() as viewer:
        running.compute.mint = lambda *_: proxy.url()
        await viewer.greeted()
        await proxy.send_raw(frame(bytes(1000))[:500])
        await viewer.reader.readexactly(500)
        _, listed = await running.ask("GET", "/api/v1/sessions")
        await running.ask("DELETE", f"/api/v1/sessions/{listed['sessions'][0]['id']}")
        assert await viewer.closed() == (1006, "")
        await running.settled()


async def test_more_sessions_than_allowed_are_told_so(run_gateway: RunGateway) -> None:
    async with run_gateway(relay={"sessions": 1}) as running, FaultyProxy() as proxy, running.viewer() as viewer:
        running.compute.mint = lambda *_: proxy.url()
        await viewer.greeted()
        async with running.viewer() as late:
            assert await late.closed() == (4429, "The gateway carries 1 sessions already: its limit (relay.sessions).")
        assert len(running.gateway.sessions) == 1


async def test_when_the_gateway_stops_viewers_are_told_with_1012(run_gateway: RunGateway) -> None:
    async with FaultyProxy(Fault.NONE, Fault.SILENT_AFTER_101) as proxy:
        async with run_gateway() as running:
            running.compute.mint = lambda *_: proxy.url()
            live, launching = running.viewer(), running.viewer()
            await live.__aenter__()
            await live.greeted()
            await launching.__aenter__()
            told = [asyncio.get_running_loop().create_task(viewer.closed()) for viewer in (live, launching)]
        for task in told:
            assert await task == (1012, "The gateway restarts or stops.")
        for viewer in (live, launching):
            await viewer.__aexit__(None, None, None)
