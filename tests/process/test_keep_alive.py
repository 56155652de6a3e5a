"""Pings that keep sessions awake, and pongs that do not come, with stock websockifies of three kinds."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.fakes.compute import FakeCompute
from tests.fakes.console_proxy import ConsoleProxy, frame
from tests.fakes.fault_proxy import FaultProxy, Trouble
from tests.fakes.raw_screen import RawScreen
from tests.fakes.screens import Screen
from tests.fakes.viewer import PING, PONG, Viewer
from tests.process.browser import Profile
from tests.process.daemon import ROOT, Daemon
from tests.process.site import Site
from tests.soak.slow_viewers import run

pytestmark = pytest.mark.asyncio(loop_scope="module")

SILENT = "The console proxy does not answer any more."


async def test_six_slow_viewers_of_a_flooding_server_behind_eventlet_all_last_for_thirty_seconds(
    suite_output: Path, tmp_path: Path
) -> None:
    seen = await run(tmp_path, suite_output / "daemons", viewers=6, seconds=30, ping="1s")
    assert (seen.alive, seen.lasted) == (6, [])


async def test_a_console_proxy_that_hangs_is_noticed_and_told_and_the_page_is_back_when_it_goes_on(
    site: Site, screen: Screen, profile: Profile
) -> None:
    site.add_server("web-01", screen)
    async with site.daemon(settings={"relay": {"ping": "500ms"}}) as daemon:
        tab = await profile.open(f"{daemon.url}/c/lab/web-01")
        await tab.until_shows(screen.picture)
        await asyncio.sleep(2)  # quiet: it is pinged, and answers
        site.proxy.freeze()
        await tab.until_state("reconnecting", seconds=40)
        await expect(tab.page.locator("#headline")).to_have_text(SILENT)
        site.proxy.thaw()
        await tab.until_shows(screen.picture, seconds=60)
        ends = [event["end_reason"] for event in daemon.log_events("session-end")]
        assert ends == ["upstream answers no more"]


async def test_one_that_hangs_within_a_frame_is_told_too(site: Site, screen: Screen, profile: Profile) -> None:
    """No close frame can be written there: the page learns from the launch why its session was cut off."""
    async with FaultProxy(site.proxy.port) as line:
        site.add_server_with(
            "web-01", lambda: site.proxy.url(screen.port).replace(str(site.proxy.port), str(line.port))
        )
        async with site.daemon(settings={"relay": {"ping": "500ms"}}) as daemon:
            tab = await profile.open(f"{daemon.url}/c/lab/web-01")
            await tab.until_shows(screen.picture)
            await asyncio.sleep(2)
            line.say(frame(bytes(100))[:50])
            line.strike(Trouble.STALL)
            await tab.until_state("reconnecting", seconds=40)
            await expect(tab.page.locator("#headline")).to_have_text(SILENT)
            line.mend()
            await tab.until_shows(screen.picture, seconds=60)


async def test_a_websockify_of_0_8_answers_no_ping_and_stays_for_three_deadlines(
    suite_output: Path, tmp_path: Path
) -> None:
    """Five seconds are the shortest deadline. Whatever a ping carried, that websockify would hand to the screen."""
    async with AsyncExitStack() as stack:
        compute = await stack.enter_async_context(FakeCompute())
        proxy = await stack.enter_async_context(ConsoleProxy(tmp_path, command=(websockify_08(),)))
        screen = await stack.enter_async_context(RawScreen())
        compute.add_server("web-01")
        compute.mint = lambda *_: proxy.url(screen.port)
        clouds = {"lab": {"provider": "none", "endpoint": compute.endpoint}}
        daemon = await stack.enter_async_context(Daemon(suite_output / "daemons", clouds, relay={"ping": "500ms"}))
        viewer = await stack.enter_async_context(Viewer(daemon.port, "/ws/lab/web-01"))
        await viewer.greeted()
        opcodes: list[int] = []
        async with asyncio.timeout(60):
            while opcodes.count(PING) < 3 * 5 / 0.625:  # five quarters of an interval lie between two
                opcode, payload = await viewer.frame()
                opcodes.append(opcode)
                viewer.send(payload, PONG)
        assert set(opcodes) == {PING}, "its hop is kept awake by the gateway, as no pong comes"
        viewer.send(b"still there")
        assert await viewer.received(11) == b"still there"
        assert screen.received == b"still there"


def websockify_08() -> str:
    """The command of websockify 0.8.0 that `tests/run` installs in an environment of its own."""
    command = ROOT / ".venv-websockify-0.8/bin/websockify"
    if not command.exists():
        pytest.fail("needs websockify 0.8.0: bash tests/run --only-setup installs it")
    return str(command)
